"""The picture somebody asks with."""

import cv2
import numpy as np

from facetrack_ros.errors import ReferenceFaceError

# A photograph of a phone has 12 to 50 million pixels; more than 100 is a mistake or an attack.
MAX_BYTES = 30_000_000
MAX_PIXELS = 100_000_000


def read_reference(data: bytes) -> np.ndarray:
    """Decode a reference picture of any format OpenCV reads to ``(height, width, 3)`` uint8 BGR.

    :raises ReferenceFaceError: no picture, or one too large to be looked at.
    """
    if len(data) > MAX_BYTES:
        raise ReferenceFaceError(f"the reference picture has {len(data) / 1e6:.0f} MB; send at most {MAX_BYTES / 1e6:.0f}")
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None
    except cv2.error:
        image = None
    if image is None:
        raise ReferenceFaceError("the reference is no picture that can be read: send JPEG or PNG")
    if image.shape[0] * image.shape[1] > MAX_PIXELS:
        raise ReferenceFaceError(f"the reference picture is {image.shape[1]}x{image.shape[0]} pixels; crop it to the face")
    return image
