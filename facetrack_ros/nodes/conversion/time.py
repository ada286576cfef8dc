"""Stamps, durations, headers and stamped poses: values to messages and back."""

from builtin_interfaces.msg import Duration, Time
from geometry_msgs.msg import Pose
from std_msgs.msg import Header

from facetrack_ros.core.pose import RobotPose

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


def make_header(stamp_ns: int, frame_id: str) -> Header:
    """A header with that stamp and coordinate frame."""
    return Header(stamp=to_time(stamp_ns), frame_id=frame_id)


def pose_from_message(header: Header, pose: Pose) -> RobotPose:
    """A pose in the coordinate frame and at the stamp of a header."""
    point, turn = pose.position, pose.orientation
    position, orientation = (point.x, point.y, point.z), (turn.x, turn.y, turn.z, turn.w)
    return RobotPose(header.frame_id, to_ns(header.stamp), position, orientation)
