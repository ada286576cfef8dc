"""A block of embeddings: a fixed number of rows, searched exactly."""

from dataclasses import dataclass

import numpy as np

from facetrack_ros.history.coded_rows import CodedRows, Probe

ROWS = 65_536
# Rows are coded in batches; those that came since are few enough to be compared as they are.
_BATCH = 2048
# So many numbers are read sooner than their codes are picked out of a block.
_FEW_NUMBERS = 1_500_000
MOST_LOOKED_AT = 16_384
_NONE = (np.empty(0, np.int64), np.empty(0, np.float32))


def compare(rows: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """``(n,)`` float32 similarities of ``(n, dimension)`` unit vectors to one.

    On this thread alone: BLAS wakes threads of its own, and on a busy machine waits milliseconds for them.
    """
    return np.einsum("ij,j->i", rows, vector)


@dataclass(frozen=True, eq=False)
class Look:
    """What a look at a block found: rows compared as they are, and the best of those compared by their codes.

    :param rows: ``(n,)`` int64, compared as they are.
    :param similarity: ``(n,)`` float32.
    :param coded_rows: ``(m,)`` int64, best first by their codes.
    :param rough: ``(m,)`` float32, their similarities by their codes.
    :param off: how far ``rough`` may be off.
    :param complete: whether every row was looked at.
    """

    rows: np.ndarray
    similarity: np.ndarray
    coded_rows: np.ndarray
    rough: np.ndarray
    off: float
    complete: bool

    def reaches(self, bound: float) -> bool:
        """Whether no row that was not looked at can be as like as ``bound``."""
        return self.complete or float(self.rough[-1]) + self.off < bound


class EmbeddingBlock:
    """Up to ``rows`` unit vectors in the order they came, and from when to when they were seen.

    Not thread-safe: its owner holds the lock.

    :param coded: whether rows are also kept as codes, which makes searching four times as fast and costs a quarter more
        memory.
    """

    def __init__(self, dimension: int, coded: bool, rows: int = ROWS) -> None:
        self.vectors = np.empty((rows, dimension), np.float32)  # the system gives the memory as it is written to
        self.count = 0
        self.first_ns = np.iinfo(np.int64).max
        self.last_ns = np.iinfo(np.int64).min
        self._coded = coded
        self._codes: "CodedRows | None" = None

    @property
    def room(self) -> int:
        """How many rows still fit."""
        return len(self.vectors) - self.count

    def extend(self, vectors: np.ndarray, first_ns: int, last_ns: int) -> None:
        """Add rows, at most :attr:`room`.

        :param vectors: ``(n, dimension)`` float32.
        :param first_ns: the earliest of their stamps.
        :param last_ns: the latest.
        """
        self.vectors[self.count:self.count + len(vectors)] = vectors
        self.count += len(vectors)
        self.stretch(first_ns, last_ns)
        done = len(self._codes) if self._codes is not None else 0
        if self._coded and self.count - done >= min(_BATCH, len(self.vectors)):
            fresh = self.vectors[done:self.count]
            if self._codes is None:
                self._codes = CodedRows(fresh)
            else:
                self._codes.add(fresh)

    def replace(self, row: int, vector: np.ndarray) -> None:
        """Give a row another vector, ``(dimension,)`` float32."""
        self.vectors[row] = vector
        if self._codes is not None and row < len(self._codes):
            self._codes.replace(row, vector)

    def stretch(self, first_ns: int, last_ns: int) -> None:
        """Let the block's span take in two stamps."""
        self.first_ns, self.last_ns = min(self.first_ns, first_ns), max(self.last_ns, last_ns)

    def look(self, probe: Probe, count: int, mask: "np.ndarray | None" = None) -> Look:
        """The rows most like a vector.

        :param count: how many to get from the codes; with :data:`MOST_LOOKED_AT` or more the codes are not used.
        :param mask: ``(self.count,)`` bool, only these rows; None: all.
        """
        done = len(self._codes) if self._codes is not None else 0
        wanted = self.count if mask is None else int(np.count_nonzero(mask))
        if wanted <= max(_BATCH, _FEW_NUMBERS // self.vectors.shape[1]) or count >= MOST_LOOKED_AT:
            done = 0
        elif wanted < self.count // 4:
            # Of few rows the best stand out less: a second look would cost more than a deep first one.
            count = max(count, wanted // 8)
        rows, similarity = self._compare(probe.vector, done, self.count, None if mask is None else mask[done:])
        if not done:
            return Look(rows, similarity, *_NONE, 0.0, True)
        coded = self._codes.nearest(probe, count, None if mask is None else mask[:done])
        return Look(rows, similarity, *coded, len(coded[0]) < count)

    def _compare(self, vector: np.ndarray, low: int, high: int,
                 mask: "np.ndarray | None") -> "tuple[np.ndarray, np.ndarray]":
        """Compare rows ``low`` to ``high`` as they are."""
        if low == high:
            return _NONE
        if mask is None:
            similarity, rows = compare(self.vectors[low:high], vector), np.arange(low, high)
        else:
            rows = np.flatnonzero(mask) + low
            if not rows.size:
                return _NONE
            first, last = int(rows[0]), int(rows[-1]) + 1
            # A stretch is multiplied without a copy, which is faster as long as a quarter of its rows is wanted.
            if last - first <= 4 * rows.size:
                similarity = compare(self.vectors[first:last], vector)[rows - first]
            else:
                similarity = compare(self.vectors[rows], vector)
        return rows, similarity
