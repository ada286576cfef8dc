"""How like a row must be to count, as far as a search knows already."""

import threading

import numpy as np


class TopKBound:
    """Rises from the threshold as similarities become known, never above that of the last one that counts.

    May be used from several threads.

    :param limit: how many count; None: all above the threshold.
    """

    def __init__(self, threshold: float, limit: int | None) -> None:
        self.bound = threshold
        self.limit = limit
        self._surely = np.empty(0, np.float32)
        self._lock = threading.Lock()

    def take(self, surely: np.ndarray) -> None:
        """Similarities that further rows have at least; each row once."""
        if self.limit is None:
            return
        surely = surely[surely > self.bound]
        if not surely.size:
            return
        with self._lock:
            self._surely = _highest(np.concatenate([self._surely, surely]), self.limit)
            self._rise(self._surely)

    def know(self, similarity: np.ndarray) -> None:
        """Similarities of some rows, whether :meth:`take` knows them or not; each row once."""
        if self.limit is not None:
            self._rise(_highest(similarity, self.limit))

    def _rise(self, highest: np.ndarray) -> None:
        if highest.size >= self.limit > 0:
            self.bound = max(self.bound, float(highest.min()))


def _highest(values: np.ndarray, count: int) -> np.ndarray:
    return values if values.size <= count else np.partition(values, values.size - count)[values.size - count :]
