"""A setting that needs all nodes of a robot in one process."""

from facetrack_ros.config import Config
from facetrack_ros.errors import ConfigError
from facetrack_ros.tracking.factory import enrolled_only


def require_one_process(settings: Config, separate: bool) -> None:
    """Refuse to keep enrolled people only where faces travel from process to process.

    :param separate: whether the node takes images or faces from topics.
    :raises ConfigError: it does, with ``recognition.keep: watchlist``.
    """
    if separate and enrolled_only(settings):
        raise ConfigError(
            "recognition.keep: watchlist needs the robot's nodes in one process, where no face is sent from one to the "
            "next: run facetrack run, or the node robot"
        )
