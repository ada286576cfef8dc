"""Recent appearance of a track: its last faces and its body."""

from collections.abc import Sequence

import numpy as np

# Chosen by hand.
_MAX_FACES = 5
# Weight of the old mean at each update, as in BoT-SORT (Aharon et al., 2022): a body half hidden must not replace it.
_BODY_MOMENTUM = 0.9


class AppearanceMemory:
    """The last face embeddings of one track, and the running mean of its body's appearance.

    :ivar faces: ``(n, dimension)`` unit rows, the latest last; None before the first.
    :ivar body: ``(dimension,)`` unit vector; None before the first.
    """

    def __init__(self):
        self.faces: np.ndarray | None = None
        self.body: np.ndarray | None = None

    def add(self, face: np.ndarray | None, body: np.ndarray | None) -> None:
        """Add the unit vectors of a frame; either may be None."""
        if face is not None:
            faces = face[None] if self.faces is None else np.concatenate([self.faces, face[None]])
            self.faces = faces[-_MAX_FACES:]
        if body is not None:
            mean = body if self.body is None else _BODY_MOMENTUM * self.body + (1 - _BODY_MOMENTUM) * body
            norm = float(np.linalg.norm(mean))
            self.body = mean / norm if norm > 1e-6 else body


def face_similarities(memories: Sequence[AppearanceMemory], faces: Sequence[np.ndarray | None]) -> np.ndarray:
    """``(tracks, rows)`` best cosine of each track's last faces with each row's face; NaN where either has none."""
    similarity = np.full((len(memories), len(faces)), np.nan, np.float32)
    rows = [row for row, face in enumerate(faces) if face is not None]
    known_by_track = {track: memory.faces for track, memory in enumerate(memories) if memory.faces is not None}
    if rows and known_by_track:
        known = list(known_by_track.values())
        # One product for all: on arrays this small a product takes as long as its call.
        products = np.concatenate(known).dot(np.array([faces[row] for row in rows]).T)
        starts = np.cumsum([0, *map(len, known[:-1])])
        similarity[np.ix_(list(known_by_track), rows)] = np.maximum.reduceat(products, starts)
    return similarity


def body_similarities(memories: Sequence[AppearanceMemory], bodies: np.ndarray | None, rows: int) -> np.ndarray | None:
    """``(tracks, rows)`` cosine of each track's body with each row's, NaN where either has none; None without bodies.

    :param bodies: ``(rows, dimension)``, NaN rows where there is none; None: no row has one.
    """
    if bodies is None:
        return None
    similarity = np.full((len(memories), rows), np.nan, np.float32)
    for track, memory in enumerate(memories):
        if memory.body is not None and memory.body.size == bodies.shape[1]:
            similarity[track] = bodies @ memory.body
    return similarity
