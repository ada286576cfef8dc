"""Build the ROS interfaces and the Python package into one wheel.

CMake builds, as under colcon; this file runs it with the sourced native ROS 2, or with the ROS wheels of the
environment, and packs the installed files.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

ROOT = Path(__file__).resolve().parent
EXTRAS = (
    "ros",
    "models",
    "completion",
    "dlib",
    "encryption",
    "demo",
    "torch",
    "quantize",
    "trackers",
    "colcon",
    "test",
    "test_models",
    "lint",
)


def requirements(name):
    """The dependencies in requirements/<name>.txt."""
    lines = (ROOT / "requirements" / f"{name}.txt").read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]


class build_interfaces(build_ext):
    """Configure, build and install with CMake into a staging folder, and add its files to the wheel."""

    def run(self):
        # CMake caches the location of ROS: each environment has a build folder of its own.
        tag = hashlib.sha256(sys.prefix.encode()).hexdigest()[:8]
        build, stage = ROOT / "build" / f"cmake-{tag}", ROOT / "build" / f"stage-{tag}"
        shutil.rmtree(stage, ignore_errors=True)
        environment = self.ros_environment()
        cmake = shutil.which("cmake", path=environment["PATH"])
        if cmake is None:
            sys.exit("CMake is missing: pip install cmake, or apt install cmake")
        options = (f"-DCMAKE_INSTALL_PREFIX={stage}", f"-DPython3_EXECUTABLE={sys.executable}")
        options += ("-DCMAKE_BUILD_TYPE=Release", "-DBUILD_TESTING=OFF")
        generator = ["-G", "Ninja"] if shutil.which("ninja", path=environment["PATH"]) else []
        for command in (
            [cmake, "-S", str(ROOT), "-B", str(build), *generator, *options],
            [cmake, "--build", str(build), "--parallel", str(os.cpu_count() or 1)],
            [cmake, "--install", str(build)],
        ):
            if subprocess.run(command, env=environment).returncode:
                advice = "Is ROS 2 here? Source a native one, or pip install -r requirements/ros.txt"
                sys.exit(f"failed: {' '.join(command)}\n{advice}")
        packages = next(stage.glob("lib/python*/*-packages"))
        shutil.copytree(packages, self.build_lib, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.egg-info"))
        data = {}
        for file in sorted(stage.rglob("*")):
            if file.is_file() and packages not in file.parents:
                data.setdefault(str(file.parent.relative_to(stage)), []).append(str(file))
        self.distribution.data_files = sorted(data.items())

    @staticmethod
    def ros_environment():
        """The environment CMake runs in: this interpreter's packages visible, also from pip's isolated build."""
        environment = dict(os.environ)
        wheels = (Path(sys.prefix) / "share/ament_cmake").is_dir()
        prefixes = [sys.prefix] if wheels else os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep)
        version = f"python{sys.version_info.major}.{sys.version_info.minor}"
        folders = ("lib/{}/site-packages", "local/lib/{}/dist-packages")
        candidates = [Path(prefix, folder.format(version)) for prefix in prefixes if prefix for folder in folders]
        python_path = [] if wheels else [str(folder) for folder in candidates if folder.is_dir()]
        environment["AMENT_PREFIX_PATH"] = environment["CMAKE_PREFIX_PATH"] = os.pathsep.join(prefixes)
        environment["PYTHONPATH"] = os.pathsep.join(python_path)
        environment["PATH"] = os.pathsep.join([sysconfig.get_path("scripts"), environment.get("PATH", "")])
        environment.pop("PYTHONNOUSERSITE", None)
        return environment


setup(
    name="facetrack_ros",
    version="0.1.0",
    description="Which robot saw this face, when, and where: a fleet's memory of the people its cameras saw",
    long_description=(ROOT / "README.md").read_text(),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    python_requires=">=3.10",
    packages=[],
    ext_modules=[Extension("facetrack_ros", sources=[])],
    cmdclass={"build_ext": build_interfaces},
    install_requires=requirements("base"),
    extras_require={extra: requirements(extra) for extra in EXTRAS},
    entry_points={"console_scripts": ["facetrack = facetrack_ros.cli.main:main"]},
)
