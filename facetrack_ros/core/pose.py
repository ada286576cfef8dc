"""Pose of a robot."""

from dataclasses import dataclass


@dataclass(frozen=True)
class RobotPose:
    """Position and orientation in a reference frame at a time.

    :param frame_id: reference frame as the pose message names it, such as ``map`` or ``odom``.
    :param stamp_ns: of the measurement, or of the frame for which it was interpolated.
    :param position: x, y, z in metres.
    :param orientation: x, y, z, w, a unit quaternion.
    """

    frame_id: str
    stamp_ns: int
    position: tuple[float, float, float]
    orientation: tuple[float, float, float, float]
