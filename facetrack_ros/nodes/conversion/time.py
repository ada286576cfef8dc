"""Stamps, durations, headers and stamped poses: values to messages and back."""

from builtin_interfaces.msg import Duration, Time
from geometry_msgs.msg import Pose
from std_msgs.msg import Header

from facetrack_ros.core import validation
from facetrack_ros.core.pose import RobotPose
from facetrack_ros.nodes.conversion.fields import FARTHEST_M, LONGEST_FRAME

SECOND_NS = 1_000_000_000


def to_time(stamp_ns: int) -> Time:
    """Nanoseconds since the epoch as a ROS time."""
    return Time(sec=stamp_ns // SECOND_NS, nanosec=stamp_ns % SECOND_NS)


def to_duration(span_ns: int) -> Duration:
    """Nanoseconds as a ROS duration."""
    return Duration(sec=span_ns // SECOND_NS, nanosec=span_ns % SECOND_NS)


def to_ns(time: Time | Duration) -> int:
    """A ROS time or duration in nanoseconds."""
    return time.sec * SECOND_NS + time.nanosec


def stamp_of(time: Time, what: str, zero: bool = True) -> int:
    """A stamp of a message in nanoseconds.

    :param zero: whether zero, for an unknown stamp, is allowed.
    :raises InvalidInput: it is before 1970 or after 2038.
    """
    return validation.stamp(to_ns(time), what, zero)


def span_of(duration: Duration, what: str) -> int:
    """A length of time of a message in nanoseconds.

    :raises InvalidInput: it is negative.
    """
    return validation.span(to_ns(duration), what)


def make_header(stamp_ns: int, frame_id: str) -> Header:
    """A header with that stamp and coordinate frame."""
    return Header(stamp=to_time(stamp_ns), frame_id=frame_id)


def frame_name(header: Header) -> str:
    """The coordinate frame of a header.

    :raises InvalidInput: its name is too long or not printable.
    """
    return validation.plain_text(header.frame_id, "the name of the coordinate frame", LONGEST_FRAME)


def pose_from_message(header: Header, pose: Pose) -> RobotPose:
    """A pose in the coordinate frame and at the stamp of a header.

    :raises InvalidInput: a number is not finite or too large, the stamp or the frame's name is not valid.
    """
    point, turn = pose.position, pose.orientation
    x, y, z = (validation.number(each, "a position", -FARTHEST_M, FARTHEST_M) for each in (point.x, point.y, point.z))
    quaternion = (turn.x, turn.y, turn.z, turn.w)
    qx, qy, qz, qw = (validation.number(each, "an orientation", -FARTHEST_M, FARTHEST_M) for each in quaternion)
    return RobotPose(frame_name(header), stamp_of(header.stamp, "the stamp of a pose"), (x, y, z), (qx, qy, qz, qw))
