"""A topic of a recording, and its messages as they are stored."""

from dataclasses import dataclass

#: Largest message that is read, as it is stored or decompressed: a raw colour image of 20 megapixels.
MOST_MESSAGE_BYTES = 64_000_000
TOO_LARGE = f"messages of more than {MOST_MESSAGE_BYTES / 1e6:.0f} MB"


@dataclass(frozen=True)
class StoredTopic:
    """A topic as one file of a recording describes it.

    :param type: of its messages, such as ``sensor_msgs/msg/Image``.
    :param encoding: serialization of its messages: ``cdr`` for ROS 2.
    :param definition: of the messages, in the format ``ros2msg``; empty if the file has none.
    :param count: number of messages that the file counts; None if it does not count them.
    """

    name: str
    type: str
    encoding: str
    definition: str = ""
    count: int | None = None


@dataclass(frozen=True)
class StoredMessage:
    """One message.

    :param log_ns: when it was received, nanoseconds since the epoch.
    :param data: its serialized bytes.
    :param fault: why they are not there, a noun phrase; empty: they are.
    """

    topic: StoredTopic
    log_ns: int
    data: bytes
    fault: str = ""
