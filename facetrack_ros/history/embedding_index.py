"""All kept embeddings as one matrix in memory, compared exactly."""

from dataclasses import dataclass

import numpy as np

from facetrack_ros.errors import StoreError

_UNIT_TOLERANCE = 1e-3


def unit_vector(embedding: np.ndarray, dimension: int) -> np.ndarray:
    """The embedding as contiguous float32.

    :raises StoreError: it is not ``(dimension,)``, not finite or not of length 1 (within 0.001).
    """
    vector = np.ascontiguousarray(embedding, np.float32)
    if vector.shape != (dimension,):
        raise StoreError(f"an embedding of shape {vector.shape} does not fit a model of dimension {dimension}; "
                         "hand in what that model made")
    length = float(np.linalg.norm(vector))
    if not abs(length - 1.0) <= _UNIT_TOLERANCE:  # NaN too
        raise StoreError(f"an embedding has length {length:.4g} instead of 1; normalise it, or leave it out when NaN")
    return vector


@dataclass(frozen=True, eq=False)
class Hits:
    """Rows of the index that matched, best first.

    :param rows: ``(n,)`` int64.
    :param similarity: ``(n,)`` float32 cosine.
    :param compared: how many rows were in the slice.
    """

    rows: np.ndarray
    similarity: np.ndarray
    compared: int


class EmbeddingIndex:
    """A growing ``(n, dimension)`` float32 matrix with stamps, camera and track of each row.

    Not thread-safe: its owner holds the lock. Growth doubles the arrays, so adding costs constant time.
    """

    def __init__(self, dimension: int) -> None:
        self._dimension = dimension
        self._count = 0
        self._codes: "dict[str, dict[str, int]]" = {"camera": {}, "track": {}}
        self._matrix = np.empty((0, dimension), np.float32)
        self._ids = np.empty(0, np.int64)
        self._first = np.empty(0, np.int64)
        self._last = np.empty(0, np.int64)
        self._camera = np.empty(0, np.int32)
        self._track = np.empty(0, np.int32)

    def __len__(self) -> int:
        return self._count

    def extend(self, ids: "list[int]", cameras: "list[str]", tracks: "list[str]", first_ns: "list[int]",
               last_ns: "list[int]", embeddings: np.ndarray) -> None:
        """Add rows, in any order of their stamps.

        :param embeddings: ``(len(ids), dimension)`` float32 unit vectors.
        """
        start, end = self._count, self._count + len(ids)
        if end > len(self._ids):
            self._grow(end)
        self._matrix[start:end] = embeddings
        self._ids[start:end] = ids
        self._first[start:end] = first_ns
        self._last[start:end] = last_ns
        self._camera[start:end] = [self._code("camera", camera) for camera in cameras]
        self._track[start:end] = [self._code("track", track) for track in tracks]
        self._count = end

    def id_of(self, row: int) -> int:
        """The database id of a row."""
        return int(self._ids[row])

    def embedding(self, row: int) -> np.ndarray:
        """``(dimension,)`` view of a row."""
        return self._matrix[row]

    def span(self, row: int) -> "tuple[int, int]":
        """First and last stamp of a row."""
        return int(self._first[row]), int(self._last[row])

    def spans(self) -> "tuple[np.ndarray, np.ndarray]":
        """First and last stamps of all rows, ``(n,)`` int64 views."""
        return self._first[:self._count], self._last[:self._count]

    def rows_of(self, camera: str) -> np.ndarray:
        """``(n,)`` bool: the rows of a camera."""
        return self._camera[:self._count] == self._codes["camera"].get(camera, -1)

    def cameras(self) -> "tuple[str, ...]":
        """Every camera with a row, sorted."""
        return tuple(sorted(self._codes["camera"]))

    def stretch(self, row: int, stamp_ns: int) -> None:
        """Let a row's span take in a stamp."""
        self._first[row] = min(self._first[row], stamp_ns)
        self._last[row] = max(self._last[row], stamp_ns)

    def replace(self, row: int, embedding: np.ndarray) -> None:
        """Give a row another embedding, ``(dimension,)`` float32 unit vector."""
        self._matrix[row] = embedding

    def search(self, embedding: np.ndarray, start_ns: int, end_ns: int, cameras: "tuple[str, ...]",
               threshold: float) -> Hits:
        """Compare with every row whose span touches ``[start_ns, end_ns]``; exact.

        :param cameras: only these; empty: all.
        :param threshold: lowest cosine that counts.
        """
        inside = (self._first[:self._count] <= end_ns) & (self._last[:self._count] >= start_ns)
        if cameras:
            codes = [self._codes["camera"][camera] for camera in cameras if camera in self._codes["camera"]]
            inside &= np.isin(self._camera[:self._count], codes)
        rows = np.flatnonzero(inside)
        if not rows.size:
            return Hits(rows, np.empty(0, np.float32), 0)
        low, high = int(rows[0]), int(rows[-1]) + 1
        # Rows lie almost in order of time: a slice is mostly one block, and a block is multiplied without a copy, which
        # is faster as long as at least a quarter of its rows is wanted.
        if high - low <= 4 * rows.size:
            similarity = (self._matrix[low:high] @ embedding)[rows - low]
        else:
            similarity = self._matrix[rows] @ embedding
        above = similarity >= threshold
        found, similarity = rows[above], similarity[above]
        order = np.lexsort((found, -similarity))
        return Hits(found[order], similarity[order], int(rows.size))

    def fold_tracks(self, hits: Hits) -> "tuple[np.ndarray, np.ndarray, np.ndarray]":
        """Fold hits of one track into its best one.

        :returns: positions in ``hits`` of each track's best, best first; and per track the first and last stamp
            over all its hits. Each ``(tracks,)`` int64.
        """
        _, best, group = np.unique(self._track[hits.rows], return_index=True, return_inverse=True)
        first = np.full(best.size, np.iinfo(np.int64).max)
        last = np.full(best.size, np.iinfo(np.int64).min)
        np.minimum.at(first, group, self._first[hits.rows])
        np.maximum.at(last, group, self._last[hits.rows])
        order = np.argsort(best)  # hits are best first, so a smaller position is a better one
        return best[order], first[order], last[order]

    def _code(self, kind: str, name: str) -> int:
        codes = self._codes[kind]
        if kind == "track" and not name:
            name = f"\0{len(codes)}"  # a face without track stands for itself
        return codes.setdefault(name, len(codes))

    def _grow(self, needed: int) -> None:
        size = max(needed, 2 * len(self._ids), 256)
        for name in ("_matrix", "_ids", "_first", "_last", "_camera", "_track"):
            old = getattr(self, name)
            new = np.empty((size, *old.shape[1:]), old.dtype)
            new[:self._count] = old[:self._count]
            setattr(self, name, new)
