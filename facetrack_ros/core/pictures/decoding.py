"""Decoding of encoded pictures, the only place where it is done: by the header first, within limits."""

import importlib
import io
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from facetrack_ros.bounded_file import read_bounded
from facetrack_ros.core.jpeg import is_jpeg, is_png
from facetrack_ros.core.orientation import orientation_of_frame, upright
from facetrack_ros.core.pictures.ffmpeg import open_input
from facetrack_ros.core.pictures.picture_header import PictureHeader, heif_brands, is_heif, png_chunks, read_header
from facetrack_ros.core.pictures.picture_limits import FRAME, REFERENCE, PictureLimits
from facetrack_ros.errors import FrameError

#: Suffixes of picture files that :func:`decode_picture` reads.
PICTURE_SUFFIXES = frozenset(
    (
        *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".pgm", ".ppm", ".pnm", ".tif", ".tiff", ".webp"),
        *(".avif", ".heic", ".heif", ".hif", ".jp2", ".jxl"),
    )
)
_SEQUENCE_BRANDS = (b"hevc", b"hevx", b"msf1", b"avis")
# Python packages that read HEIC of any kind. The first carries decoders only; both bundle LGPL libraries.
_HEIF_PACKAGES = ("pi_heif", "pillow_heif")
_INSTALL = "pip install pi-heif, or convert it to JPEG"
# Of libavformat: the first that states how pictures in HEIF are turned (FFmpeg 8, in PyAV 16).
_TURNING_VERSION = 62
_KINDS = "give JPEG, PNG, WebP, TIFF, AVIF or HEIC"
_FACTORS = (1, 2, 4, 8)
_REDUCED = dict(
    zip(
        _FACTORS, (cv2.IMREAD_COLOR, cv2.IMREAD_REDUCED_COLOR_2, cv2.IMREAD_REDUCED_COLOR_4, cv2.IMREAD_REDUCED_COLOR_8)
    )
)
#: Demuxers of the kinds that OpenCV may lack, and those that are not left to it.
_DEMUXERS = {"gif": ("gif", "gif_pipe"), "jxl": ("jpegxl_pipe",), "heif": ("mov",), "webp": ("webp_pipe",)}
_OF_FFMPEG = ("heif", "jxl")
# Each scan of a progressive JPEG costs a pass over all of it; encoders write about ten.
_MOST_SCANS = 100
# Chunks of PNG that its pixels and its orientation need. Decoders expand compressed texts, for example, without bound.
_PNG_CHUNKS = frozenset((b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND", b"eXIf"))
_MOST_EXIF_BYTES = 65_536


def check_picture(data: bytes, limits: PictureLimits = FRAME) -> PictureHeader:
    """The header of a picture whose size is within the limits.

    :raises FrameError: it is not, or is no picture of a known kind; the reason, with what to do.
    """
    limits.check_bytes(len(data))
    header = read_header(data)
    if header is None and is_jpeg(data):
        raise FrameError("it is a JPEG that is cut short or damaged")
    if header is None:
        raise FrameError(f"it is no picture that can be read: {_KINDS}")
    if header.pixels > limits.max_pixels or max(header.width, header.height) > limits.max_side:
        allowed = f"at most {limits.max_pixels / 1e6:.3g} megapixels and {limits.max_side} on a side are read"
        raise FrameError(f"it is {header.width}x{header.height} pixels, and {allowed}: make it smaller")
    if len(data) + header.memory() > limits.max_memory and _factor(data, header, limits) is None:
        size = f"it is {header.width}x{header.height} pixels"
        kind = "progressive JPEG" if header.progressive else header.kind.upper()
        needs = f"{size} of {kind}, which would take {(len(data) + header.memory()) / 1e6:.0f} MB of memory"
        raise FrameError(f"{needs}, and at most {limits.max_memory / 1e6:.0f} are used: make it smaller")
    if header.progressive and data.count(b"\xff\xda") > _MOST_SCANS:
        raise FrameError("it is a JPEG of more scans than encoders write: save it again")
    return header


def decode(data: bytes, flags: int = cv2.IMREAD_COLOR, limits: PictureLimits = FRAME) -> np.ndarray | None:
    """The decoded image, ``(height, width, 3)`` uint8 BGR by default; None where the bytes are no image that OpenCV
    reads, or one above the limits.

    :param flags: OpenCV's ``IMREAD_`` flags.
    """
    try:
        header = check_picture(data, limits)
        too_much = len(data) + header.memory() > limits.max_memory
        return None if too_much or header.kind in _OF_FFMPEG else _imdecode(data, header, flags)
    except FrameError:
        return None


def decode_picture(data: bytes, limits: PictureLimits = FRAME) -> np.ndarray:
    """The image, ``(height, width, 3)`` uint8 BGR, turned as the file says (EXIF, or the boxes of HEIF and AVIF).

    Of a file with several pictures it is the first. One that takes too much memory is decoded at a half, a quarter or
    an eighth of its size, if its kind and the limits allow it.

    :raises FrameError: the data is no picture, above the limits, or of a kind that cannot be read here; the message
        says what to do.
    """
    header = check_picture(data, limits)
    factor = _factor(data, header, limits) or 1
    if header.kind == "heif":
        return _decode_heif(data, header, factor)
    image = None if header.kind in _OF_FFMPEG else _imdecode(data, header, _REDUCED[factor])
    if image is None and header.kind in _DEMUXERS:
        pixels = _coded_pixels(header) if header.pixels else int(limits.max_memory / header.cost)
        image = _decode_with_ffmpeg(data, header.kind, pixels, factor)
    if image is None:
        raise FrameError(f"it is no picture that can be read: {_KINDS}")
    return image


def load_picture(path: Path, limits: PictureLimits = REFERENCE) -> np.ndarray:
    """The image of a file, as :func:`decode_picture`.

    :raises FrameError: as there, or the file cannot be read, or is no regular one.
    """
    try:
        data = read_bounded(path, limits.max_bytes)
    except OSError as error:
        raise FrameError(f"{path} cannot be read as a picture: {error.strerror or error}") from error
    return decode_picture(data, limits)


def _factor(data: bytes, header: PictureHeader, limits: PictureLimits) -> int | None:
    """By how much a picture has to be decoded smaller; None where that does not help."""
    reducible = header.kind in ("jpeg", "heif") and limits.reduces
    factors = _FACTORS if reducible else (1,)
    return next((each for each in factors if len(data) + header.memory(each) <= limits.max_memory), None)


def _imdecode(data: bytes, header: PictureHeader, flags: int) -> np.ndarray | None:
    if header.kind == "png":
        data = _without_extras(data)
    try:
        return cv2.imdecode(np.frombuffer(data, np.uint8), flags) if data else None
    except (cv2.error, MemoryError):
        return None


def _without_extras(data: bytes) -> bytes:
    """A PNG file of its first picture alone; empty where its chunks make no sense."""
    try:
        chunks = list(png_chunks(data))
    except ValueError:
        return b""
    if all(name in _PNG_CHUNKS for name, _, _ in chunks) and sum(name == b"eXIf" for name, _, _ in chunks) < 2:
        return data
    kept = (
        (start, end)
        for name, start, end in chunks
        if name in _PNG_CHUNKS and (name != b"eXIf" or end - start < _MOST_EXIF_BYTES)
    )
    return data[:8] + b"".join(data[start:end] for start, end in kept)


def has_several_pictures(data: bytes) -> bool:
    """Whether the bytes are an animated GIF, PNG, WebP or AVIF, or TIFF of several pages."""
    if data[:4] == b"GIF8":
        return True
    if is_png(data):
        return b"acTL" in data[: data.find(b"IDAT")]
    if data[:4] == b"RIFF" and data[8:16] == b"WEBPVP8X":
        return bool(data[20] & 2)
    if data[:4] in (b"II*\0", b"MM\0*"):
        return _has_pages(data)
    return is_heif(data) and heif_brands(data)[0] in _SEQUENCE_BRANDS


def _has_pages(data: bytes) -> bool:
    """Whether a second directory follows the first, and is no thumbnail (TIFF 6.0, bit 0 of NewSubfileType)."""
    order = "little" if data[:2] == b"II" else "big"

    def number(at: int, size: int) -> int:
        return int.from_bytes(data[at : at + size], order)  # type: ignore[arg-type]  # one of two literals

    first = number(4, 4)
    second = number(first + 2 + 12 * number(first, 2), 4)
    if not second:
        return False
    entries = range(second + 2, second + 2 + 12 * number(second, 2), 12)
    return not any(number(entry, 2) == 254 and number(entry + 8, 4) & 1 for entry in entries)


def _decode_heif(data: bytes, header: PictureHeader, factor: int) -> np.ndarray:
    for name in _HEIF_PACKAGES if factor == 1 else ():
        try:
            package: Any = importlib.import_module(name)
        except ImportError:
            continue
        _check_coded_size(data, header)
        try:
            # The package turns the picture.
            pixels = np.asarray(package.open_heif(io.BytesIO(data), convert_hdr_to_8bit=True))
        except Exception:  # such as AVIF, which not every build reads
            continue
        return cv2.cvtColor(pixels, cv2.COLOR_RGBA2BGR if pixels.shape[2] == 4 else cv2.COLOR_RGB2BGR)
    image = _decode_with_ffmpeg(data, "heif", _coded_pixels(header), factor)
    if image is None:
        raise FrameError(f"HEIC or AVIF of a kind that cannot be read here, or damaged: {_INSTALL}")
    return image


def _check_coded_size(data: bytes, header: PictureHeader) -> None:
    """Refuse HEIF whose compressed data is larger than its header states, as far as FFmpeg tells.

    :raises FrameError: it is.
    """
    import av

    try:
        with open_input(io.BytesIO(data), 0x7FFFFFFF, _DEMUXERS["heif"]) as container:
            sizes = [(stream.codec_context.width, stream.codec_context.height) for stream in container.streams.video]
    except (av.error.FFmpegError, OSError, AttributeError):
        return  # libheif checks it, too, though later
    if any(width * height > _coded_pixels(header) for width, height in sizes):
        raise FrameError("HEIC or AVIF whose data contradicts its header: it is damaged")


def _coded_pixels(header: PictureHeader) -> int:
    """Most pixels of the compressed data: it fills whole blocks of at most 64."""
    return (header.width + 64) * (header.height + 64)


def _decode_with_ffmpeg(data: bytes, kind: str, pixels: int, factor: int) -> np.ndarray | None:
    """The image, upright; None if FFmpeg reads no picture in the data.

    :param pixels: largest number of them.
    :param factor: pixels along a side that become one.
    :raises FrameError: HEIF whose orientation, or whose tiles, this FFmpeg does not tell.
    """
    import av

    try:
        with open_input(io.BytesIO(data), pixels, _DEMUXERS[kind]) as container:
            video: list[Any] = list(container.streams.video)
            if kind == "heif":
                if av.library_versions["libavformat"][0] < _TURNING_VERSION:
                    raise FrameError(f"HEIC and AVIF need PyAV 16 or newer: {_INSTALL}")
                video = [stream for stream in video if _is_default(stream)]
                if len(video) != 1:
                    raise FrameError(f"HEIC of several tiles cannot be read here: {_INSTALL}")
            frame = next(container.decode(video[0]), None)
            if frame is None:
                return None
            size = (max(1, frame.width // factor), max(1, frame.height // factor))
            orientation = orientation_of_frame(frame)
            return upright(frame.reformat(*size, format="bgr24").to_ndarray(), orientation)
    except (av.error.FFmpegError, OSError, IndexError, StopIteration):
        return None


def _is_default(stream: Any) -> bool:
    """Whether a stream is what a file shows by default; of HEIF that is the primary picture."""
    # PyAV gives the flags as an enum or a number, depending on its version.
    disposition = getattr(stream, "disposition", 0)
    return bool(int(getattr(disposition, "value", disposition)) & 1)
