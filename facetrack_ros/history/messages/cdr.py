"""CDR, the encoding of ROS 2 messages: read by rosbags, and written by it except for frames.

Frames are written field by field, which does not copy the image data: 120 kB take 1 us this way and 10 us with rosbags
(benchmarks/cdr.py).
"""

import struct
from functools import lru_cache
from typing import Any

from facetrack_ros.history.messages.schemas import PARTS, definition

#: The first bytes of a message in little-endian CDR.
LITTLE_ENDIAN = b"\x00\x01\x00\x00"
SECOND_NS = 1_000_000_000


@lru_cache(maxsize=1)
def typestore():
    """The rosbags typestore of the stored messages."""
    from rosbags.typesys import Stores, get_types_from_msg, get_typestore

    store = get_typestore(Stores.EMPTY)  # a store of all ROS 2 types takes 0.2 s to build
    store.register(
        {name: fields for type in PARTS for name, fields in get_types_from_msg(definition(type), type).items()}
    )
    return store


def serialize(message: Any, type: str) -> bytes:
    """A message of the typestore as CDR."""
    return typestore().serialize_cdr(message, type).tobytes()


def deserialize(message: bytes | memoryview, type: str) -> Any:
    """The typestore's message of CDR bytes.

    :raises ValueError: they are not a message of that type.
    """
    try:
        return typestore().deserialize_cdr(message, type)
    except Exception as error:  # rosbags lets struct, assertion and decoding errors through
        raise ValueError(f"not a {type} message: {error}") from error


def header(stamp_ns: int, frame_id: str) -> Any:
    """A ``std_msgs/msg/Header`` of the typestore."""
    types = typestore().types
    return types["std_msgs/msg/Header"](types["builtin_interfaces/msg/Time"](*divmod(stamp_ns, SECOND_NS)), frame_id)


def to_ns(time: Any) -> int:
    """A ``builtin_interfaces/msg/Time`` in nanoseconds."""
    return time.sec * SECOND_NS + time.nanosec


def time(stamp_ns: int) -> bytes:
    """A ``builtin_interfaces/msg/Time`` as CDR."""
    return struct.pack("<iI", *divmod(stamp_ns, SECOND_NS))


def size(count: int) -> bytes:
    """The number of elements before a sequence, as CDR."""
    return struct.pack("<I", count)


def string(value: str) -> bytes:
    """A string as CDR: its length, the text, a zero byte."""
    data = value.encode() + b"\0"
    return size(len(data)) + data


def padding(length: int) -> bytes:
    """The zero bytes that align what follows ``length`` bytes to four."""
    return bytes(-length % 4)
