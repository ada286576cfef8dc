"""Images as the models take them: BGR, three channels, one byte each."""

import cv2
import numpy as np

from facetrack_ros.errors import FrameError


def as_bgr(image: np.ndarray) -> np.ndarray:
    """The image as ``(height, width, 3)`` uint8 BGR; the same array where it already is.

    :param image: uint8 array, ``(height, width)`` grey, or with 1 (grey), 3 (BGR) or 4 (BGRA) channels.
    :raises FrameError: the array is no such image, or has no pixels.
    """
    shape = np.shape(image)
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8 or len(shape) not in (2, 3) or 0 in shape:
        kind = getattr(image, "dtype", type(image).__name__)
        raise FrameError(f"an array of shape {shape} and type {kind} is no picture; give height x width x 3 uint8 BGR")
    if len(shape) == 3 and shape[2] == 3:
        return image
    if len(shape) == 2 or shape[2] == 1:
        return cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_GRAY2BGR)
    if shape[2] == 4:
        return cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_BGRA2BGR)
    raise FrameError(f"a picture of {shape[2]} channels is not supported; give height x width x 3 uint8 BGR")


def resize(image: np.ndarray, scale: float) -> np.ndarray:
    """The image scaled by ``scale``, at least 1x1.

    Shrunk, it is halved by area averaging as often as possible, against aliasing, and interpolated for the rest: OpenCV
    halves fast; averaging by three takes it three times as long. Odd sides lose their last row or column in halving.
    """
    if scale == 1.0:
        return image
    height, width = image.shape[:2]
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    while scale <= 0.5 and min(height, width) > 1:
        height, width, scale = height // 2, width // 2, 2 * scale
        image = cv2.resize(image[: 2 * height, : 2 * width], (width, height), interpolation=cv2.INTER_AREA)
    return cv2.resize(image, size, interpolation=cv2.INTER_LINEAR)
