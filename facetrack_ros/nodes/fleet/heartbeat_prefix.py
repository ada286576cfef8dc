"""The first fields of a serialized heartbeat, read without the rest: a flood of heartbeats costs microseconds each."""

import struct

# After the encapsulation header (4 bytes) comes the stamp, seconds and nanoseconds.
_NAMES = 12
_LONGEST = 256


def robot_of(data: bytes) -> tuple[str, str]:
    """Robot id and instance id of a serialized ``HistoryStatus``.

    :raises ValueError: the message is damaged, or not little-endian.
    """
    if data[:2] != b"\0\1":
        raise ValueError("not in little-endian CDR")
    robot_id, end = _text(data, _NAMES)
    return robot_id, _text(data, (end + 3) // 4 * 4)[0]


def _text(data: bytes, start: int) -> tuple[str, int]:
    """A string of the message, and where it ends."""
    size = struct.unpack_from("<I", data, start)[0] if len(data) >= start + 4 else 0
    end = start + 4 + size
    if not 0 < size <= _LONGEST or end > len(data):
        raise ValueError("cut short, or with a name that is too long")
    return data[start + 4 : end - 1].decode(), end
