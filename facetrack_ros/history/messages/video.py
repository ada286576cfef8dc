"""A frame as the bytes of a ``foxglove_msgs/msg/CompressedVideo``, the message of H.264 that Foxglove plays.

https://docs.foxglove.dev/docs/sdk/schemas/compressed-video: one picture a message, Annex B, no B pictures, the parameters
with every key picture.
"""

import struct

from facetrack_ros.history.messages.cdr import LITTLE_ENDIAN, CdrReader, text

TYPE = "foxglove_msgs/msg/CompressedVideo"
DEFINITION = """builtin_interfaces/Time timestamp
string frame_id
uint8[] data
string format
================================================================================
MSG: builtin_interfaces/Time
int32 sec
uint32 nanosec
"""
FORMAT = "h264"
_TIME = struct.Struct("<iI")
_SECOND_NS = 1_000_000_000


def video_parts(stamp_ns: int, frame_id: str, packet: bytes) -> tuple[bytes, bytes, bytes]:
    """The message in CDR, in pieces, so that the packet is not copied."""
    head = _TIME.pack(*divmod(stamp_ns, _SECOND_NS)) + text(frame_id)
    head += bytes(-len(head) % 4) + struct.pack("<I", len(packet))
    return LITTLE_ENDIAN + head, packet, bytes(-len(packet) % 4) + text(FORMAT)


def read_video(message: bytes | memoryview) -> tuple[int, str, bytes]:
    """Stamp, frame id and packet of a message in little-endian CDR.

    :raises ValueError: it is none, or holds another format than H.264.
    """
    try:
        reader = CdrReader(message)
        sec, nanosec = reader.numbers(_TIME)
        frame_id, data, format = reader.text(), bytes(reader.data()), reader.text()
    except ValueError as error:
        raise ValueError(f"no video message: {error}") from error
    if format != FORMAT:
        raise ValueError(f"a video in {format}, not {FORMAT}")
    return sec * _SECOND_NS + nanosec, frame_id, data
