"""Where a robot was."""

from dataclasses import dataclass


@dataclass(frozen=True)
class RobotPose:
    """A position and an orientation in a frame of reference, at a time.

    :param frame_id: as the message that told it named it, such as ``map`` or ``odom``.
    :param stamp_ns: of the measurement; of the frame where it lies between two.
    :param position: x, y, z in metres.
    :param orientation: x, y, z, w, a unit quaternion.
    """

    frame_id: str
    stamp_ns: int
    position: tuple[float, float, float]
    orientation: tuple[float, float, float, float]
