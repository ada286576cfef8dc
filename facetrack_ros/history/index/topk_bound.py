"""Lower similarity bound for the top k."""

import threading

import numpy as np


class TopKBound:
    """Rises from the threshold as similarities become known, never above that of the k-th best row.

    Thread-safe.

    :param limit: k; None: every row above the threshold counts.
    """

    def __init__(self, threshold: float, limit: int | None) -> None:
        self.bound = threshold
        self.limit = limit
        self._highest = np.empty(0, np.float32)
        self._lock = threading.Lock()

    def add_lower_bounds(self, similarity: np.ndarray) -> None:
        """Take in lower bounds of the similarities of further rows; each row once."""
        if self.limit is None:
            return
        similarity = similarity[similarity > self.bound]
        if similarity.size:
            with self._lock:
                self._highest = _highest(np.concatenate([self._highest, similarity]), self.limit)
                self._raise_to(self._highest)

    def set_exact(self, similarity: np.ndarray) -> None:
        """Take in exact similarities, also of rows given to :meth:`add_lower_bounds` before; each row once."""
        if self.limit is not None:
            self._raise_to(_highest(similarity, self.limit))

    def _raise_to(self, highest: np.ndarray) -> None:
        if self.limit and highest.size >= self.limit:
            self.bound = max(self.bound, float(highest.min()))


def _highest(values: np.ndarray, count: int) -> np.ndarray:
    return values if values.size <= count else np.partition(values, values.size - count)[values.size - count :]
