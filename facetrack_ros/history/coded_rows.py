"""Embeddings a second time as one byte a number: a quarter to read, and enough to tell which few have to be looked at."""

from importlib.util import find_spec

import numpy as np

# How much larger than the first rows' largest number a later one may be before it is cut off at the end of the scale.
_HEADROOM = 1.25
# Rows coded at once: what is worked on stays near the processor.
_AT_ONCE = 256


def can_code() -> bool:
    """Whether the library that searches codes (FAISS) is here."""
    return find_spec("faiss") is not None


class Probe:
    """A unit vector to be searched for, and its code.

    :param vector: ``(dimension,)`` float32.
    """

    def __init__(self, vector: np.ndarray) -> None:
        self.vector = vector
        self.scale = np.float32(127.0 / np.abs(vector).max())
        # Whole numbers: on some processors FAISS takes the vector as codes too, on others as it is.
        self.code = np.rint(vector * self.scale)
        coded = self.code / self.scale
        self.error = float(np.linalg.norm(vector - coded))
        self.code_length = float(np.linalg.norm(coded))


class CodedRows:
    """Codes of unit vectors, compared at the speed of memory.

    The number ``x`` is kept as ``round(x * scale)`` in -128..127, and so is the vector that is searched for. By Cauchy and
    Schwarz a similarity is off by no more than the longest difference between a row and its code and that between the vector
    and its own.

    :param first: ``(n, dimension)`` float32, rows to begin with; they set the scale.
    """

    def __init__(self, first: np.ndarray) -> None:
        import faiss

        self._faiss = faiss
        self._scale = np.float32(127.0 / max(_HEADROOM * float(np.abs(first).max()), 1e-6))
        self._index = faiss.IndexScalarQuantizer(first.shape[1], faiss.ScalarQuantizer.QT_8bit_direct_signed,
                                                 faiss.METRIC_INNER_PRODUCT)
        self._index.is_trained = True  # this kind of code has nothing to learn
        self._error = 0.0
        self.add(first)

    def __len__(self) -> int:
        return self._index.ntotal

    def add(self, rows: np.ndarray) -> None:
        """Code further rows, ``(n, dimension)`` float32."""
        for start in range(0, len(rows), _AT_ONCE):
            part = rows[start:start + _AT_ONCE]
            codes = self._codes_of(part)
            self._index.add_sa_codes(_bytes(codes))
            self._widen(part, codes)

    def replace(self, row: int, vector: np.ndarray) -> None:
        """Give a row another vector, ``(dimension,)`` float32."""
        codes = self._codes_of(vector[None])
        width = codes.shape[1]
        stored = self._faiss.rev_swig_ptr(self._index.codes.data(), len(self) * width)
        stored[row * width:(row + 1) * width] = _bytes(codes)[0]
        self._widen(vector[None], codes)

    def nearest(self, probe: Probe, count: int, mask: "np.ndarray | None" = None) -> "tuple[np.ndarray, np.ndarray, float]":
        """The rows most like a vector by their codes.

        :param mask: ``(len(self),)`` bool, only these rows; None: all.
        :returns: rows ``(n,)`` int64 and similarities ``(n,)`` float32, best first, ``n <= count``; and how far a similarity
            may be off.
        """
        parameters, bits = None, None
        if mask is not None:
            bits = np.packbits(mask, bitorder="little")
            parameters = self._faiss.SearchParameters(sel=self._faiss.IDSelectorBitmap(bits))
        similarity, rows = self._index.search(probe.code[None], min(count, len(self)), params=parameters)
        found = rows[0] >= 0
        return (rows[0][found], similarity[0][found] / (probe.scale * self._scale),
                probe.error + self._error * probe.code_length + 1e-5)

    def _codes_of(self, rows: np.ndarray) -> np.ndarray:
        codes = rows * self._scale
        np.rint(codes, out=codes)
        return np.clip(codes, -128, 127, out=codes)

    def _widen(self, rows: np.ndarray, codes: np.ndarray) -> None:
        apart = np.divide(codes, self._scale, out=codes)  # the codes themselves are not needed any more
        apart -= rows
        # A little more, for what float32 itself rounds.
        self._error = max(self._error, float(np.sqrt(np.einsum("ij,ij->i", apart, apart).max())) + 1e-5)


def _bytes(codes: np.ndarray) -> np.ndarray:
    """As FAISS keeps them: a byte each, zero in the middle."""
    return (codes + 128).astype(np.uint8)
