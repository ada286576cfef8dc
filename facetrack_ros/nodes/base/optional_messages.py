"""Message packages that are optional: a native ROS has them, the pip wheels do not."""

import importlib
from types import ModuleType

from facetrack_ros.errors import ConfigError


def import_messages(package: str) -> ModuleType:
    """Import the messages of a package.

    :raises ConfigError: it is not installed; names the command that installs it.
    """
    try:
        return importlib.import_module(f"{package}.msg")
    except ImportError as error:
        raise ConfigError(
            f"this node needs {package}, which is not installed ({error}): apt install "
            f"ros-$ROS_DISTRO-{package.replace('_', '-')}, then source ROS again"
        ) from error
