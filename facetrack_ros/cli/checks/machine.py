"""Checks of Python, packages, ROS 2, the processors and the clock."""

import ctypes
import importlib
import importlib.metadata
import os
import platform
import sys
from collections.abc import Iterator
from pathlib import Path

from facetrack_ros.cli.checks.check_result import ERROR, OK, WARNING, CheckResult

OLDEST_PYTHON = (3, 10)
# Modules that every command needs, with the names of their packages.
_NEEDED = {
    "numpy": "numpy",
    "cv2": "opencv-python-headless",
    "av": "av",
    "mcap": "mcap",
    "onnxruntime": "onnxruntime",
    "yaml": "PyYAML",
    "rosbags": "rosbags",
    "faiss": "faiss-cpu",
    "pooch": "pooch",
    "cryptography": "cryptography",
}
# adjtimex(2): the state of a clock that nothing synchronises.
_UNSYNCHRONISED = 5
_TIMEX_BYTES = 256


def check_machine() -> Iterator[CheckResult]:
    """Results on this machine."""
    yield _python()
    yield from _packages()
    yield _ros()
    yield _processors()
    yield from _graphics()
    yield _clock()


def _python() -> CheckResult:
    found = f"Python {platform.python_version()} on {platform.system()} {platform.machine()}"
    if sys.version_info < OLDEST_PYTHON:
        return CheckResult(ERROR, "Python", found, f"Python {'.'.join(map(str, OLDEST_PYTHON))} or newer is needed")
    return CheckResult(OK, "Python", found)


def _packages() -> Iterator[CheckResult]:
    missing = []
    for module, package in _NEEDED.items():
        try:
            importlib.import_module(module)
        except Exception as error:  # a package may be there and its libraries not
            missing.append(package)
            yield CheckResult(ERROR, "packages", f"{module} cannot be imported: {error}", f"pip install {package}")
    if not missing:
        versions = (f"{name} {importlib.metadata.version(package)}" for name, package in _versions())
        yield CheckResult(OK, "packages", ", ".join(versions))


def _versions() -> Iterator[tuple[str, str]]:
    """Module and distribution of the packages whose versions matter most."""
    installed = importlib.metadata.packages_distributions()
    for module in ("numpy", "cv2", "onnxruntime"):
        if installed.get(module):
            yield module, installed[module][0]


def _ros() -> CheckResult:
    try:
        import rclpy
        from rclpy.utilities import get_rmw_implementation_identifier
    except Exception as error:
        advice = "source a native ROS 2, or pip install facetrack_ros[ros]; offline commands work without it"
        return CheckResult(WARNING, "ROS 2", f"rclpy cannot be imported: {error}", advice)
    try:
        import facetrack_ros.msg  # noqa: F401 - whether it can be imported is the check
    except Exception as error:
        return CheckResult(
            ERROR, "ROS 2", f"the messages of facetrack_ros are not built: {error}", "colcon build, or make demo"
        )
    distribution = os.environ.get("ROS_DISTRO") or "wheels"
    return CheckResult(
        OK,
        "ROS 2",
        f"{distribution}, {get_rmw_implementation_identifier()}, rclpy of {Path(rclpy.__file__).parents[1]}",
    )


def _processors() -> CheckResult:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    found = f"{cores} core{'' if cores == 1 else 's'}, {_memory_gb():.1f} GB of memory"
    try:
        import onnxruntime

        others = [name for name in onnxruntime.get_available_providers() if not name.startswith(("CPU", "Azure"))]
    except Exception:
        others = []
    found += f", ONNX Runtime can use {', '.join(others)}" if others else ", no GPU that ONNX Runtime can use"
    if cores < 2:
        return CheckResult(WARNING, "processors", found, "two cores or more: see docs/measurements/scaling.md")
    return CheckResult(OK, "processors", found)


def _graphics(driver: Path = Path("/proc/driver/nvidia/version")) -> Iterator[CheckResult]:
    """Whether ONNX Runtime uses the NVIDIA graphics processor that is here.

    :param driver: file that the driver makes.
    """
    if not driver.exists():
        return
    try:
        import onnxruntime

        providers = onnxruntime.get_available_providers()
    except Exception:
        return  # told by the packages
    found = "an NVIDIA driver is here"
    if "CUDAExecutionProvider" in providers:
        yield CheckResult(OK, "GPU", f"{found}, and ONNX Runtime can use it")
    else:
        advice = "pip uninstall onnxruntime, pip install onnxruntime-gpu; then --config config/nvidia.yaml"
        yield CheckResult(WARNING, "GPU", f"{found}, but this ONNX Runtime cannot use it", advice)


def _memory_gb() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9


def _clock() -> CheckResult:
    """Whether the clock is synchronised: robots compare times."""
    try:
        state = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES))
    except (OSError, AttributeError):
        return CheckResult(
            WARNING, "clock", "this system does not tell whether its clock is synchronised", "run NTP or PTP"
        )
    if state == _UNSYNCHRONISED:
        advice = "run an NTP or PTP client (chrony, systemd-timesyncd) on each robot: answers name times"
        return CheckResult(WARNING, "clock", "it is not synchronised with a time server, as the kernel knows", advice)
    if state < 0:
        return CheckResult(WARNING, "clock", "the kernel does not tell whether it is synchronised", "run NTP or PTP")
    return CheckResult(OK, "clock", "synchronised")
