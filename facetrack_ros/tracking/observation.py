"""What one frame shows, cleaned: boxes that can be followed, and each one's face."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from facetrack_ros.core.detections import PERSONS_FROM, Detections
from facetrack_ros.core.face import Face
from facetrack_ros.core.vectors import is_unit


@dataclass(frozen=True, eq=False)
class Observation:
    """Persons of one frame, aligned row by row.

    :param boxes: ``(n, 4)`` float32, finite, of some size, and not wholly left of or above the picture.
    :param scores: ``(n,)`` float32 in 0..1.
    :param faces: each person's face or None; an embedding in it is a finite unit vector.
    :param bodies: ``(n, dimension)`` float32 unit rows of whole-body appearance, a row of NaN where there is none;
        None: nobody has one.
    :param sure: ``(n,)`` bool: a face says that there is somebody, whatever the score; None: only ``faces`` say so.
    :param faint: ``(m, 4)`` float32, boxes hardly likely to be persons, as clean as ``boxes``; None: none.
    :param image: the frame, ``(height, width, 3)`` uint8 BGR, for trackers that measure the camera's motion; None where
        it is not at hand.
    """

    boxes: np.ndarray
    scores: np.ndarray
    faces: tuple[Face | None, ...]
    bodies: np.ndarray | None = None
    sure: np.ndarray | None = None
    image: np.ndarray | None = None
    faint: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.scores)

    def embedding(self, row: int) -> np.ndarray | None:
        """The unit vector of a row's face, None where there is none."""
        face = self.faces[row]
        return None if face is None else face.embedding

    def body(self, row: int) -> np.ndarray | None:
        """The unit vector of a row's appearance, None where there is none."""
        return None if self.bodies is None or np.isnan(self.bodies[row, 0]) else self.bodies[row]

    @property
    def dimension(self) -> int | None:
        """Of the embeddings, None where there are none."""
        embeddings = (self.embedding(row) for row in range(len(self)))
        return next((embedding.size for embedding in embeddings if embedding is not None), None)

    @classmethod
    def of(
        cls,
        detections: Detections,
        faces: Sequence[Face],
        dimension: int | None = None,
        image: np.ndarray | None = None,
    ) -> "Observation":
        """What can be used of a frame; the rest is left out.

        :param dimension: of embeddings, None: any.
        """
        boxes = np.asarray(detections.boxes, np.float32)
        scores = np.asarray(detections.scores, np.float32)
        faint = detections.low_score_edge_boxes
        if faint is not None:
            faint = np.asarray(faint, np.float32)
            faint = faint[_inside(faint)] if faint.ndim == 2 and faint.shape[1] == 4 else None
        if boxes.ndim != 2 or boxes.shape[1] != 4 or scores.shape != (len(boxes),):
            boxes, scores = np.empty((0, 4), np.float32), np.empty(0, np.float32)
        usable = _inside(boxes) & np.isfinite(scores)
        best = {}
        for face in faces:
            if face.person not in best or face.quality > best[face.person].quality:
                best[face.person] = face
        rows = np.flatnonzero(usable)
        cleaned = []
        for row in rows:
            face = _clean(best.get(row), dimension)
            if dimension is None and face is not None and face.embedding is not None:
                dimension = face.embedding.size
            cleaned.append(face)
        return cls(
            boxes[rows],
            np.minimum(np.maximum(scores[rows], 0), 1),
            tuple(cleaned),
            _bodies(detections, rows),
            _with_faces(detections)[rows],
            image,
            faint,
        )


def _inside(boxes: np.ndarray) -> np.ndarray:
    """``(n,)`` bool: finite, of some size, and not wholly left of or above the picture."""
    return (
        np.isfinite(boxes).all(axis=1)
        & (boxes[:, 2] > boxes[:, 0])
        & (boxes[:, 3] > boxes[:, 1])
        & (boxes[:, 2] > 0)
        & (boxes[:, 3] > 0)
    )


def _with_faces(detections: Detections) -> np.ndarray:
    """``(n,)`` bool: rows that the detector took from a face, also where the embedder passed this frame over."""
    if detections.model_id.startswith(PERSONS_FROM):
        return np.ones(len(detections), bool)
    rows = np.zeros(len(detections), bool)
    if detections.owners is not None:
        owners = np.asarray(detections.owners, int)
        rows[owners[(owners >= 0) & (owners < len(rows))]] = True
    return rows


def _bodies(detections: Detections, rows: np.ndarray) -> np.ndarray | None:
    """The appearance of these rows; whatever is no unit vector counts as none."""
    given = detections.appearance
    if given is None or given.ndim != 2 or len(given) != len(detections) or not given.shape[1]:
        return None
    bodies = np.array(given[rows], np.float32)
    with np.errstate(invalid="ignore"):
        bodies[~(abs(np.linalg.norm(bodies, axis=1) - 1) < 0.01)] = np.nan
    return bodies


def _clean(face: Face | None, dimension: int | None) -> Face | None:
    if face is None or face.embedding is None:
        return face
    if not face.rejected and np.isfinite(face.quality) and is_unit(np.asarray(face.embedding), dimension):
        return face
    return replace(face, embedding=None)
