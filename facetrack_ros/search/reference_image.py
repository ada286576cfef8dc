"""Reads the reference image of a search."""

from pathlib import Path

import numpy as np

from facetrack_ros.core.names import existing_path
from facetrack_ros.core.picture import decode_picture
from facetrack_ros.errors import FrameError, ReferenceFaceError, RequestError

# Photographs of phones have 12 to 50 million pixels. Larger images are refused, chosen by hand against mistakes and
# attacks.
MAX_BYTES = 30_000_000
MAX_PIXELS = 100_000_000


def decode_reference(data: bytes) -> np.ndarray:
    """Decode an image of any format to ``(height, width, 3)`` uint8 BGR, upright as the file says.

    :raises ReferenceFaceError: not an image, or too large.
    """
    _check_size(len(data))
    try:
        image = decode_picture(data)
    except FrameError as error:
        raise ReferenceFaceError(f"the reference picture cannot be used: {error}") from None
    if image.shape[0] * image.shape[1] > MAX_PIXELS:
        raise ReferenceFaceError(
            f"the reference picture is {image.shape[1]}x{image.shape[0]} pixels; crop it to the face"
        )
    return image


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
        _check_size(path.stat().st_size)
        return path.read_bytes()
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
        file = existing_path(path)
        _check_size(file.stat().st_size)
        picture = file.read_bytes()
    except OSError as error:
        raise ReferenceFaceError(f"cannot read the reference picture {path}: {error.strerror or error}") from error
    if not picture:
        raise ReferenceFaceError(f"the reference picture {path} is an empty file")
    return picture


def _check_size(size: int) -> None:
    """Refuse an image file of too many bytes.

    :raises ReferenceFaceError: it is too large.
    """
    if size > MAX_BYTES:
        raise ReferenceFaceError(f"the reference picture has {size / 1e6:.0f} MB; send at most {MAX_BYTES / 1e6:.0f}")
