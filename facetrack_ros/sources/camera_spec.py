"""The ``--camera NAME=SOURCE`` and ``--robot NAME`` of the command line."""

from facetrack_ros.core.masking import mask_camera
from facetrack_ros.core.printable import printable
from facetrack_ros.core.validation import LONGEST_NAME, ros_name
from facetrack_ros.errors import ConfigError, InvalidInput


def check_name(kind: str, name: str) -> str:
    """Return the name of a robot or camera, which becomes part of ROS names.

    :raises ConfigError: it is not letters, digits and underscores, a letter first, or longer than
        :data:`~facetrack_ros.core.validation.LONGEST_NAME`: other robots would refuse it.
    """
    try:
        return ros_name(name, kind)
    except InvalidInput as error:
        shown = printable(mask_camera(name), LONGEST_NAME)
        allowed = f"at most {LONGEST_NAME} letters, digits and underscores, a letter first"
        raise ConfigError(f"{kind} {shown!r}: a name is {allowed}") from error


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
