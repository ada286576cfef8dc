"""Stamps, durations and headers as ROS messages."""

from builtin_interfaces.msg import Duration, Time
from std_msgs.msg import Header

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
