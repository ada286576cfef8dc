"""Whether bytes are a picture, without decoding all of it."""

import cv2
import numpy as np

_START = b"\xff\xd8\xff"
_END = b"\xff\xd9"
_SCAN = 0xDA


def is_jpeg(data: bytes) -> bool:
    """Whether the bytes say that they are JPEG."""
    return data[:3] == _START


def is_whole_jpeg(data: bytes) -> bool:
    """Whether the bytes are a JPEG that can be decoded and did not break off.

    Decoders fill what is missing of a truncated picture with grey and call it good, so its end marker must be there.
    An eighth of the size is enough to see that the rest decodes.
    """
    scan = _scan_start(data)
    return scan > 0 and data.find(_END, scan) > 0 and decode(data, cv2.IMREAD_REDUCED_GRAYSCALE_8) is not None


def _scan_start(data: bytes) -> int:
    """Where the picture's compressed data begin, -1 where none do.

    The segments before may hold a small picture with an end marker of its own, so they are stepped over.
    """
    if not is_jpeg(data):
        return -1
    place = 2
    while place + 4 <= len(data) and data[place] == 0xFF:
        if data[place + 1] == _SCAN:
            return place
        # A marker may be preceded by any number of fill bytes; otherwise two bytes of length follow it.
        place += 1 if data[place + 1] == 0xFF else 2 + int.from_bytes(data[place + 2:place + 4], "big")
    return -1


def jpeg_size(data: bytes) -> "tuple[int, int] | None":
    """Width and height from the head of a JPEG, without decoding it; None where it says none."""
    place = 2
    while is_jpeg(data) and place + 9 <= len(data) and data[place] == 0xFF and data[place + 1] != _SCAN:
        kind = data[place + 1]
        # The frame headers are C0 to CF, but for the tables C4 and CC and the reserved C8.
        if 0xC0 <= kind <= 0xCF and kind not in (0xC4, 0xC8, 0xCC):
            height, width = (int.from_bytes(data[place + at:place + at + 2], "big") for at in (5, 7))
            return (width, height) if width and height else None
        place += 1 if kind == 0xFF else 2 + int.from_bytes(data[place + 2:place + 4], "big")
    return None


def decode(data: bytes, flags: int = cv2.IMREAD_COLOR) -> "np.ndarray | None":
    """The picture, ``(height, width, 3)`` uint8 BGR by default, or None where the bytes are none."""
    try:
        return cv2.imdecode(np.frombuffer(data, np.uint8), flags) if data else None
    except cv2.error:
        return None
