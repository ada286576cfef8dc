"""The ``--camera NAME=SOURCE`` and ``--robot NAME`` of the command line."""

import re

from facetrack_ros.core.masking import mask_camera
from facetrack_ros.errors import ConfigError

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


def check_name(kind: str, name: str) -> str:
    """Return the name of a robot or camera, which becomes part of ROS names.

    :raises ConfigError: it is not letters, digits and underscores, a letter first.
    """
    if not NAME.fullmatch(name):
        raise ConfigError(f"{kind} {mask_camera(name)!r}: a name is letters, digits and underscores, a letter first")
    return name


def parse_cameras(texts: list[str]) -> dict[str, str]:
    """Sources by camera id.

    :raises ConfigError: a text has no ``=``, or a name is given twice or cannot be a ROS name.
    """
    cameras: dict[str, str] = {}
    for text in texts:
        name, _, source = text.partition("=")
        if not source:
            raise ConfigError(f"--camera {mask_camera(text)}: say NAME=SOURCE, such as front=0 or front=clip.mp4")
        if check_name("camera", name) in cameras:
            raise ConfigError(f"two cameras are called {name}")
        cameras[name] = source
    return cameras
