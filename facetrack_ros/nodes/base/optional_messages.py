"""Message packages of other projects, which a native ROS has and the wheels have not: imported when a node needs them."""

import importlib
from types import ModuleType

from facetrack_ros.errors import ConfigError


def messages_of(package: str) -> ModuleType:
    """The messages of a package.

    :raises ConfigError: it is not installed; the sentence says how to get it.
    """
    try:
        return importlib.import_module(f"{package}.msg")
    except ImportError as error:
        raise ConfigError(
            f"this node speaks {package}, which is not here ({error}): apt install "
            f"ros-$ROS_DISTRO-{package.replace('_', '-')}, then source ROS again"
        ) from error
