"""Checks of JPEG data without decoding its pixels."""

from collections.abc import Iterator

from facetrack_ros.core.pictures.ffmpeg import open_decoder

_START = b"\xff\xd8\xff"
_END = b"\xff\xd9"
#: Marker of the segment that begins compressed data.
SCAN = 0xDA
# Frame headers, which hold height and width; C4, C8 and CC mean something else.
FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
# Segments and fill bytes that are walked over; a photograph with a depth map has a hundred.
MOST_SEGMENTS = 2000


def is_jpeg(data: bytes) -> bool:
    """Whether the bytes begin as JPEG."""
    return data[:3] == _START


def is_png(data: bytes) -> bool:
    """Whether the bytes begin as PNG."""
    return data[:4] == b"\x89PNG"


def whole_jpeg(data: bytes) -> bytes | None:
    """The bytes of a complete JPEG image, with the end marker that some cameras leave out; None if it is cut short.

    Decoders fill the missing part of a truncated image with grey and report no error, so the end marker is checked.
    Only an image without one is decoded, which takes as long as the later decoding for analysis.
    """
    scan = next((place for marker, place in segments(data) if marker == SCAN), 0)
    if not scan or jpeg_size(data) is None:
        return None
    if data.rfind(_END, scan) > 0:
        return data
    return data + _END if _has_all_blocks(data + _END) else None


def _has_all_blocks(data: bytes) -> bool:
    """Whether the compressed data fills the image: FFmpeg is told to refuse one that lacks more than a few bytes."""
    import av

    codec = open_decoder("mjpeg", {"err_detect": "explode"})
    try:
        return bool([*codec.decode(av.Packet(data)), *codec.decode(None)])
    except av.error.FFmpegError:
        return False


def jpeg_size(data: bytes) -> tuple[int, int] | None:
    """Width and height from the header of a JPEG image; None where there are none."""
    for marker, place in segments(data):
        if marker in FRAMES and len(data) >= place + 9:
            height, width = (int.from_bytes(data[place + at : place + at + 2], "big") for at in (5, 7))
            return (width, height) if width and height else None
    return None


def segments(data: bytes) -> Iterator[tuple[int, int]]:
    """Of a JPEG image the marker and position of each segment up to the one that begins the compressed data.

    Walks over whole segments, since they may hold a thumbnail with markers of its own.
    """
    place = 2
    for _ in range(MOST_SEGMENTS if is_jpeg(data) else 0):
        if place + 4 > len(data) or data[place] != 0xFF:
            return
        marker = data[place + 1]
        yield marker, place
        if marker == SCAN:
            return
        # A marker may follow any number of fill bytes; otherwise two bytes of length follow it.
        place += 1 if marker == 0xFF else 2 + int.from_bytes(data[place + 2 : place + 4], "big")
