"""Kind, size and cost of an encoded picture, read from its header without decoding."""

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from facetrack_ros.core.jpeg import FRAMES, MOST_SEGMENTS, SCAN, is_jpeg

#: Most boxes, chunks, directory entries or blocks that are walked over; honest files have fewer.
MOST_PARTS = 50_000
# Memory that decoding takes at its peak, bytes a pixel, measured with OpenCV 5.0 and FFmpeg 8 by
# benchmarks/picture_memory.py. The array returned is 3 of them, and OpenCV copies it once.
_ARRAY, _COPIED = 3.0, 6.0
_COSTS = {"png": 6.1, "bmp": 6.5, "pnm": 6.5, "gif": 12.5, "webp": 7.5, "tiff": 6.1, "jxl": 20.0}
_ANIMATED_WEBP, _PLANES_OF_HEIF = 12.0, 4.0
#: Of JPEG 2000: bytes a sample and a tile, for what OpenJPEG keeps of each.
_JP2_SAMPLE_BYTES, _JP2_TILE_BYTES = 4.0, 6000
# Markers of JPEG 2000: style of coding, of a component, tile-part, its data, end.
_JP2_OF_ALL, _JP2_OF_ONE, _JP2_PART, _JP2_DATA, _JP2_END = 0xFF52, 0xFF53, 0xFF90, 0xFF93, 0xFFD9
_CODESTREAM = b"\xff\x4f\xff\x51"
_HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1", b"avif", b"avis")


@dataclass  # not frozen, which takes three times as long to make
class PictureHeader:
    """What the header of an encoded picture states.

    :param kind: ``jpeg``, ``png``, ``webp``, ``tiff``, ``bmp``, ``pnm``, ``gif``, ``jp2``, ``heif`` or ``jxl``.
    :param width: pixels; 0: only the decoder tells, of ``jxl``.
    :param cost: bytes a pixel of the decoded picture that decoding takes.
    :param kept: bytes that it takes besides, however small the decoded picture is.
    :param progressive: of JPEG: whether it comes in several scans.
    """

    kind: str
    width: int
    height: int
    cost: float
    kept: float = 0.0
    progressive: bool = False

    @property
    def pixels(self) -> int:
        """Number of pixels."""
        return self.width * self.height

    def memory(self, factor: int = 1) -> float:
        """Bytes that decoding takes at its peak.

        :param factor: pixels along a side that become one.
        """
        return self.kept + self.cost * self.pixels / factor**2


def read_header(data: bytes) -> PictureHeader | None:
    """The header of a picture; None where it is of no known kind, or states no size."""
    if is_jpeg(data):  # the frames of cameras, so it comes first
        return _jpeg(data)
    reader = _READERS.get(_kind(data))
    if reader is None:
        return None
    try:
        header = reader(data)
    except (struct.error, LookupError, ValueError, OverflowError):  # cut short, or nonsense
        return None
    return header if header is not None and (header.kind == "jxl" or min(header.width, header.height) > 0) else None


def is_heif(data: bytes) -> bool:
    """Whether the bytes are HEIF: HEIC or AVIF (ISO/IEC 23008-12)."""
    return data[4:8] == b"ftyp" and any(brand in _HEIF_BRANDS for brand in heif_brands(data))


def heif_brands(data: bytes) -> list[bytes]:
    """The major brand first, then the compatible ones."""
    box = data[: min(int.from_bytes(data[:4], "big"), 512)]
    return [box[8:12], *(box[at : at + 4] for at in range(16, len(box), 4))]


