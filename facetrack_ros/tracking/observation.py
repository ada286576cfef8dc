"""The usable content of one frame: valid person boxes with their faces and appearance."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from facetrack_ros.core.detections import PERSONS_FROM, Detections
from facetrack_ros.core.face import Face
from facetrack_ros.core.vectors import WIRE_TOLERANCE, is_unit


@dataclass(frozen=True, eq=False)
class Observation:
    """Persons of one frame, aligned row by row.

    :param boxes: ``(n, 4)`` float32; finite, not empty, and not wholly left of or above the picture.
    :param scores: ``(n,)`` float32 in 0..1.
    :param faces: each person's face or None; its embedding is a finite unit vector or None.
    :param bodies: ``(n, dimension)`` float32 unit rows of whole-body appearance, NaN rows where there is none; None: no
        row has one.
    :param with_face: ``(n,)`` bool: a face proves the person, whatever the score; None: only ``faces`` do.
    :param image: the frame, ``(height, width, 3)`` uint8 BGR, for trackers that measure camera motion; or None.
    :param low_score_edge_boxes: ``(m, 4)`` float32, as valid as ``boxes``; None: none.
    """

    boxes: np.ndarray
    scores: np.ndarray
    faces: tuple[Face | None, ...]
    bodies: np.ndarray | None = None
    with_face: np.ndarray | None = None
    image: np.ndarray | None = None
    low_score_edge_boxes: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.scores)

    def embedding(self, row: int) -> np.ndarray | None:
        """The embedding of a row's face or None."""
        face = self.faces[row]
        return None if face is None else face.embedding

    def body(self, row: int) -> np.ndarray | None:
        """The unit vector of a row's appearance or None."""
        return None if self.bodies is None or np.isnan(self.bodies[row, 0]) else self.bodies[row]

    def shows_face(self, row: int) -> bool:
        """Whether a face was found in a row's person, also in a frame that the embedder skipped."""
        return self.faces[row] is not None or (self.with_face is not None and bool(self.with_face[row]))

    def untracked(self, keys: np.ndarray) -> np.ndarray:
        """``(m, 4)`` boxes that may lengthen a track: low-score edge boxes, and persons who are in no track yet.

        :param keys: ``(n,)`` of the rows' tracks, -1 for none.
        """
        edge_boxes = self.low_score_edge_boxes
        return self.boxes[keys < 0] if edge_boxes is None else np.concatenate([self.boxes[keys < 0], edge_boxes])

    @property
    def dimension(self) -> int | None:
        """Dimension of the embeddings; None where there are none."""
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
        """Take what is valid of a frame and leave out the rest.

        :param dimension: of embeddings; None: any.
        """
        boxes = np.asarray(detections.boxes, np.float32)
        scores = np.asarray(detections.scores, np.float32)
        edge_boxes = detections.low_score_edge_boxes
        if edge_boxes is not None:
            edge_boxes = np.asarray(edge_boxes, np.float32)
            edge_boxes = edge_boxes[_valid(edge_boxes)] if edge_boxes.ndim == 2 and edge_boxes.shape[1] == 4 else None
        if boxes.ndim != 2 or boxes.shape[1] != 4 or scores.shape != (len(boxes),):
            boxes, scores = np.empty((0, 4), np.float32), np.empty(0, np.float32)
        rows = np.flatnonzero(_valid(boxes) & np.isfinite(scores))
        best: dict[int, Face] = {}
        for face in faces:
            if face.person not in best or face.quality > best[face.person].quality:
                best[face.person] = face
        valid_faces = []
        for row in rows.tolist():
            valid_face = _without_invalid_embedding(best.get(row), dimension)
            if dimension is None and valid_face is not None and valid_face.embedding is not None:
                dimension = valid_face.embedding.size
            valid_faces.append(valid_face)
        scores, bodies = np.minimum(np.maximum(scores[rows], 0), 1), _bodies(detections, rows)
        with_face = _with_face(detections)[rows]
        return cls(boxes[rows], scores, tuple(valid_faces), bodies, with_face, image, edge_boxes)


def _valid(boxes: np.ndarray) -> np.ndarray:
    """``(n,)`` bool: finite, not empty, and not wholly left of or above the picture."""
    return np.isfinite(boxes).all(axis=1) & (boxes[:, 2:] > np.maximum(boxes[:, :2], 0)).all(axis=1)


def _with_face(detections: Detections) -> np.ndarray:
    """``(n,)`` bool: rows for which the detector found a face, also in frames that the embedder skipped."""
    if detections.model_id.startswith(PERSONS_FROM):
        return np.ones(len(detections), bool)
    rows = np.zeros(len(detections), bool)
    if detections.owners is not None:
        owners = np.asarray(detections.owners, int)
        rows[owners[(owners >= 0) & (owners < len(rows))]] = True
    return rows


def _bodies(detections: Detections, rows: np.ndarray) -> np.ndarray | None:
    """The appearance of these rows, NaN where it is no unit vector."""
    appearance = detections.appearance
    if appearance is None or appearance.ndim != 2 or len(appearance) != len(detections) or not appearance.shape[1]:
        return None
    bodies = np.array(appearance[rows], np.float32)
    with np.errstate(invalid="ignore"):
        bodies[~(abs(np.linalg.norm(bodies, axis=1) - 1) < WIRE_TOLERANCE)] = np.nan
    return bodies


def _without_invalid_embedding(face: Face | None, dimension: int | None) -> Face | None:
    if face is None or face.embedding is None:
        return face
    if not face.rejected and np.isfinite(face.quality) and is_unit(np.asarray(face.embedding), dimension):
        return face
    return replace(face, embedding=None)
