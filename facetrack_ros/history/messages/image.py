"""A frame as the bytes of a ``sensor_msgs/msg/CompressedImage``, so that any tool of ROS reads what we store."""

import struct

from facetrack_ros.history.messages.cdr import LITTLE_ENDIAN, CdrReader, text

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
_TIME = struct.Struct("<iI")
_SECOND_NS = 1_000_000_000
LAST_STAMP_NS = 2**31 * _SECOND_NS - 1


def image_head(stamp_ns: int, frame_id: str, format: str, size: int) -> bytes:
    """All of the message before its last field's ``size`` bytes, in CDR.

    :param stamp_ns: from 0 to :data:`LAST_STAMP_NS`, what the message's 32-bit seconds hold.
    :param format: ``jpeg`` or ``png``.
    """
    sec, nanosec = divmod(stamp_ns, _SECOND_NS)
    body = _TIME.pack(sec, nanosec) + text(frame_id)
    body += bytes(-len(body) % 4) + text(format)
    return LITTLE_ENDIAN + body + bytes(-len(body) % 4) + struct.pack("<I", size)


def read_image(message: bytes | memoryview) -> tuple[int, str, str, bytes]:
    """Stamp, frame id, format and picture of a message in little-endian CDR.

    :raises ValueError: it is not one.
    """
    try:
        reader = CdrReader(message)
        sec, nanosec = reader.numbers(_TIME)
        return sec * _SECOND_NS + nanosec, reader.text(), reader.text(), bytes(reader.data())
    except ValueError as error:
        raise ValueError(f"no image message: {error}") from error
