"""Embeddings a second time as one byte a number: a quarter to read, and enough to tell which few have to be looked at."""

import numpy as np

from facetrack_ros.history.index.faiss_scan import QuantizedScan

# How much larger than the first rows' largest number a later one may be before it is cut off at the end of the scale.
_HEADROOM = 1.25
# Rows coded at once: what is worked on stays near the processor.
_AT_ONCE = 256


class QuantizedRows:
    """Codes of unit vectors, compared at the speed of memory.

    The number ``x`` is kept as ``round(x * scale)`` in -128..127, and so is the vector that is searched for. By Cauchy and
    Schwarz a similarity is off by no more than the longest difference between a row and its code and that between the vector
    and its own.

    :param codes: ``(room, dimension)`` uint8, zero in the middle.
    :param scale: of all rows.
    :param error: the longest difference between a row and its code.
    :param count: how many rows are coded already.
    """

    def __init__(self, codes: np.ndarray, scale: float, error: float, count: int) -> None:
        self._codes = codes
        self.scale = np.float32(scale)
        self.error = error
        self._count = count

    @classmethod
    def begun_with(cls, first: np.ndarray, room: int) -> "QuantizedRows":
        """Code the first ``(n, dimension)`` float32 rows of up to ``room``; they set the scale."""
        return cls._scaled(first, room, _HEADROOM)

    @classmethod
    def of_all(cls, rows: np.ndarray) -> "QuantizedRows":
        """Code ``(n, dimension)`` float32 rows that no others follow: their scale fits closer."""
        return cls._scaled(rows, len(rows), 1.0)

    @classmethod
    def _scaled(cls, rows: np.ndarray, room: int, headroom: float) -> "QuantizedRows":
        largest = max(float(rows.max()), -float(rows.min()), 1e-6)
        coded = cls(np.empty((room, rows.shape[1]), np.uint8), 127.0 / (headroom * largest), 0.0, 0)
        coded.add(rows)
        return coded

    def __len__(self) -> int:
        return self._count

    @property
    def codes(self) -> np.ndarray:
        """``(len(self), dimension)`` uint8, a view."""
        return self._codes[: self._count]

    def add(self, rows: np.ndarray) -> None:
        """Code further rows, ``(n, dimension)`` float32."""
        for start in range(0, len(rows), _AT_ONCE):
            part = rows[start : start + _AT_ONCE]
            self._code(slice(self._count, self._count + len(part)), part)
            self._count += len(part)

    def replace(self, row: int, vector: np.ndarray) -> None:
        """Give a row another vector, ``(dimension,)`` float32."""
        self._code(slice(row, row + 1), vector[None])

    def off(self, scan: QuantizedScan) -> float:
        """How far a similarity by codes may be off."""
        return scan.probe.error + self.error * scan.probe.code_length + 1e-5

    def nearest(
        self, scan: QuantizedScan, count: int, rows: slice, bound: float = -np.inf, mask: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """The rows most like a vector by their codes.

        :param count: how many at most.
        :param rows: a stretch of rows, the only ones looked at.
        :param bound: rows that cannot be as like as this are left out.
        :param mask: bool, a value for each row of the stretch, only these; None: all.
        :returns: rows ``(n,)`` int64 and similarities ``(n,)`` float32, in no order, ``n <= count``.
        """
        unit = scan.probe.scale * self.scale
        found, products = scan.best(self._codes[rows], count, (bound - self.off(scan)) * float(unit), mask)
        return found + rows.start, products / unit

    def _code(self, where: slice, rows: np.ndarray) -> None:
        codes = rows * self.scale
        np.rint(codes, out=codes)
        np.clip(codes, -128, 127, out=codes)
        self._codes[where] = (codes + 128).astype(np.uint8)
        apart = np.divide(codes, self.scale, out=codes)  # the codes themselves are not needed any more
        apart -= rows
        # A little more, for what float32 itself rounds.
        self.error = max(self.error, float(np.sqrt(np.einsum("ij,ij->i", apart, apart).max())) + 1e-5)
