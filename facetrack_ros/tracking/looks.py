"""How somebody followed has looked lately: the last faces, and the whole body."""

import numpy as np

_FACES_REMEMBERED = 5
# How much of the remembered body stays at each look, as in BoT-SORT: a body half hidden must not replace it.
_BODY_KEPT = 0.9


class Looks:
    """The last faces of one track, and the running mean of its body's appearance.

    ``faces`` has a unit row each, the latest at the end; None before the first.
    """

    def __init__(self):
        self.faces: "np.ndarray | None" = None
        self.body: "np.ndarray | None" = None

    def take(self, face: "np.ndarray | None", body: "np.ndarray | None") -> None:
        """Remember a look; both unit vectors or None."""
        if face is not None:
            known = face[None] if self.faces is None else np.concatenate([self.faces, face[None]])
            self.faces = known[-_FACES_REMEMBERED:]
        if body is not None:
            mean = body if self.body is None else _BODY_KEPT * self.body + (1 - _BODY_KEPT) * body
            norm = float(np.linalg.norm(mean))
            self.body = mean / norm if norm > 1e-6 else body


def face_similarities(looks: "list[Looks]", faces: "list[np.ndarray | None]") -> np.ndarray:
    """``(tracks, rows)`` best cosine of each track's last faces with each row's face, NaN where either has none."""
    alike = np.full((len(looks), len(faces)), np.nan, np.float32)
    rows = [row for row, face in enumerate(faces) if face is not None]
    if rows:
        probes = np.stack([faces[row] for row in rows])
        for index, known in enumerate(looks):
            if known.faces is not None:
                alike[index, rows] = (known.faces @ probes.T).max(axis=0)
    return alike


def body_similarities(looks: "list[Looks]", bodies: "np.ndarray | None", rows: int) -> np.ndarray:
    """``(tracks, rows)`` cosine of each track's body with each row's, NaN where either has none.

    :param bodies: ``(rows, dimension)``, NaN rows where there is none; None: no row has one.
    """
    alike = np.full((len(looks), rows), np.nan, np.float32)
    if bodies is not None:
        for index, known in enumerate(looks):
            if known.body is not None and known.body.size == bodies.shape[1]:
                alike[index] = bodies @ known.body
    return alike
