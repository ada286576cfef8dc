"""Embeddings quantised to one byte a number: a quarter of the memory to read, enough to find the candidates."""

import numpy as np

from facetrack_ros.history.index.faiss_scan import QuantizedScan

# How far a later number may exceed the largest of the first rows before it is clipped; chosen by hand.
_HEADROOM = 1.25
# Rows quantised at once: the working set stays in the processor's cache.
_CHUNK = 256


class QuantizedRows:
    """Codes of unit vectors.

    A number ``x`` is stored as ``round(x * scale)`` in -128..127; the query is quantised likewise. By the
    Cauchy-Schwarz inequality a similarity from codes is off by no more than the largest distance between a row and its
    code plus the distance between the query and its code.

    :param codes: ``(capacity, dimension)`` uint8, offset by 128.
    :param scale: of all rows.
    :param error: the largest distance between a row and its code.
    :param count: how many rows are quantised already.
    """

    def __init__(self, codes: np.ndarray, scale: float, error: float, count: int) -> None:
        self._codes = codes
        self.scale = np.float32(scale)
        self.error = error
        self._count = count

    @classmethod
    def growing(cls, first: np.ndarray, capacity: int) -> "QuantizedRows":
        """Quantise the first ``(n, dimension)`` float32 rows of up to ``capacity``; they set the scale."""
        return cls._scaled(first, capacity, _HEADROOM)

    @classmethod
    def complete(cls, rows: np.ndarray) -> "QuantizedRows":
        """Quantise ``(n, dimension)`` float32 rows to which none are added later, at the finest scale."""
        return cls._scaled(rows, len(rows), 1.0)

    @classmethod
    def _scaled(cls, rows: np.ndarray, capacity: int, headroom: float) -> "QuantizedRows":
        largest = max(float(rows.max()), -float(rows.min()), 1e-6)
        quantized = cls(np.empty((capacity, rows.shape[1]), np.uint8), 127.0 / (headroom * largest), 0.0, 0)
        quantized.add(rows)
        return quantized

    def __len__(self) -> int:
        return self._count

    @property
    def codes(self) -> np.ndarray:
        """``(len(self), dimension)`` uint8, a view."""
        return self._codes[: self._count]

    def add(self, rows: np.ndarray) -> None:
        """Quantise further rows, ``(n, dimension)`` float32."""
        for start in range(0, len(rows), _CHUNK):
            part = rows[start : start + _CHUNK]
            self._set(slice(self._count, self._count + len(part)), part)
            self._count += len(part)

    def replace(self, row: int, vector: np.ndarray) -> None:
        """Give a row another vector, ``(dimension,)`` float32."""
        self._set(slice(row, row + 1), vector[None])

    def remove(self, rows: np.ndarray) -> None:
        """Remove rows, ``(n,)`` int64; those after them move up, and the room they took is overwritten."""
        kept = np.delete(self.codes, rows, axis=0)
        if self._codes.flags.writeable:
            self._codes[: len(kept)] = kept
            self._codes[len(kept) : self._count] = 0
        else:
            self._codes = kept
        self._count = len(kept)

    def error_bound(self, scan: QuantizedScan) -> float:
        """How far a similarity from codes may be off."""
        return scan.query.error + self.error * scan.query.code_norm + 1e-5

    def nearest(
        self, scan: QuantizedScan, count: int, rows: slice, bound: float = -np.inf, mask: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """The rows most similar to the query by their codes.

        :param count: how many at most.
        :param rows: the range of rows to scan.
        :param bound: rows that cannot be this similar are left out.
        :param mask: bool, one value for each row of the range, only these; None: all.
        :returns: rows ``(n,)`` int64 and similarities ``(n,)`` float32, unordered, ``n <= count``.
        """
        unit = scan.query.scale * self.scale
        found, products = scan.top(self._codes[rows], count, (bound - self.error_bound(scan)) * float(unit), mask)
        return found + rows.start, products / unit

    def _set(self, where: slice, rows: np.ndarray) -> None:
        codes = rows * self.scale
        np.rint(codes, out=codes)
        np.clip(codes, -128, 127, out=codes)
        self._codes[where] = (codes + 128).astype(np.uint8)
        difference = np.divide(codes, self.scale, out=codes)  # reuses the memory of the codes
        difference -= rows
        # The addend covers the rounding of float32 itself.
        self.error = max(self.error, float(np.sqrt(np.einsum("ij,ij->i", difference, difference).max())) + 1e-5)
