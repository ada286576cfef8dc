"""Sentences of what went wrong, each kept once until somebody asks."""

import threading

_MOST = 100


class Complaints:
    """What went wrong since it was last asked. Safe to use from several threads; more than a hundred are not kept."""

    def __init__(self) -> None:
        self._sentences: dict[str, None] = {}
        self._lock = threading.Lock()

    def add(self, sentence: str) -> None:
        """Keep a sentence; one that is kept already counts once."""
        with self._lock:
            if len(self._sentences) < _MOST:
                self._sentences[sentence] = None

    def take(self) -> list[str]:
        """All of them, in the order they came; none are kept then."""
        with self._lock:
            taken, self._sentences = list(self._sentences), {}
            return taken
