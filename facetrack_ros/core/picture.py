"""Decoding of picture files of any format, upright."""

import importlib
import io
from typing import Any

import cv2
import numpy as np

from facetrack_ros.core.jpeg import decode, is_png
from facetrack_ros.core.orientation import orientation_of_frame, upright
from facetrack_ros.errors import FrameError

#: Suffixes of picture files that :func:`decode_picture` reads.
PICTURE_SUFFIXES = frozenset(
    (
        *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".pgm", ".ppm", ".pnm", ".tif", ".tiff", ".webp"),
        *(".avif", ".heic", ".heif", ".hif", ".jp2", ".jxl"),
    )
)
_HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1", b"avif", b"avis")
_SEQUENCE_BRANDS = (b"hevc", b"hevx", b"msf1", b"avis")
# Python packages that read HEIC of any kind. The first carries decoders only; both bundle LGPL libraries.
_HEIF_PACKAGES = ("pi_heif", "pillow_heif")
_INSTALL = "pip install pi-heif, or convert it to JPEG"
# Of libavformat: the first that states how pictures in HEIF are turned (FFmpeg 8, in PyAV 16).
_TURNING_VERSION = 62


def decode_picture(data: bytes) -> np.ndarray:
    """The image, ``(height, width, 3)`` uint8 BGR, turned as the file says (EXIF, or the boxes of HEIF and AVIF).

    Of a file with several pictures it is the first.

    :raises FrameError: the data is no picture, or of a kind that cannot be read here; the message says what to install.
    """
    if is_heif(data):
        return _decode_heif(data)
    image = decode(data)
    if image is None:
        image = _decode_with_ffmpeg(data)
    if image is None:
        raise FrameError("it is no picture that can be read: give JPEG, PNG, WebP, TIFF, AVIF or HEIC")
    return image


def is_heif(data: bytes) -> bool:
    """Whether the bytes are HEIF: HEIC or AVIF (ISO/IEC 23008-12)."""
    return data[4:8] == b"ftyp" and any(brand in _HEIF_BRANDS for brand in _brands(data))


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
    return is_heif(data) and _brands(data)[0] in _SEQUENCE_BRANDS


def _brands(data: bytes) -> list[bytes]:
    """The major brand first, then the compatible ones."""
    box = data[: min(int.from_bytes(data[:4], "big"), 512)]
    return [box[8:12], *(box[at : at + 4] for at in range(16, len(box), 4))]


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


def _decode_heif(data: bytes) -> np.ndarray:
    for name in _HEIF_PACKAGES:
        try:
            package: Any = importlib.import_module(name)
        except ImportError:
            continue
        try:
            # The package turns the picture.
            pixels = np.asarray(package.open_heif(io.BytesIO(data), convert_hdr_to_8bit=True))
        except Exception:  # such as AVIF, which not every build reads
            continue
        return cv2.cvtColor(pixels, cv2.COLOR_RGBA2BGR if pixels.shape[2] == 4 else cv2.COLOR_RGB2BGR)
    image = _decode_with_ffmpeg(data)
    if image is None:
        raise FrameError(f"HEIC or AVIF of a kind that cannot be read here, or damaged: {_INSTALL}")
    return image


def _decode_with_ffmpeg(data: bytes) -> np.ndarray | None:
    """The image, upright; None if FFmpeg reads no picture in the data.

    :raises FrameError: HEIF whose orientation, or whose tiles, this FFmpeg does not tell.
    """
    import av

    av.logging.set_level(av.logging.PANIC)
    try:
        with av.open(io.BytesIO(data)) as container:
            video: list[Any] = list(container.streams.video)
            if is_heif(data):
                if av.library_versions["libavformat"][0] < _TURNING_VERSION:
                    raise FrameError(f"HEIC and AVIF need PyAV 16 or newer: {_INSTALL}")
                video = [stream for stream in video if _is_default(stream)]
                if len(video) != 1:
                    raise FrameError(f"HEIC of several tiles cannot be read here: {_INSTALL}")
            elif not container.format.name.endswith("_pipe"):
                return None
            frame = next(container.decode(video[0]), None)
            return None if frame is None else upright(frame.to_ndarray(format="bgr24"), orientation_of_frame(frame))
    except (av.error.FFmpegError, OSError, IndexError, StopIteration):
        return None


def _is_default(stream: Any) -> bool:
    """Whether a stream is what a file shows by default; of HEIF that is the primary picture."""
    # PyAV gives the flags as an enum or a number, depending on its version.
    disposition = getattr(stream, "disposition", 0)
    return bool(int(getattr(disposition, "value", disposition)) & 1)
