"""A face: box, landmarks, quality, and an embedding where it passed the quality gate."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Face:
    """One face in one frame.

    :param bbox: ``(4,)`` float32, ``x1, y1, x2, y2`` in pixels of the frame.
    :param landmarks: ``(5, 2)`` float32 pixels, in the order of :class:`~.detections.FaceDetections`.
    :param score: the face detector's confidence, 0..1.
    :param quality: 0..1; how far the face can be trusted for recognition.
    :param rejected: why the quality gate rejected the face, with the measured and the required number
        ("18 px wide, needs 24"); empty when it passed.
    :param person: row of the frame's detections that this face belongs to, -1 for none.
    :param embedding: ``(dimension,)`` float32 unit vector of the embedder's model, or None where there is none.
    """

    bbox: np.ndarray
    landmarks: np.ndarray
    score: float
    quality: float
    rejected: str = ""
    person: int = -1
    embedding: np.ndarray | None = None
