"""A block of embeddings: a fixed number of rows, searched exactly."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from facetrack_ros.history.index.faiss_scan import QuantizedScan
from facetrack_ros.history.index.quantized_rows import QuantizedRows

ROWS = 65_536
# Rows are coded in batches; those that came since are few enough to be compared as they are.
_BATCH = 2048
# So many numbers in memory are read sooner than their codes are picked out of a block.
_FEW_NUMBERS = 200_000
MOST_LOOKED_AT = 16_384
_AT_ONCE = 4096
_NONE = (np.empty(0, np.int64), np.empty(0, np.float32))


def compare(rows: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """``(n,)`` float32 similarities of ``(n, dimension)`` unit vectors to one.

    On this thread alone: BLAS wakes threads of its own, and on a busy machine waits milliseconds for them.
    """
    return np.einsum("ij,j->i", rows, vector)


@dataclass(frozen=True, eq=False)
class BlockScan:
    """What a look at a block found: rows compared as they are, and the best of those compared by their codes.

    :param rows: ``(n,)`` int64, compared as they are.
    :param similarity: ``(n,)`` float32.
    :param coded_rows: ``(m,)`` int64, the best by their codes.
    :param rough: ``(m,)`` float32, their similarities by their codes.
    :param off: how far ``rough`` may be off.
    :param complete: whether every row was looked at that may count.
    """

    rows: np.ndarray
    similarity: np.ndarray
    coded_rows: np.ndarray
    rough: np.ndarray
    off: float
    complete: bool

    def reaches(self, bound: float) -> bool:
        """Whether no row that was not looked at can be as like as ``bound``."""
        return self.complete or float(self.rough.min()) + self.off < bound


class VectorBlock:
    """Up to ``rows`` unit vectors in the order they came, and from when to when they were seen.

    As long as it grows, the vectors are in memory. Once frozen, only their codes are.

    Not thread-safe, except for :meth:`look` and :meth:`similarities`: its owner holds the lock.

    :param coded: whether rows are also kept as codes, which makes searching four times as fast.
    """

    def __init__(self, dimension: int, coded: bool, rows: int = ROWS) -> None:
        # The system gives the memory as it is written to.
        self.vectors: np.ndarray | None = np.empty((rows, dimension), np.float32)
        self.count = 0
        self.first_ns = np.iinfo(np.int64).max
        self.last_ns = np.iinfo(np.int64).min
        self._coded = coded
        self._codes: QuantizedRows | None = None
        self._read: Callable[[np.ndarray], np.ndarray] | None = None
        self._doubt: Callable[[], None] | None = None

    @classmethod
    def stored(
        cls, codes: QuantizedRows, first_ns: int, last_ns: int, read: Callable, doubt: Callable
    ) -> "VectorBlock":
        """A block that was frozen before, see :meth:`freeze`."""
        block = cls(codes.codes.shape[1], True, 0)
        block.count = len(codes)
        block.stretch(first_ns, last_ns)
        block.freeze(codes, read, doubt)
        return block

    @property
    def frozen(self) -> bool:
        """Whether its rows stay as they are."""
        return self.vectors is None

    @property
    def room(self) -> int:
        """How many rows still fit."""
        return 0 if self.vectors is None else len(self.vectors) - self.count

    def freeze(self, codes: QuantizedRows, read: Callable[[np.ndarray], np.ndarray], doubt: Callable[[], None]) -> None:
        """Keep only codes in memory from here on.

        :param codes: of all rows.
        :param read: gives the vectors of rows, ``(n, dimension)`` float32.
        :param doubt: called when ``read`` gave what cannot be; afterwards it reads from elsewhere.
        """
        self._codes, self._read, self._doubt = codes, read, doubt
        self.vectors = None

    def extend(self, vectors: np.ndarray, first_ns: int, last_ns: int) -> None:
        """Add rows, at most :attr:`room`.

        :param vectors: ``(n, dimension)`` float32.
        :param first_ns: the earliest of their stamps.
        :param last_ns: the latest.
        """
        self.vectors[self.count : self.count + len(vectors)] = vectors
        self.count += len(vectors)
        self.stretch(first_ns, last_ns)
        done = len(self._codes) if self._codes is not None else 0
        if self._coded and self.count - done >= min(_BATCH, len(self.vectors)):
            fresh = self.vectors[done : self.count]
            if self._codes is None:
                self._codes = QuantizedRows.begun_with(fresh, len(self.vectors))
            else:
                self._codes.add(fresh)

    def replace(self, row: int, vector: np.ndarray) -> None:
        """Give a row another vector, ``(dimension,)`` float32; not once frozen."""
        self.vectors[row] = vector
        if self._codes is not None and row < len(self._codes):
            self._codes.replace(row, vector)

    def stretch(self, first_ns: int, last_ns: int) -> None:
        """Let the block's span take in two stamps."""
        self.first_ns, self.last_ns = min(self.first_ns, first_ns), max(self.last_ns, last_ns)

    def rows(self, rows: np.ndarray) -> np.ndarray:
        """``(n, dimension)`` float32 vectors of some rows."""
        return self._read(rows) if self.vectors is None else self.vectors[rows]

    def similarities(self, look: BlockScan, rows: np.ndarray, rough: np.ndarray, vector: np.ndarray) -> np.ndarray:
        """``(n,)`` float32 similarities of rows that a look found by their codes."""
        similarity = compare(self.rows(rows), vector)
        if self.vectors is None and not (np.abs(similarity - rough) <= look.off).all():  # NaN too
            # Farther off than a code can be: these are not the vectors that were coded.
            self._doubt()
            similarity = compare(self.rows(rows), vector)
        return similarity

    def look(
        self,
        vector: np.ndarray,
        scan: QuantizedScan | None,
        count: int,
        bound: float = -np.inf,
        mask: np.ndarray | None = None,
    ) -> BlockScan:
        """The rows most like a vector.

        :param scan: of the vector, one for each thread; None where rows are not coded.
        :param count: how many to get from the codes; with :data:`MOST_LOOKED_AT` or more the codes are not used.
        :param bound: rows that cannot be as like as this need not be found.
        :param mask: ``(self.count,)`` bool, only these rows, one at least; None: all.
        """
        low, high, wanted = 0, self.count, self.count
        if mask is not None:
            rows = np.flatnonzero(mask)
            low, high, wanted = int(rows[0]), int(rows[-1]) + 1, rows.size
            mask = None if high - low == wanted else mask[low:high]
        coded = min(len(self._codes), high) if self._codes is not None else 0
        few = self.vectors is not None and wanted * self.vectors.shape[1] <= _FEW_NUMBERS
        if few or count >= MOST_LOOKED_AT or coded <= low:
            return BlockScan(*self._compare(vector, low, high, mask), *_NONE, 0.0, True)
        if wanted < self.count // 4:
            # Of few rows the best stand out less: a second look would cost more than a deep first one.
            count = max(count, wanted // 24)
        rows, similarity = self._compare(vector, coded, high, None if mask is None else mask[coded - low :])
        found, rough = self._codes.nearest(
            scan, min(count, coded - low), slice(low, coded), bound, None if mask is None else mask[: coded - low]
        )
        return BlockScan(rows, similarity, found, rough, self._codes.off(scan), len(found) < count)

    def _compare(
        self, vector: np.ndarray, low: int, high: int, mask: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Compare rows ``low`` to ``high`` as they are."""
        if low == high:
            return _NONE
        rows = np.arange(low, high) if mask is None else np.flatnonzero(mask) + low
        if not rows.size:
            return _NONE
        if self.vectors is None:
            parts = [
                compare(self.rows(rows[start : start + _AT_ONCE]), vector) for start in range(0, rows.size, _AT_ONCE)
            ]
            return rows, np.concatenate(parts)
        first, last = int(rows[0]), int(rows[-1]) + 1
        # A stretch is multiplied without a copy, which is faster as long as a quarter of its rows is wanted.
        if last - first <= 4 * rows.size:
            return rows, compare(self.vectors[first:last], vector)[rows - first]
        return rows, compare(self.vectors[rows], vector)
