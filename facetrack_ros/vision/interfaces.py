"""Protocols: person and face detectors, face and body embedders, and the face selection of a frame."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from facetrack_ros.core.detections import Detections, FaceDetections
from facetrack_ros.core.face import Face
from facetrack_ros.models.contract import ModelContract


class PersonDetector(Protocol):
    """Finds persons. An implementation inherits from this class and overrides the optional members that apply to it.

    :ivar model_id: id of the model, handed on with its detections.
    :ivar min_score: lowest confidence of a person, 0..1; may be set. None: persons are taken from their faces.
    :ivar min_face_px: narrowest face searched for, pixels; may be set. None: the detector searches for no faces.
    :ivar batches: whether several images in one call take less time than one call each, as on a graphics card.
    """

    model_id: str
    min_score: float | None = None
    min_face_px: float | None = None
    batches: bool = False

    def detect(self, images: Sequence[np.ndarray]) -> list[Detections]:
        """Persons in each ``(height, width, 3)`` uint8 BGR image, in order.

        :raises FrameError: one of them is no image.
        :raises ModelError: the model fails.
        """

    def reduction(self, width: int, height: int) -> int:
        """Factor by which an image of this size may be decoded smaller: 1, 2, 4 or 8.

        Above 1 only for a detector that scales images down to its input and still gets a pixel for each of the input's.
        """
        return 1


class FaceDetector(Protocol):
    """Finds faces and their landmarks. ``model_id``: id of the model."""

    model_id: str

    def detect(self, image: np.ndarray, min_face_px: float) -> FaceDetections:
        """Faces at least ``min_face_px`` wide, in pixels of this ``(height, width, 3)`` uint8 BGR image."""


class FaceEmbedder(Protocol):
    """Turns faces into unit vectors. ``min_face_px``: narrowest face with reliable embeddings, pixels."""

    contract: ModelContract
    min_face_px: float

    def embed(self, image: np.ndarray, faces: Sequence[Face]) -> np.ndarray:
        """``(n, dimension)`` float32 unit rows, one for each face of this ``(height, width, 3)`` uint8 BGR image."""


class BodyEmbedder(Protocol):
    """Turns whole bodies into unit vectors of their appearance, clothes and light included, for tracking."""

    contract: ModelContract

    def embed(self, image: np.ndarray, boxes: np.ndarray) -> np.ndarray:
        """``(n, dimension)`` float32 unit rows of ``(n, 4)`` boxes in a ``(height, width, 3)`` uint8 BGR image; the row
        :func:`facetrack_ros.vision.embedding.body_regions.neutral` for each box that lies outside it."""


class FaceSelection(Protocol):
    """Decides for one frame which faces are searched for and which are embedded."""

    def search_mask(self, persons: np.ndarray) -> np.ndarray:
        """``(n,)`` bool: in which of the ``(n, 4)`` person boxes to search for a face."""

    def embed_mask(self, persons: np.ndarray, faces: Sequence[Face]) -> Sequence[bool]:
        """Which faces to embed; never one that the quality gate rejected."""
