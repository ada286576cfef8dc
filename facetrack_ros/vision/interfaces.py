"""What the pipeline asks of a detector and of an embedder, and a tracker of what a body looks like."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from facetrack_ros.core.detections import Detections, FaceDetections
from facetrack_ros.core.face import Face
from facetrack_ros.models.contract import ModelContract


class PersonDetector(Protocol):
    """Finds persons.

    One that scales pictures down to its input may say ``reduction(width, height)``: how much smaller a picture of this size may be
    decoded, 2, 4 or 8, and still have a pixel for each of the input; 1 where that is not so.
    """

    model_id: str

    def detect(self, images: Sequence[np.ndarray]) -> list[Detections]:
        """Look at each ``(height, width, 3)`` uint8 BGR picture; one answer each, in order."""


class FaceDetector(Protocol):
    """Finds faces and their landmarks."""

    model_id: str

    def detect(self, image: np.ndarray, min_face_px: float) -> FaceDetections:
        """Look for faces at least ``min_face_px`` wide, in pixels of this ``(height, width, 3)`` BGR picture."""


class FaceEmbedder(Protocol):
    """Turns faces into unit vectors. ``min_face_px``: the narrowest face it can be trusted with, pixels."""

    contract: ModelContract
    min_face_px: float

    def embed(self, image: np.ndarray, faces: Sequence[Face]) -> np.ndarray:
        """``(n, dimension)`` float32 unit rows, one for each face of this ``(height, width, 3)`` BGR picture."""


class BodyEmbedder(Protocol):
    """Turns whole bodies into unit vectors, for a tracker: alike means looking alike, clothes and light included."""

    contract: ModelContract

    def embed(self, image: np.ndarray, boxes: np.ndarray) -> np.ndarray:
        """``(n, dimension)`` float32 unit rows of ``(n, 4)`` boxes in a ``(height, width, 3)`` BGR picture; the same row,
        :func:`facetrack_ros.vision.embedding.body_regions.neutral`, for each box of which nothing is in the picture."""


def reduction_for(persons: PersonDetector, width: int, height: int) -> int:
    """How much smaller a picture of this size may be decoded for a person detector: 1, 2, 4 or 8."""
    ask = getattr(persons, "reduction", None)
    return ask(width, height) if ask is not None else 1
