"""The face cut out of a picture, upright, so that somebody else's models can look at it."""

import cv2
import numpy as np

from facetrack_ros.core.face import Face
from facetrack_ros.core.frame import encode_jpeg
from facetrack_ros.errors import ReferenceFaceError
from facetrack_ros.vision.faces.alignment import ARCFACE_SIZE, ARCFACE_TEMPLATE, similarity_transform

# Around the 112 px of a face as embedders want it: detectors want a chin and a forehead to tell it by.
MARGIN_PX = 40
MAX_BYTES = 40_000


def encode_aligned_crop(image: np.ndarray, face: Face) -> bytes:
    """A JPEG of 192×192 pixels with the face in its middle and little else.

    :param image: ``(height, width, 3)`` uint8 BGR.
    :raises ReferenceFaceError: the face's landmarks are unknown, so that nobody can say what is upright.
    """
    matrix = similarity_transform(face.landmarks, ARCFACE_TEMPLATE + MARGIN_PX)
    if matrix is None:
        raise ReferenceFaceError("the face cannot be cut out upright: its landmarks are unknown")
    side = ARCFACE_SIZE + 2 * MARGIN_PX
    return encode_jpeg(
        cv2.warpAffine(image, matrix, (side, side), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE)
    )
