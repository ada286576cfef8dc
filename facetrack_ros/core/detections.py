"""Detections of one frame, as aligned arrays."""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

#: Prefix of the model id of persons taken from faces.
PERSONS_FROM = "persons_from_"


@dataclass(frozen=True, eq=False)
class FaceDetections:
    """Output of a face detector for one image.

    :param boxes: ``(n, 4)`` float32, ``x1, y1, x2, y2`` in pixels of the image.
    :param landmarks: ``(n, 5, 2)`` float32 pixels, in the order right eye, left eye, nose tip, right mouth corner, left
        mouth corner (the subject's right, so left in the image); NaN where the detector does not give the point.
    :param scores: ``(n,)`` float32 in 0..1, not comparable between detectors.
    :param close_scores: ``(n,)`` float32 in 0..1, of the face found again on crops of its own, set upright by its
        landmarks; 0 where it is not found there, NaN where it was not searched for. None: the detector searches once.
    :param turned_scores: the same on such a crop turned by 180 degrees.
    """

    boxes: np.ndarray
    landmarks: np.ndarray
    scores: np.ndarray
    close_scores: np.ndarray | None = None
    turned_scores: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.scores)

    def second_search(self, row: int) -> tuple[float, float] | None:
        """Close and turned score of a face; None where the detector searches once."""
        if self.close_scores is None or self.turned_scores is None:
            return None
        return float(self.close_scores[row]), float(self.turned_scores[row])

    def take(self, rows: np.ndarray) -> "FaceDetections":
        """The faces of some rows, or of a mask."""
        columns: list[Any] = [None if values is None else values[rows] for values in self._values()]
        return FaceDetections(*columns)

    def shifted(self, x: float, y: float) -> "FaceDetections":
        """The faces in pixels of an image of which this one is the part from ``x, y`` on."""
        corner = np.array([x, y], np.float32)
        return FaceDetections(self.boxes + np.tile(corner, 2), self.landmarks + corner, *self._values()[2:])

    def _values(self) -> list[Any]:
        return [getattr(self, each.name) for each in fields(self)]

    @classmethod
    def none(cls) -> "FaceDetections":
        """No faces."""
        return cls(np.empty((0, 4), np.float32), np.empty((0, 5, 2), np.float32), np.empty(0, np.float32))

    @classmethod
    def joined(cls, parts: Sequence["FaceDetections"]) -> "FaceDetections":
        """The faces of all parts, by one detector."""
        parts = [part for part in parts if len(part)]
        if not parts:
            return cls.none()
        parted = zip(*(part._values() for part in parts))
        columns: list[Any] = [None if column[0] is None else np.concatenate(column) for column in parted]
        return cls(*columns)


@dataclass(frozen=True, eq=False)
class Detections:
    """Persons detected in one image.

    :param boxes: ``(n, 4)`` float32, ``x1, y1, x2, y2`` in pixels of the image.
    :param scores: ``(n,)`` float32 in 0..1.
    :param model_id: id of the detector's model.
    :param faces: all faces in the image where the detector searches for faces too, else None. Not published.
    :param owners: ``(faces,)`` int, the row of each such face's person, -1 for none.
    :param appearance: ``(n, dimension)`` float32 unit rows of each body's appearance, for tracking; None without a body
        embedder.
    :param low_score_edge_boxes: ``(m, 4)`` float32, boxes at the edges with too low a score for a person; tracking
        extends tracks with them. None where the detector does not report them.
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
        """No persons, by ``model_id``."""
        return cls(np.empty((0, 4), np.float32), np.empty(0, np.float32), model_id)
