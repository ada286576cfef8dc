"""A frame as the bytes of a ``sensor_msgs/msg/CompressedImage``, so that any tool of ROS reads what we store."""

import struct

from facetrack_ros.history.cdr_text import read_text, text

TYPE = "sensor_msgs/msg/CompressedImage"
# The message's fields and those of what it is made of, as files of recordings describe them.
DEFINITION = """std_msgs/Header header
string format
uint8[] data
================================================================================
MSG: std_msgs/Header
builtin_interfaces/Time stamp
string frame_id
================================================================================
MSG: builtin_interfaces/Time
int32 sec
uint32 nanosec
"""
_LITTLE_ENDIAN = b"\x00\x01\x00\x00"
_SECOND_NS = 1_000_000_000
LAST_STAMP_NS = 2**31 * _SECOND_NS - 1


def image_head(stamp_ns: int, frame_id: str, format: str, size: int) -> bytes:
    """All of the message before its last field's ``size`` bytes, in CDR.

    :param stamp_ns: from 0 to :data:`LAST_STAMP_NS`, what the message's 32-bit seconds hold.
    :param format: ``jpeg`` or ``png``.
    """
    sec, nanosec = divmod(stamp_ns, _SECOND_NS)
    body = struct.pack("<iI", sec, nanosec) + text(frame_id)
    body += bytes(-len(body) % 4) + text(format)
    return _LITTLE_ENDIAN + body + bytes(-len(body) % 4) + struct.pack("<I", size)


def read_image(message: "bytes | memoryview") -> "tuple[int, str, str, bytes]":
    """Stamp, frame id, format and picture of a message in little-endian CDR.

    :raises ValueError: it is not one.
    """
    body = memoryview(message)[4:]
    try:
        if bytes(message[:2]) != _LITTLE_ENDIAN[:2]:
            raise ValueError("not in little-endian CDR")
        sec, nanosec = struct.unpack_from("<iI", body)
        frame_id, at = read_text(body, 8)
        format, at = read_text(body, at + -at % 4)
        at += -at % 4
        size, = struct.unpack_from("<I", body, at)
    except (struct.error, UnicodeDecodeError) as error:
        raise ValueError(f"no image message: {error}") from error
    data = bytes(body[at + 4:at + 4 + size])
    if len(data) != size:
        raise ValueError("the picture is cut short")
    return sec * _SECOND_NS + nanosec, frame_id, format, data
