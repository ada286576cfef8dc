"""Quantised rows compared with a query vector, by FAISS."""

import weakref
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np


def faiss_available() -> bool:
    """Whether FAISS is installed."""
    return find_spec("faiss") is not None


class QuantizedQuery:
    """A unit vector to search for, and its code.

    :param vector: ``(dimension,)`` float32.
    """

    def __init__(self, vector: np.ndarray) -> None:
        self.vector = vector
        self.scale = np.float32(127.0 / np.abs(vector).max())
        # Integers: depending on the processor FAISS quantises the query too, or takes it as it is.
        self.code = np.rint(vector * self.scale)
        decoded = self.code / self.scale
        self.error = float(np.linalg.norm(vector - decoded))
        self.code_norm = float(np.linalg.norm(decoded))


class QuantizedScan:
    """Scans codes wherever they lie in memory and keeps the rows most similar to a query. One per thread.

    A FAISS index would copy all codes into memory of its own, and scan all of them for a time slice.
    """

    def __init__(self, query: QuantizedQuery) -> None:
        self.query = query
        self._faiss: Any = None

    def _prepare(self) -> None:
        self._faiss = faiss = import_module("faiss")
        self._quantizer = faiss.ScalarQuantizer(len(self.query.code), faiss.ScalarQuantizer.QT_8bit_direct_signed)
        self._free = faiss.InvertedListScanner.__swig_destroy__  # FAISS does not free the scanners it returns
        self._unmasked = self._scanner(None)
        weakref.finalize(self, self._free, self._unmasked).atexit = False

    def top(
        self, codes: np.ndarray, count: int, floor: float = -np.inf, mask: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """The rows whose codes have the highest inner products with the query's code.

        :param codes: ``(n, dimension)`` uint8, contiguous.
        :param count: how many at most; when as many are returned, there may be more.
        :param floor: only products above this.
        :param mask: ``(n,)`` bool, only these rows; None: all.
        :returns: rows ``(m,)`` int64 and products ``(m,)`` float32, unordered.
        """
        if self._faiss is None:
            self._prepare()
        pointer = self._faiss.swig_ptr
        products = np.full(count, floor, np.float32)  # a valid heap
        rows = np.full(count, -1, np.int64)
        scanner, selector = self._unmasked, None
        if mask is not None:
            bits = np.packbits(mask, bitorder="little")
            selector = self._faiss.IDSelectorBitmap(bits)
            scanner = self._scanner(selector)
        try:
            scanner.scan_codes(len(codes), pointer(codes), None, pointer(products), pointer(rows), count)
        finally:
            if selector is not None:
                self._free(scanner)
        found = rows >= 0
        return (rows, products) if found.all() else (rows[found], products[found])

    def _scanner(self, selector: Any) -> Any:
        scanner = self._quantizer.select_InvertedListScanner(self._faiss.METRIC_INNER_PRODUCT, None, True, selector)
        scanner.set_query(self._faiss.swig_ptr(self.query.code))
        scanner.set_list(0, 0.0)
        return scanner
