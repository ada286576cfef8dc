"""A block of embeddings: a fixed number of rows, searched exactly."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from facetrack_ros.history.index.faiss_scan import QuantizedScan
from facetrack_ros.history.index.quantized_rows import QuantizedRows

ROWS = 65_536
# From this many candidates on, all rows are compared exactly; chosen by hand, as all numbers here.
MAX_CANDIDATES = 16_384
# Rows are quantised in batches; the few since the last batch are compared as they are.
_BATCH = 2048
# Up to this many numbers in memory are compared faster than their codes are scanned.
FEW_NUMBERS = 200_000
# Rows read from a frozen block's file at once.
_CHUNK = 4096
_NONE = (np.empty(0, np.int64), np.empty(0, np.float32))


class VectorSource(Protocol):
    """Where a frozen block reads its vectors."""

    def read(self, rows: np.ndarray) -> np.ndarray:
        """``(n, dimension)`` float32 vectors of rows of the block."""
        ...

    def report_damaged(self) -> None:
        """The last :meth:`read` returned wrong vectors: read from elsewhere from now on."""
        ...


def compare(rows: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """``(n,)`` float32 similarities of ``(n, dimension)`` unit vectors to one.

    Runs on the calling thread only: BLAS would wake its own threads, and on a busy machine wait milliseconds for them.
    """
    return np.einsum("ij,j->i", rows, vector)


@dataclass(frozen=True, eq=False)
class BlockScan:
    """What a scan of a block found: rows compared exactly, and the best of those compared by their codes.

    :param rows: ``(n,)`` int64, compared exactly.
    :param similarity: ``(n,)`` float32.
    :param candidates: ``(m,)`` int64, the best by their codes.
    :param approximate: ``(m,)`` float32, their similarities from codes.
    :param error_bound: how far ``approximate`` may be off.
    :param complete: whether no row that may count is missing.
    """

    rows: np.ndarray
    similarity: np.ndarray
    candidates: np.ndarray
    approximate: np.ndarray
    error_bound: float
    complete: bool

    def covers(self, bound: float) -> bool:
        """Whether every row with a similarity of at least ``bound`` is in it."""
        return self.complete or float(self.approximate.min()) + self.error_bound < bound


class VectorBlock:
    """Up to ``capacity`` unit vectors in the order they were added, and the span of their stamps.

    While it grows, the vectors are in memory. Once frozen, only their codes are.

    Not thread-safe, except for :meth:`scan` and :meth:`similarities`: its owner holds the lock.

    :param quantized: whether rows are also kept as codes, which makes searching four times as fast.
    """

    def __init__(self, dimension: int, quantized: bool, capacity: int = ROWS) -> None:
        # The operating system provides the memory as it is written to.
        self._vectors: np.ndarray | VectorSource = np.empty((capacity, dimension), np.float32)
        self._dimension = dimension
        self._quantized = quantized
        self._codes: QuantizedRows | None = None
        self.count = 0
        self.first_ns = int(np.iinfo(np.int64).max)
        self.last_ns = int(np.iinfo(np.int64).min)

    @classmethod
    def stored(cls, codes: QuantizedRows, first_ns: int, last_ns: int, source: VectorSource) -> "VectorBlock":
        """A frozen block."""
        block = cls(codes.codes.shape[1], True, 0)
        block.count = len(codes)
        block.extend_span(first_ns, last_ns)
        block.freeze(codes, source)
        return block

    @property
    def frozen(self) -> bool:
        """Whether its rows can no longer change."""
        return not isinstance(self._vectors, np.ndarray)

    @property
    def source(self) -> VectorSource | None:
        """What reads the vectors of a frozen block; None of a growing one."""
        return None if isinstance(self._vectors, np.ndarray) else self._vectors

    @property
    def room(self) -> int:
        """How many rows can still be added."""
        return len(self._vectors) - self.count if isinstance(self._vectors, np.ndarray) else 0

    def freeze(self, codes: QuantizedRows, source: VectorSource) -> None:
        """Keep only the codes of all rows in memory from now on, and read vectors from ``source``."""
        self._codes, self._vectors = codes, source

    def extend(self, vectors: np.ndarray, first_ns: int, last_ns: int) -> None:
        """Add rows, at most :attr:`room`.

        :param vectors: ``(n, dimension)`` float32.
        :param first_ns: the earliest of their stamps.
        :param last_ns: the latest.
        """
        held = self._growing()
        held[self.count : self.count + len(vectors)] = vectors
        self.count += len(vectors)
        self.extend_span(first_ns, last_ns)
        done = len(self._codes) if self._codes is not None else 0
        if self._quantized and self.count - done >= min(_BATCH, len(held)):
            if self._codes is None:
                self._codes = QuantizedRows.growing(held[: self.count], len(held))
            else:
                self._codes.add(held[done : self.count])

    def replace(self, row: int, vector: np.ndarray) -> None:
        """Give a row of a growing block another vector, ``(dimension,)`` float32."""
        self._growing()[row] = vector
        if self._codes is not None and row < len(self._codes):
            self._codes.replace(row, vector)

    def remove(self, rows: np.ndarray, source: VectorSource | None = None) -> None:
        """Remove rows; those after them move up.

        :param rows: ``(n,)`` int64, of the block.
        :param source: of a frozen block: reads the rows that are left from now on.
        """
        if isinstance(self._vectors, np.ndarray):
            kept = np.delete(self._vectors[: self.count], rows, axis=0)
            self._vectors[: len(kept)] = kept
            self._vectors[len(kept) : self.count] = 0
        elif source is not None:
            self._vectors = source
        if self._codes is not None:
            self._codes.remove(rows[rows < len(self._codes)])
        self.count -= len(rows)

    def extend_span(self, first_ns: int, last_ns: int) -> None:
        """Let the block's span include two stamps."""
        self.first_ns, self.last_ns = min(self.first_ns, first_ns), max(self.last_ns, last_ns)

    def vector(self, row: int) -> np.ndarray:
        """``(dimension,)`` float32 of a row."""
        return self._vectors[row] if isinstance(self._vectors, np.ndarray) else self._vectors.read(np.array([row]))[0]

    def similarities(self, scan: BlockScan, chosen: np.ndarray, vector: np.ndarray) -> np.ndarray:
        """Compare candidates of a scan exactly.

        :param chosen: ``(m,)`` bool, which candidates.
        :returns: ``(n,)`` float32.
        """
        rows, approximate = scan.candidates[chosen], scan.approximate[chosen]
        if isinstance(self._vectors, np.ndarray):
            return compare(self._vectors[rows], vector)
        similarity = compare(self._vectors.read(rows), vector)
        if not (np.abs(similarity - approximate) <= scan.error_bound).all():  # true for NaN too
            # Farther off than a code can be: these are not the vectors that were quantised.
            self._vectors.report_damaged()
            similarity = compare(self._vectors.read(rows), vector)
        return similarity

    def scan(
        self,
        vector: np.ndarray,
        quantized: QuantizedScan | None,
        count: int,
        bound: float = -np.inf,
        mask: np.ndarray | None = None,
    ) -> BlockScan:
        """Find the rows most similar to a vector.

        :param quantized: scan of the vector's code, one per thread; None where rows are not quantised.
        :param count: how many candidates to take from the codes; from :data:`MAX_CANDIDATES` on all rows are compared.
        :param bound: rows that cannot be this similar need not be found.
        :param mask: ``(self.count,)`` bool, only these rows, one at least; None: all.
        """
        low, high, wanted = 0, self.count, self.count
        if mask is not None:
            rows = np.flatnonzero(mask)
            low, high, wanted = int(rows[0]), int(rows[-1]) + 1, rows.size
            mask = None if high - low == wanted else mask[low:high]
        end = min(len(self._codes), high) if self._codes is not None else 0
        few = not self.frozen and wanted * self._dimension <= FEW_NUMBERS
        if self._codes is None or quantized is None or few or count >= MAX_CANDIDATES or end <= low:
            return BlockScan(*self._compare(vector, low, high, mask), *_NONE, 0.0, True)
        if wanted < self.count // 4:
            # Among few rows the best stand out less: a second scan would cost more than a deep first one.
            count = max(count, wanted // 24)
        rows, similarity = self._compare(vector, end, high, None if mask is None else mask[end - low :])
        candidates, approximate = self._codes.nearest(
            quantized, min(count, end - low), slice(low, end), bound, None if mask is None else mask[: end - low]
        )
        error_bound = self._codes.error_bound(quantized)
        return BlockScan(rows, similarity, candidates, approximate, error_bound, len(candidates) < count)

    def _growing(self) -> np.ndarray:
        if not isinstance(self._vectors, np.ndarray):
            raise ValueError("a frozen block cannot change")
        return self._vectors

    def _compare(
        self, vector: np.ndarray, low: int, high: int, mask: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Compare rows ``low`` to ``high`` exactly."""
        rows = np.arange(low, high) if mask is None else np.flatnonzero(mask) + low
        if not rows.size:
            return _NONE
        if not isinstance(self._vectors, np.ndarray):
            chunks = (rows[start : start + _CHUNK] for start in range(0, rows.size, _CHUNK))
            return rows, np.concatenate([compare(self._vectors.read(chunk), vector) for chunk in chunks])
        first, last = int(rows[0]), int(rows[-1]) + 1
        # A contiguous range is compared without a copy, which is faster when at least a quarter of its rows is wanted.
        if last - first <= 4 * rows.size:
            return rows, compare(self._vectors[first:last], vector)[rows - first]
        return rows, compare(self._vectors[rows], vector)
