"""One vector compared with the codes of many, by FAISS."""

import weakref
from importlib.util import find_spec

import numpy as np


def faiss_available() -> bool:
    """Whether the library that compares codes (FAISS) is here."""
    return find_spec("faiss") is not None


class QuantizedQuery:
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


class QuantizedScan:
    """Reads codes, wherever they lie, and keeps the rows most like a probe. One for each thread.

    FAISS's own index would want the codes in its own memory, all of them, and read all for a slice.
    """

    def __init__(self, probe: QuantizedQuery) -> None:
        self.probe = probe
        self._of_all = None

    def _prepare(self) -> None:
        import faiss

        self._faiss = faiss
        self._quantizer = faiss.ScalarQuantizer(len(self.probe.code), faiss.ScalarQuantizer.QT_8bit_direct_signed)
        self._free = faiss.InvertedListScanner.__swig_destroy__  # what FAISS makes here nobody else frees
        self._of_all = self._scanner(None)
        weakref.finalize(self, self._free, self._of_all).atexit = False

    def best(
        self, codes: np.ndarray, count: int, floor: float = -np.inf, mask: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """The rows whose codes have the highest products with the probe's.

        :param codes: ``(n, dimension)`` uint8, one after the other.
        :param count: how many at most; when as many are returned, there may be more.
        :param floor: only products above this.
        :param mask: ``(n,)`` bool, only these rows; None: all.
        :returns: rows ``(m,)`` int64 and products ``(m,)`` float32, in no order.
        """
        if self._of_all is None:
            self._prepare()
        pointer = self._faiss.swig_ptr
        products = np.full(count, floor, np.float32)  # already a heap
        rows = np.full(count, -1, np.int64)
        scanner, chosen = self._of_all, None
        if mask is not None:
            bits = np.packbits(mask, bitorder="little")
            chosen = self._faiss.IDSelectorBitmap(bits)
            scanner = self._scanner(chosen)
        try:
            scanner.scan_codes(len(codes), pointer(codes), None, pointer(products), pointer(rows), count)
        finally:
            if chosen is not None:
                self._free(scanner)
        found = rows >= 0
        return (rows, products) if found.all() else (rows[found], products[found])

    def _scanner(self, chosen):
        scanner = self._quantizer.select_InvertedListScanner(self._faiss.METRIC_INNER_PRODUCT, None, True, chosen)
        scanner.set_query(self._faiss.swig_ptr(self.probe.code))
        scanner.set_list(0, 0.0)
        return scanner
