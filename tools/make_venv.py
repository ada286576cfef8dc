"""Create a virtual environment for facetrack_ros.

Without options: ``.venv`` with ROS 2 (the sourced native one, else wheels), the dependencies and the installed package
with its compiled messages. With ``--source``: ``.venv-fast`` without ROS, where the package is imported from the source
folder; enough for linters and for the tests of the packages without ROS.

Needs Python with ``venv``. Prints progress, and what to install when something is missing.
"""

import argparse
import os
import shutil
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ROS_WHEELS_PYTHON = ((3, 10), (3, 13))
NETWORK_ADVICE = "Does pip reach a package index (network, proxy)?"
ENTRY_POINT = """#!{python}
import sys

from facetrack_ros.cli.main import main

if __name__ == "__main__":  # worker processes import this file again
    sys.exit(main())
"""


def native_ros() -> bool:
    """Whether a ROS 2 is sourced whose rclpy this interpreter can import."""
    if not os.environ.get("AMENT_PREFIX_PATH"):
        return False
    return subprocess.run([sys.executable, "-c", "import rclpy"], capture_output=True).returncode == 0


def check_prerequisites(native: bool) -> None:
    """Exit with one sentence if something is missing that pip cannot install."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    if not native and not ROS_WHEELS_PYTHON[0] <= sys.version_info[:2] <= ROS_WHEELS_PYTHON[1]:
        sys.exit(
            f"There are no ROS 2 wheels for Python {version}: use Python 3.10 to 3.13 (make PYTHON=python3.12 …), "
            "or source a native ROS 2 Jazzy first."
        )
    if not any(map(shutil.which, filter(None, (os.environ.get("CXX"), "c++", "g++", "clang++")))):
        sys.exit("No C++ compiler found; the ROS messages have to be compiled: apt install g++ (or set CXX).")
    if not (Path(sysconfig.get_paths()["include"]) / "Python.h").exists():
        sys.exit(f"The headers of Python {version} are missing: apt install python3-dev.")


class Environment:
    """A virtual environment being created; the complete output of pip goes to ``setup.log`` in it."""

    def __init__(self, folder: Path, system_packages: bool = False):
        self.folder = folder
        self.python = folder / "bin" / "python"
        self.log = folder / "setup.log"
        if (folder / "bin" / "pip").exists():
            return
        print(f"-- virtual environment {folder.relative_to(ROOT)}, Python {sys.version.split()[0]}", flush=True)
        options = ["--system-site-packages"] if system_packages else []
        if subprocess.run([sys.executable, "-m", "venv", *options, str(folder)], capture_output=True).returncode:
            shutil.rmtree(folder, ignore_errors=True)
            sys.exit("Python cannot create a virtual environment: apt install python3-venv.")

    def pip_install(self, title: str, arguments: list[str], advice: str = NETWORK_ADVICE) -> None:
        """Run ``pip install``, printing a line every two seconds; on failure, exit with its last lines and advice."""
        print(f"-- {title}", flush=True)
        started, printed, tail = time.monotonic(), 0.0, list[str]()
        environment = {key: value for key, value in os.environ.items() if not key.startswith("_ROS_WHEELS")}
        command = [str(self.python), "-m", "pip", "install", "--disable-pip-version-check", "--progress-bar", "off"]
        with self.log.open("a") as log:
            process = subprocess.Popen(
                [*command, *arguments],
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                env=environment,
                cwd=ROOT,
            )
            assert process.stdout is not None
            for line in process.stdout:
                log.write(line)
                tail = [*tail, line][-15:]
                words = line.split()
                if words and words[0] in ("Collecting", "Processing", "Downloading", "Installing", "Building"):
                    now = time.monotonic()
                    if now - printed > 2:
                        printed = now
                        print(f"   {now - started:4.0f} s  {words[0].lower()} {Path(words[1]).name[:60]}", flush=True)
        if process.wait():
            log_name = self.log.relative_to(ROOT)
            sys.exit(f"{''.join(tail)}\n{title} failed; the complete output is in {log_name}. {advice}")
        print(f"   done in {time.monotonic() - started:.0f} s", flush=True)


#: Requirements installed without their own dependencies, by the extra that they belong to.
WITHOUT_DEPS = {"models": "models_without_deps", "trackers": "without_deps"}


def install_without_deps(environment: Environment, extras: list[str]) -> None:
    """Install the packages of the extras whose own dependencies are not wanted; each file says why."""
    if names := [name for extra, name in WITHOUT_DEPS.items() if extra in extras]:
        environment.pip_install("packages without their dependencies", ["--no-deps", *requirement_files(names)])


def requirement_files(names: list[str]) -> list[str]:
    """Arguments of pip that name files of ``requirements/``."""
    return [part for name in names for part in ("-r", str(ROOT / "requirements" / f"{name}.txt"))]


def make_complete(extras: list[str]) -> None:
    """Create ``.venv``: ROS 2, dependencies, compiled messages, installed package."""
    native = native_ros()
    check_prerequisites(native)
    environment = Environment(ROOT / ".venv", system_packages=native)
    names = ["base", *extras, *([] if native else ["ros"])]
    packages = ["wheel"]
    if native:
        # The native messages are compiled against the system's numpy; another major version breaks them.
        version = subprocess.check_output([sys.executable, "-c", "import numpy; print(numpy.__version__)"], text=True)
        packages += [f"numpy=={version.strip()}", "setuptools>=64"]
        print("   using the sourced native ROS 2, no ROS wheels", flush=True)
    environment.pip_install(f"packages: {', '.join(names)}", [*requirement_files(names), *packages])
    install_without_deps(environment, extras)
    environment.pip_install(
        "facetrack_ros: compile the messages, install the package",
        ["--no-deps", "--no-build-isolation", "--force-reinstall", "-v", str(ROOT)],
        "If the compiler or ROS 2 changed since the last build: make clean, then again.",
    )


def make_source(extras: list[str]) -> None:
    """Create ``.venv-fast``: dependencies without ROS; the package is imported from the source folder."""
    environment = Environment(ROOT / ".venv-fast")
    names = ["base", *extras]
    environment.pip_install(f"packages: {', '.join(names)}", requirement_files(names))
    install_without_deps(environment, extras)
    site_packages = next(environment.folder.glob("lib/python*/site-packages"))
    (site_packages / "facetrack_ros_source.pth").write_text(f"{ROOT}\n")
    command = environment.folder / "bin" / "facetrack"
    command.write_text(ENTRY_POINT.format(python=environment.python))
    command.chmod(0o755)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", action="store_true", help="create .venv-fast, without ROS")
    parser.add_argument("extras", nargs="*", help="files of requirements/ to install besides base")
    arguments = parser.parse_args()
    (make_source if arguments.source else make_complete)(arguments.extras)


if __name__ == "__main__":
    main()
