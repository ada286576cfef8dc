"""Make .venv: ROS 2 (a sourced native one, else the wheels), what the package needs, and the package itself.

Needs only a Python with venv. Says what it does while one waits, and what to do when something is missing.
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
VENV = ROOT / ".venv"
LOG = VENV / "setup.log"
WHEELS_PYTHON = ((3, 10), (3, 13))


def native_ros() -> bool:
    """Whether a ROS 2 is sourced whose rclpy this interpreter imports."""
    if not os.environ.get("AMENT_PREFIX_PATH"):
        return False
    return subprocess.run([sys.executable, "-c", "import rclpy"], capture_output=True).returncode == 0


def complain_early(native: bool) -> None:
    """Stop with one sentence where something that pip cannot bring is missing."""
    found = f"{sys.version_info.major}.{sys.version_info.minor}"
    if not native and not WHEELS_PYTHON[0] <= sys.version_info[:2] <= WHEELS_PYTHON[1]:
        sys.exit(
            f"Python {found} has no ROS 2 wheels: use Python 3.10 to 3.13 (make PYTHON=python3.12 …), "
            "or source a native ROS 2 Jazzy first."
        )
    if not any(map(shutil.which, filter(None, (os.environ.get("CXX"), "c++", "g++", "clang++")))):
        sys.exit("No C++ compiler found, and the ROS messages have to be compiled: apt install g++ (or set CXX).")
    if not (Path(sysconfig.get_paths()["include"]) / "Python.h").exists():
        sys.exit(f"The headers of Python {found} are missing: apt install python3-dev.")


def step(title: str, command: list[str], advice: str) -> None:
    """Run one command, showing the line it is at; its whole output goes to the log."""
    print(f"-- {title}", flush=True)
    started, shown, tail = time.monotonic(), 0.0, []
    environment = {key: value for key, value in os.environ.items() if not key.startswith("_ROS_WHEELS")}
    with LOG.open("a") as log:
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment, cwd=ROOT
        )
        for line in process.stdout:
            log.write(line)
            tail = [*tail, line][-15:]
            words = line.split()
            if words and words[0] in ("Collecting", "Processing", "Downloading", "Installing", "Building"):
                now = time.monotonic()
                if now - shown > 2:
                    shown = now
                    print(f"   {now - started:4.0f} s  {words[0].lower()} {Path(words[1]).name[:60]}", flush=True)
    if process.wait():
        sys.exit(f"{''.join(tail)}\n{title} failed; the whole output is in {LOG.relative_to(ROOT)}. {advice}")
    print(f"   done in {time.monotonic() - started:.0f} s", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("extras", nargs="*", help="files of requirements/ to install besides base")
    arguments = parser.parse_args()
    native = native_ros()
    complain_early(native)
    python = str(VENV / "bin" / "python")
    if not (VENV / "bin" / "pip").exists():
        print(f"-- a virtual environment in {VENV.relative_to(ROOT)} with Python {sys.version.split()[0]}", flush=True)
        made = subprocess.run(
            [sys.executable, "-m", "venv", *(["--system-site-packages"] if native else []), str(VENV)],
            capture_output=True,
            text=True,
        )
        if made.returncode:
            shutil.rmtree(VENV, ignore_errors=True)
            sys.exit("Python cannot make a virtual environment: apt install python3-venv.")
    pip = [python, "-m", "pip", "install", "--disable-pip-version-check", "--progress-bar", "off"]
    names = ["base", *arguments.extras, *([] if native else ["ros"])]
    wanted = [part for name in names for part in ("-r", str(ROOT / "requirements" / f"{name}.txt"))]
    if native:
        # The native messages are compiled against the system's numpy; another major version breaks them.
        version = subprocess.check_output([sys.executable, "-c", "import numpy; print(numpy.__version__)"], text=True)
        wanted += [f"numpy=={version.strip()}", "setuptools>=64", "wheel"]
        print("   a native ROS 2 is sourced: using it, no ROS wheels", flush=True)
    else:
        wanted.append("wheel")
    step(f"packages: {', '.join(names)}", [*pip, *wanted], "Does pip reach a package index (network, proxy)?")
    if "trackers" in arguments.extras:
        step(
            "packages without what they ask for",
            [*pip, "--no-deps", "-r", str(ROOT / "requirements/without_deps.txt")],
            "Does pip reach a package index (network, proxy)?",
        )
    step(
        "facetrack_ros: messages compiled, package installed",
        [*pip, "--no-deps", "--no-build-isolation", "--force-reinstall", "-v", str(ROOT)],
        "If the compiler or ROS 2 changed since the last build: make clean, then again.",
    )


if __name__ == "__main__":
    main()
