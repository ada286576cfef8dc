"""A face: box, five landmarks, quality and, past the quality gate, an embedding."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Face:
    """One face in one frame.

    :param bbox: ``(4,)`` float32, ``x1, y1, x2, y2`` in pixels of the frame.
    :param landmarks: ``(5, 2)`` float32 pixels, order as in :class:`~.detections.FaceDetections`.
    :param score: the face detector's confidence, 0..1.
    :param quality: 0..1; how far the face can be trusted for recognition.
    :param rejected: why the face was turned down at the quality gate, with the number that failed and
        the number needed ("18 px wide, needs 24"); empty when it passed.
    :param person: row of the frame's detections this face belongs to, -1 for none.
    :param embedding: ``(dimension,)`` float32 unit vector, or None where the face was turned down or
        nothing has embedded it. Means something only together with the embedder's model id.
    """

    bbox: np.ndarray
    landmarks: np.ndarray
    score: float
    quality: float
    rejected: str = ""
    person: int = -1
    embedding: np.ndarray | None = None
