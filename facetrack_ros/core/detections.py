"""Boxes found in one frame, as aligned arrays."""

from dataclasses import dataclass, field

import numpy as np

#: How the model id of persons taken from faces begins.
PERSONS_FROM = "persons_from_"


@dataclass(frozen=True, eq=False)
class FaceDetections:
    """What a face detector found in one picture.

    :param boxes: ``(n, 4)`` float32, ``x1, y1, x2, y2`` in pixels of the picture.
    :param landmarks: ``(n, 5, 2)`` float32 pixels, in the order right eye, left eye, nose tip, right
        mouth corner, left mouth corner (the subject's right, so left in the picture); NaN where the
        detector does not give the point.
    :param scores: ``(n,)`` float32 in 0..1, the detector's own; not comparable between detectors.
    """

    boxes: np.ndarray
    landmarks: np.ndarray
    scores: np.ndarray

    def __len__(self) -> int:
        return len(self.scores)

    @classmethod
    def none(cls) -> "FaceDetections":
        """No face found."""
        return cls(np.empty((0, 4), np.float32), np.empty((0, 5, 2), np.float32), np.empty(0, np.float32))


@dataclass(frozen=True, eq=False)
class Detections:
    """Persons found in one picture.

    :param boxes: ``(n, 4)`` float32, ``x1, y1, x2, y2`` in pixels of the picture.
    :param scores: ``(n,)`` float32 in 0..1.
    :param model_id: id of the model that found them.
    :param faces: where the detector looked for faces too, all it found; else None. It spares a second look within one
        process and does not cross the wire.
    :param owners: then for each of those faces the row of its person.
    :param appearance: ``(n, dimension)`` float32 unit rows of how each whole body looks, for tracking; None where no
        model for that runs.
    :param low_score_edge_boxes: ``(m, 4)`` float32, boxes at the side edges of too low a score to count as persons; tracking lengthens with
        them the ends of tracks it has anyway. None where the detector was not asked for them.
    """

    boxes: np.ndarray
    scores: np.ndarray
    model_id: str
    faces: FaceDetections | None = field(default=None, repr=False)
    owners: np.ndarray | None = field(default=None, repr=False)
    appearance: np.ndarray | None = field(default=None, repr=False)
    low_score_edge_boxes: np.ndarray | None = field(default=None, repr=False)

    def __len__(self) -> int:
        return len(self.scores)

    @classmethod
    def none(cls, model_id: str) -> "Detections":
        """Nobody found by ``model_id``."""
        return cls(np.empty((0, 4), np.float32), np.empty(0, np.float32), model_id)
