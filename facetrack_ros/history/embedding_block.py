"""A block of embeddings: a fixed number of rows, searched exactly."""

import numpy as np

from facetrack_ros.history.coded_rows import CodedRows

ROWS = 65_536
# Rows are coded in batches; those that came since are few enough to be compared as they are.
_BATCH = 2048
_FIRST_LOOK = 256
_MOST_LOOKED_AT = 16_384
_NONE = (np.empty(0, np.int64), np.empty(0, np.float32))


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

    def above(self, vector: np.ndarray, threshold: float, limit: "int | None",
              mask: "np.ndarray | None" = None) -> "tuple[np.ndarray, np.ndarray]":
        """Every row at least as like a vector as ``threshold``; exact.

        :param vector: ``(dimension,)`` float32 unit vector.
        :param limit: with it, the best ``limit`` of them, and perhaps some more.
        :param mask: ``(count,)`` bool, only these rows; None: all.
        :returns: rows ``(n,)`` int64 in no order, their similarities ``(n,)`` float32.
        """
        done = len(self._codes) if self._codes is not None else 0
        parts = [self._coded_above(vector, threshold, limit, None if mask is None else mask[:done])] if done else []
        if done < self.count:
            parts.append(self._compare(vector, threshold, done, self.count, None if mask is None else mask[done:]))
        if len(parts) == 1:
            return parts[0]
        return tuple(np.concatenate(both) for both in zip(*parts)) if parts else _NONE

    def _coded_above(self, vector: np.ndarray, threshold: float, limit: "int | None",
                     mask: "np.ndarray | None") -> "tuple[np.ndarray, np.ndarray]":
        done = len(self._codes)
        wanted = done if mask is None else int(np.count_nonzero(mask))
        if not wanted:
            return _NONE
        if wanted <= _BATCH:
            return self._compare(vector, threshold, 0, done, mask)
        look = max(_FIRST_LOOK, 2 * (limit or 0))
        while look <= _MOST_LOOKED_AT:
            rows, rough, off = self._codes.nearest(vector, min(look, wanted), mask)
            lowest = threshold - off
            if limit is not None and len(rough) > limit:
                # What is to be among the best cannot be farther below the last of them than both may be off.
                lowest = max(lowest, float(rough[limit - 1]) - 2 * off)
            if len(rows) == wanted or rough[-1] < lowest:
                rows = rows[rough >= lowest]
                exact = self.vectors[rows] @ vector
                found = exact >= threshold
                return rows[found], exact[found]
            look *= 8
        return self._compare(vector, threshold, 0, done, mask)

    def _compare(self, vector: np.ndarray, threshold: float, low: int, high: int,
                 mask: "np.ndarray | None") -> "tuple[np.ndarray, np.ndarray]":
        """Compare rows ``low`` to ``high`` as they are."""
        if mask is None:
            similarity, rows = self.vectors[low:high] @ vector, np.arange(low, high)
        else:
            rows = np.flatnonzero(mask) + low
            if not rows.size:
                return _NONE
            first, last = int(rows[0]), int(rows[-1]) + 1
            # A stretch is multiplied without a copy, which is faster as long as a quarter of its rows is wanted.
            if last - first <= 4 * rows.size:
                similarity = (self.vectors[first:last] @ vector)[rows - first]
            else:
                similarity = self.vectors[rows] @ vector
        found = similarity >= threshold
        return rows[found], similarity[found]
