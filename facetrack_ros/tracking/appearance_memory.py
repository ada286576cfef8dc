"""How somebody followed has looked lately: the last faces, and the whole body."""

import numpy as np

_FACES_REMEMBERED = 5
# How much of the remembered body stays at each look, as in BoT-SORT: a body half hidden must not replace it.
_BODY_KEPT = 0.9


class AppearanceMemory:
    """The last faces of one track, and the running mean of its body's appearance.

    ``faces`` has a unit row each, the latest at the end; None before the first.
    """

    def __init__(self):
        self.faces: np.ndarray | None = None
        self.body: np.ndarray | None = None

    def take(self, face: np.ndarray | None, body: np.ndarray | None) -> None:
        """Remember a look; both unit vectors or None."""
        if face is not None:
            known = face[None] if self.faces is None else np.concatenate([self.faces, face[None]])
            self.faces = known[-_FACES_REMEMBERED:]
        if body is not None:
            mean = body if self.body is None else _BODY_KEPT * self.body + (1 - _BODY_KEPT) * body
            norm = float(np.linalg.norm(mean))
            self.body = mean / norm if norm > 1e-6 else body


def face_similarities(looks: list[AppearanceMemory], faces: list[np.ndarray | None]) -> np.ndarray:
    """``(tracks, rows)`` best cosine of each track's last faces with each row's face, NaN where either has none."""
    alike = np.full((len(looks), len(faces)), np.nan, np.float32)
    rows = [row for row, face in enumerate(faces) if face is not None]
    tracks = [index for index, known in enumerate(looks) if known.faces is not None]
    if rows and tracks:
        known = [looks[index].faces for index in tracks]
        # All of them at once: on arrays this small a product takes as long as its call.
        each = np.concatenate(known).dot(np.array([faces[row] for row in rows]).T)
        firsts = np.cumsum([0, *map(len, known[:-1])])
        alike[np.ix_(tracks, rows)] = np.maximum.reduceat(each, firsts)
    return alike


def body_similarities(looks: list[AppearanceMemory], bodies: np.ndarray | None, rows: int) -> np.ndarray | None:
    """``(tracks, rows)`` cosine of each track's body with each row's, NaN where either has none; None where no row has one.

    :param bodies: ``(rows, dimension)``, NaN rows where there is none; None: no row has one.
    """
    if bodies is None:
        return None
    alike = np.full((len(looks), rows), np.nan, np.float32)
    for index, known in enumerate(looks):
        if known.body is not None and known.body.size == bodies.shape[1]:
            alike[index] = bodies @ known.body
    return alike
