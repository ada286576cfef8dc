"""Reads the reference image of a search."""

import errno
from pathlib import Path

import numpy as np

from facetrack_ros.bounded_file import read_bounded
from facetrack_ros.core.names import existing_path
from facetrack_ros.core.pictures.decoding import decode_picture
from facetrack_ros.core.pictures.picture_limits import REFERENCE, PictureLimits
from facetrack_ros.errors import FrameError, ReferenceFaceError, RequestError


def decode_reference(data: bytes, limits: PictureLimits = REFERENCE) -> np.ndarray:
    """Decode an image of any format to ``(height, width, 3)`` uint8 BGR, upright as the file says, or smaller.

    :raises ReferenceFaceError: not an image, or too large.
    """
    try:
        return decode_picture(data, limits)
    except FrameError as error:
        raise ReferenceFaceError(f"the reference picture cannot be used: {error}") from None


def read_reference_file(folder: Path, name: str) -> bytes:
    """Read an image file below a folder.

    :param name: path relative to the folder; it may not lead outside by ``..`` or a link.
    :raises RequestError: no such file below the folder, or it cannot be read.
    :raises ReferenceFaceError: it is too large.
    """
    try:
        root = folder.resolve()
        path = (root / name).resolve()
        if root not in path.parents or not path.is_file():
            raise RequestError(f"no picture {name[:200]} below this robot's reference_dir")
        return _read(path)
    except (OSError, ValueError, RuntimeError) as error:  # permission, name too long, zero byte, circular links
        raise RequestError(
            f"{name[:200]!r} below this robot's reference_dir cannot be read: "
            f"{getattr(error, 'strerror', None) or error}"
        ) from error


def read_picture(path: str) -> bytes:
    """Read an image file.

    :raises ReferenceFaceError: no such file, an empty one, or one too large.
    """
    try:
        picture = _read(existing_path(path))
    except (OSError, ValueError, RuntimeError) as error:  # as above
        reason = getattr(error, "strerror", None) or error
        raise ReferenceFaceError(f"cannot read the reference picture {path[:200]}: {reason}") from error
    if not picture:
        raise ReferenceFaceError(f"the reference picture {path} is an empty file")
    return picture


def _read(path: Path) -> bytes:
    """
    :raises OSError: it cannot be read, or is no regular file.
    :raises ReferenceFaceError: it is too large.
    """
    try:
        return read_bounded(path, REFERENCE.max_bytes)
    except OSError as error:
        if error.errno != errno.EFBIG:
            raise
        most = f"{REFERENCE.max_bytes / 1e6:.0f} MB"
        raise ReferenceFaceError(f"the reference picture has more than {most}: make it smaller") from error
