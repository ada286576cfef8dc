"""The picture somebody asks with."""

from pathlib import Path

import cv2
import numpy as np

from facetrack_ros.errors import ReferenceFaceError, RequestError

# A photograph of a phone has 12 to 50 million pixels; more than 100 is a mistake or an attack.
MAX_BYTES = 30_000_000
MAX_PIXELS = 100_000_000


def decode_reference(data: bytes) -> np.ndarray:
    """Decode a reference picture of any format OpenCV reads to ``(height, width, 3)`` uint8 BGR.

    :raises ReferenceFaceError: no picture, or one too large to be looked at.
    """
    if len(data) > MAX_BYTES:
        raise ReferenceFaceError(too_large(len(data)))
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None
    except cv2.error:
        image = None
    if image is None:
        raise ReferenceFaceError("the reference is no picture that can be read: send JPEG or PNG")
    if image.shape[0] * image.shape[1] > MAX_PIXELS:
        raise ReferenceFaceError(
            f"the reference picture is {image.shape[1]}x{image.shape[0]} pixels; crop it to the face"
        )
    return image


def read_reference_file(folder: Path, name: str) -> bytes:
    """The bytes of a picture below a folder.

    :param name: the picture's path, relative to the folder. It may lead nowhere else: not by ``..``, not by a link.
    :raises RequestError: there is no such picture below the folder, or it cannot be read.
    :raises ReferenceFaceError: it is too large.
    """
    try:
        root = folder.resolve()
        path = (root / name).resolve()
        if root not in path.parents or not path.is_file():
            raise RequestError(f"no picture {name[:200]} below this robot's reference_dir")
        if path.stat().st_size > MAX_BYTES:
            raise ReferenceFaceError(too_large(path.stat().st_size))
        return path.read_bytes()
    except (
        OSError,
        ValueError,
        RuntimeError,
    ) as error:  # no permission, too long a name, a zero byte, links in a circle
        raise RequestError(
            f"{name[:200]!r} below this robot's reference_dir cannot be read: "
            f"{getattr(error, 'strerror', None) or error}"
        ) from error


def too_large(size: int) -> str:
    """Why a picture of so many bytes is not read."""
    return f"the reference picture has {size / 1e6:.0f} MB; send at most {MAX_BYTES / 1e6:.0f}"