def png_chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Type, begin and end of the chunks of a PNG file, up to where it is cut short.

    :raises ValueError: there are more than any honest file has.
    """
    place = 8
    for _ in range(MOST_PARTS):
        if place + 12 > len(data):
            return
        end = place + 12 + int.from_bytes(data[place : place + 4], "big")
        yield data[place + 4 : place + 8], place, end
        place = end
    raise ValueError("too many chunks")


def _kind(data: bytes) -> str:
    head = data[:12]
    for kind, starts in _STARTS.items():
        if head.startswith(starts):
            return kind
    if head[:1] == b"P" and head[1:2] in b"123456" and head[2:3].isspace():
        return "pnm"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"
    return "heif" if is_heif(data) else ""


def _plain(kind: str, width: int, height: int, kept: float = 0.0) -> PictureHeader:
    return PictureHeader(kind, width, height, _COSTS[kind], kept)


def _jpeg(data: bytes) -> PictureHeader | None:
    """As :func:`.segments` walks, but in half of its time: it is done for every frame of every camera.

    The coefficients of several scans, two bytes a sample, are kept until the last one is read.
    """
    place, frame, last = 2, 0, len(data) - 10
    for _ in range(MOST_SEGMENTS):
        if place > last or data[place] != 0xFF:
            return None
        marker = data[place + 1]
        if marker in FRAMES:
            frame = place
        elif marker == SCAN:
            break
        place += 1 if marker == 0xFF else 2 + (data[place + 2] << 8 | data[place + 3])
    else:
        return None
    height, width = data[frame + 5] << 8 | data[frame + 6], data[frame + 7] << 8 | data[frame + 8]
    if not frame or not width or not height:
        return None
    components = data[frame + 9]
    if data[frame + 1] <= 0xC1 and data[place + 4] == components:
        return PictureHeader("jpeg", width, height, _COPIED)
    kept = max(2.0 * _samples(data, frame, components), _ARRAY) * width * height
    return PictureHeader("jpeg", width, height, _ARRAY, kept, progressive=True)


def _samples(data: bytes, frame: int, components: int) -> float:
    """Samples a pixel, by the sampling factors of the components."""
    factors = [divmod(data[at], 16) for at in range(frame + 11, frame + 10 + 3 * components, 3) if at < len(data)]
    most = max((across for across, _ in factors), default=1) * max((down for _, down in factors), default=1)
    return sum(across * down for across, down in factors) / max(most, 1)


def _png(data: bytes) -> PictureHeader:
    if data[12:16] != b"IHDR":
        raise ValueError
    return _plain("png", *struct.unpack_from(">II", data, 16))


def _gif(data: bytes) -> PictureHeader:
    return _plain("gif", *struct.unpack_from("<HH", data, 6))


def _bmp(data: bytes) -> PictureHeader:
    (size,) = struct.unpack_from("<I", data, 14)
    width, height = struct.unpack_from("<HH", data, 18) if size == 12 else struct.unpack_from("<ii", data, 18)
    return _plain("bmp", width, abs(height))


def _pnm(data: bytes) -> PictureHeader:
    words: list[bytes] = []
    for line in data[:4096].split(b"\n"):
        words += line.partition(b"#")[0].split()
        if len(words) > 2:
            return _plain("pnm", int(words[1][:10]), int(words[2][:10]))
    raise ValueError


def _webp(data: bytes) -> PictureHeader:
    place, sizes, animated, parts = 12, [], False, 0
    while place + 8 <= len(data) and parts < MOST_PARTS:
        name, length = struct.unpack_from("<4sI", data, place)
        start, parts = place + 8, parts + 1
        if name == b"VP8X":
            sizes.append(tuple(1 + int.from_bytes(data[at : at + 3], "little") for at in (start + 4, start + 7)))
            animated = bool(data[start] & 2)
        elif name == b"VP8 ":
            sizes.append(tuple(side & 0x3FFF for side in struct.unpack_from("<HH", data, start + 6)))
        elif name == b"VP8L":
            (bits,) = struct.unpack_from("<I", data, start + 1)
            sizes.append(((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1))
        if name in (b"VP8 ", b"VP8L", b"ANMF"):
            break
        place = start + length + length % 2
    width, height = max(sizes, key=lambda size: size[0] * size[1])
    return PictureHeader("webp", width, height, _ANIMATED_WEBP if animated else _COSTS["webp"])


def _tiff(data: bytes) -> PictureHeader:
    """A strip or tile is decoded whole, beside the picture."""
    order = "<" if data[:2] == b"II" else ">"
    big = data[2:4] in (b"+\0", b"\0+")
    (place,) = struct.unpack_from(order + ("Q" if big else "I"), data, 8 if big else 4)
    (count,) = struct.unpack_from(order + ("Q" if big else "H"), data, place)
    tags: dict[int, int] = {}
    for row in range(min(count, MOST_PARTS)):
        entry = place + (8 + 20 * row if big else 2 + 12 * row)
        tag, kind = struct.unpack_from(f"{order}HH", data, entry)
        (value,) = struct.unpack_from(order + ("H" if kind == 3 else "I"), data, entry + (12 if big else 8))
        (length,) = struct.unpack_from(order + ("Q" if big else "I"), data, entry + 4)
        if tag == 258 and length > (4 if big else 2):  # more bits than fit: they are elsewhere
            (value,) = struct.unpack_from(f"{order}H", data, value)
        tags.setdefault(tag, value)
    width, height, samples, bits = tags[256], tags[257], tags.get(277, 1), tags.get(258, 1)
    rows = min(tags.get(278, height), height)
    part = max(width * rows, tags.get(322, 0) * tags.get(323, 0)) * samples * max(bits, 8) / 8
    return _plain("tiff", width, height, 2 * part)


def _jp2(data: bytes) -> PictureHeader:
    at = 0
    if data[:4] != _CODESTREAM:
        at = next((start for name, start, _ in boxes(data, 0, len(data)) if name == b"jp2c"), 0)
    if data[at : at + 4] != _CODESTREAM:
        raise ValueError
    right, bottom, left, top, tile_width, tile_height, tile_left, tile_top = struct.unpack_from(">8I", data, at + 8)
    (components,) = struct.unpack_from(">H", data, at + 40)
    width, height = right - left, bottom - top
    if min(width, height, tile_width, tile_height, components) < 1 or tile_left > left or tile_top > top:
        raise ValueError
    for coding, start in _jp2_coding(data, at + 2):
        _check_partition(
            data, start if coding == _JP2_OF_ALL else start + 1, start + (9 if coding == _JP2_OF_ALL else 6)
        )
    tiles = -((tile_left - right) // tile_width) * -((tile_top - bottom) // tile_height)
    cost = _JP2_SAMPLE_BYTES * max(components, 3) + _ARRAY + 1
    return PictureHeader("jp2", width, height, cost, tiles * _JP2_TILE_BYTES)


def _jp2_coding(data: bytes, place: int) -> Iterator[tuple[int, int]]:
    """Marker and position of the styles of coding in the headers of a JPEG 2000 codestream and of its tiles."""
    part = length_of_part = 0
    for _ in range(MOST_PARTS):
        if place + 4 > len(data):
            return
        marker, length = struct.unpack_from(">HH", data, place)
        if marker == _JP2_DATA:
            if not length_of_part:
                return
            place, length_of_part = part + length_of_part, 0
            continue
        if marker == _JP2_PART:
            part, length_of_part = place, max(int.from_bytes(data[place + 6 : place + 10], "big"), 12)
        elif marker in (_JP2_OF_ALL, _JP2_OF_ONE):
            yield marker, place
        elif marker < 0xFF00 or marker == _JP2_END:
            return
        place += 2 + length
    raise ValueError


def _check_partition(data: bytes, style: int, numbers: int) -> None:
    """OpenJPEG keeps hundreds of bytes of each precinct and block, which may be as small as a pixel.

    :param style: position four bytes before the style of coding.
    :param numbers: position of the number of levels.
    :raises ValueError: they are smaller than encoders make them.
    """
    levels, across, down = data[numbers], data[numbers + 1] & 15, data[numbers + 2] & 15
    precincts = data[numbers + 5 : numbers + 6 + levels] if data[style + 4] & 1 else b""
    if across + down + 4 < 8 or any(min(size & 15, size >> 4) < 5 for size in precincts):
        raise ValueError


def boxes(data: bytes, start: int, end: int, most: int = MOST_PARTS) -> Iterator[tuple[bytes, int, int]]:
    """Type, begin and end of the contents of each box (ISO/IEC 14496-12) between two positions.

    :raises ValueError: a box contradicts the file.
    :raises OverflowError: there are more than ``most``.
    """
    for _ in range(most):
        if start + 8 > end:
            return
        size, name = struct.unpack_from(">I4s", data, start)
        head = 8
        if size == 1:
            (size,) = struct.unpack_from(">Q", data, start + 8)
            head = 16
        stop = end if size == 0 else start + size
        if stop < start + head or stop > end:
            raise ValueError("a box is longer than the file")
        yield name, start + head, stop
        start = stop
    raise OverflowError("too many boxes")


def _heif(data: bytes) -> PictureHeader:
    """The largest of all sizes: of the picture, its tiles, its thumbnail."""
    largest = (0, 0)
    for path, start, _ in _inner_boxes(data, 0, len(data), (b"meta", b"iprp", b"ipco", b"ispe")):
        if path == b"ispe":
            size = struct.unpack_from(">II", data, start + 4)
            largest = max(largest, (size[0], size[1]), key=lambda each: each[0] * each[1])
    width, height = largest
    return PictureHeader("heif", width, height, _COPIED, _PLANES_OF_HEIF * width * height)


def _inner_boxes(data: bytes, start: int, end: int, path: tuple[bytes, ...]) -> Iterator[tuple[bytes, int, int]]:
    """The boxes at a path; a file that is cut short has those before the cut."""
    try:
        for name, begin, stop in boxes(data, start, end):
            if name != path[0]:
                continue
            if len(path) == 1:
                yield name, begin, stop
            else:
                yield from _inner_boxes(data, begin + (4 if name == b"meta" else 0), stop, path[1:])
    except (ValueError, OverflowError):
        return


def _jxl(data: bytes) -> PictureHeader:
    return _plain("jxl", 0, 0)


_STARTS = {
    "png": (b"\x89PNG\r\n\x1a\n",),
    "gif": (b"GIF87a", b"GIF89a"),
    "bmp": (b"BM",),
    "tiff": (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),
    "jp2": (b"\0\0\0\x0cjP  \r\n\x87\n", _CODESTREAM),
    "jxl": (b"\xff\x0a", b"\0\0\0\x0cJXL \r\n\x87\n"),
}
_READERS: dict[str, Callable[[bytes], PictureHeader | None]] = {
    **{"png": _png, "gif": _gif, "bmp": _bmp, "tiff": _tiff, "jp2": _jp2, "jxl": _jxl},
    **{"pnm": _pnm, "webp": _webp, "heif": _heif},
}
