"""``--camera NAME=SOURCE`` and ``--robot NAME``, as several commands take them."""

import re

from facetrack_ros.errors import ConfigError

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


def check_name(kind: str, name: str) -> str:
    """A robot's or camera's name: it becomes part of ROS names.

    :raises ConfigError: letters, digits and underscores only, a letter first.
    """
    if not NAME.fullmatch(name):
        raise ConfigError(f"{kind} {name!r}: a name is letters, digits and underscores, a letter first")
    return name


def parse_cameras(texts: list[str]) -> dict[str, str]:
    """Camera ids and their sources.

    :raises ConfigError: no ``=``, a name twice, or one that cannot be a ROS name.
    """
    cameras = {}
    for text in texts:
        name, equals, source = text.partition("=")
        if not equals or not source:
            raise ConfigError(f"--camera {text}: say NAME=SOURCE, such as front=0 or front=clip.mp4")
        if check_name("camera", name) in cameras:
            raise ConfigError(f"two cameras are called {name}")
        cameras[name] = source
    return cameras
