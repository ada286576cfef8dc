"""Embedding of a face together with its mirror image."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from facetrack_ros.core.face import Face
from facetrack_ros.core.vectors import l2_normalized
from facetrack_ros.vision.interfaces import FaceEmbedder

#: Landmarks of a mirrored face in the usual order: the right eye is where the left one was.
_SWAPPED = [1, 0, 2, 4, 3]


def embed_with_mirror(embedder: FaceEmbedder, image: np.ndarray, faces: Sequence[Face]) -> np.ndarray:
    """Mean of the embeddings of each face and of its mirror image, as a unit vector.

    For references: it finds more pictures of the person at equal false matches (benchmarks/calibrate_catalog.py).

    :param image: ``(height, width, 3)`` uint8 BGR.
    :return: ``(n, dimension)`` float32 unit rows.
    """
    if not faces:
        return embedder.embed(image, faces)
    mirrored = [mirrored_face(face, image.shape[1]) for face in faces]
    plain, flipped = embedder.embed(image, faces), embedder.embed(np.ascontiguousarray(image[:, ::-1]), mirrored)
    return l2_normalized(plain + flipped)


def mirrored_face(face: Face, width: int) -> Face:
    """A face in the mirrored image.

    :param width: of the image, pixels.
    """
    x1, y1, x2, y2 = face.bbox
    landmarks = face.landmarks[_SWAPPED]
    landmarks[:, 0] = width - 1 - landmarks[:, 0]
    return replace(face, bbox=np.array([width - x2, y1, width - x1, y2], face.bbox.dtype), landmarks=landmarks)
