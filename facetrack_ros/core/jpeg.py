"""Whether bytes are a picture, without decoding it."""

import cv2
import numpy as np

_START = b"\xff\xd8\xff"
_END = b"\xff\xd9"
_SCAN = 0xDA
# Segments that begin a frame, with its height and width; three of the range mean something else.
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


def is_jpeg(data: bytes) -> bool:
    """Whether the bytes say that they are JPEG."""
    return data[:3] == _START


def is_whole_jpeg(data: bytes) -> bool:
    """Whether the bytes are a JPEG picture that did not break off: a size, and compressed data up to the end marker.

    Decoders fill what is missing of a truncated picture with grey and call it good, so its end marker must be there.
    Nothing is decoded: that would take a camera as long as whoever looks at the frame, and they decode it anyway.
    """
    scan = _scan_start(data)
    return scan > 0 and data.rfind(_END, scan) > 0  # from the end, where it nearly always is


def _scan_start(data: bytes) -> int:
    """Where the picture's compressed data begin, -1 where none do or no size was given before.

    The segments before may hold a small picture with an end marker of its own, so they are stepped over.
    """
    if not is_jpeg(data):
        return -1
    place, sized = 2, False
    while place + 4 <= len(data) and data[place] == 0xFF:
        marker = data[place + 1]
        if marker == _SCAN:
            return place if sized else -1
        if marker in _FRAMES and len(data) >= place + 9:
            sized = any(data[place + 5 : place + 7]) and any(data[place + 7 : place + 9])
        # A marker may be preceded by any number of fill bytes; otherwise two bytes of length follow it.
        place += 1 if marker == 0xFF else 2 + int.from_bytes(data[place + 2 : place + 4], "big")
    return -1


def jpeg_size(data: bytes) -> tuple[int, int] | None:
    """Width and height from the head of a JPEG, without decoding it; None where it says none."""
    place = 2
    while is_jpeg(data) and place + 9 <= len(data) and data[place] == 0xFF and data[place + 1] != _SCAN:
        kind = data[place + 1]
        # The frame headers are C0 to CF, but for the tables C4 and CC and the reserved C8.
        if 0xC0 <= kind <= 0xCF and kind not in (0xC4, 0xC8, 0xCC):
            height, width = (int.from_bytes(data[place + at : place + at + 2], "big") for at in (5, 7))
            return (width, height) if width and height else None
        place += 1 if kind == 0xFF else 2 + int.from_bytes(data[place + 2 : place + 4], "big")
    return None


def decode(data: bytes, flags: int = cv2.IMREAD_COLOR) -> np.ndarray | None:
    """The picture, ``(height, width, 3)`` uint8 BGR by default, or None where the bytes are none."""
    try:
        return cv2.imdecode(np.frombuffer(data, np.uint8), flags) if data else None
    except cv2.error:
        return None
