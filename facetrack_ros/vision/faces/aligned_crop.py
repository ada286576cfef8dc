"""Upright face crop as a JPEG, for other robots whose models differ."""

import cv2
import numpy as np

from facetrack_ros.core.face import Face
from facetrack_ros.core.frame import encode_jpeg
from facetrack_ros.errors import ReferenceFaceError
from facetrack_ros.vision.faces.alignment import ARCFACE_SIZE, ARCFACE_TEMPLATE, similarity_transform

#: Border around the 112 px of an embedder's crop: a face detector needs chin and forehead. Chosen by hand.
MARGIN_PX = 40


def encode_aligned_crop(image: np.ndarray, face: Face) -> bytes:
    """Cut out a face as a JPEG of 192x192 pixels, upright and in its middle.

    :param image: ``(height, width, 3)`` uint8 BGR.
    :raises ReferenceFaceError: the face's landmarks are unknown.
    """
    matrix = similarity_transform(face.landmarks, ARCFACE_TEMPLATE + MARGIN_PX)
    if matrix is None:
        raise ReferenceFaceError("the face cannot be cut out upright: its landmarks are unknown")
    side = ARCFACE_SIZE + 2 * MARGIN_PX
    crop = cv2.warpAffine(image, matrix, (side, side), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE)
    return encode_jpeg(crop)
