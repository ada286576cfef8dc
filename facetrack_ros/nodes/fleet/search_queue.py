"""Requests that wait for a robot's search: bounded, and taken by turns of the robots that ask."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from facetrack_ros.concurrency.error_log import ErrorLog
from facetrack_ros.concurrency.fair_mailbox import FairMailbox
from facetrack_ros.concurrency.worker import Worker, run_calls

# Requests that wait, of all and of one robot. A search takes milliseconds; chosen by hand.
MOST_WAITING, MOST_OF_ONE = 256, 64
# Searches with a rescan or another embedder take seconds; others do not wait for them.
SLOW_AT_ONCE = 4
MOST_SLOW_WAITING, MOST_SLOW_OF_ONE = 32, 8


class SearchQueue:
    """A worker for searches, and a few threads for slow ones."""

    def __init__(self) -> None:
        self._waiting = FairMailbox(MOST_WAITING, MOST_OF_ONE)
        self._worker = Worker("history search", self._waiting, run_calls)
        self._slow_waiting = FairMailbox(MOST_SLOW_WAITING, MOST_SLOW_OF_ONE)
        self._slow_lock = threading.Lock()
        self._slow = ThreadPoolExecutor(SLOW_AT_ONCE, "history slow search")
        self._errors = ErrorLog()

    def __len__(self) -> int:
        return len(self._waiting) + len(self._slow_waiting)

    def put(self, requester: str, call: Callable[[], None]) -> bool:
        """Add a search; False if too many wait, of all or of this requester."""
        if not self._waiting.has_room(requester):
            return False
        self._worker.put(requester, (call,))
        return True

    def put_slow(self, requester: str, call: Callable[[], None]) -> bool:
        """Add a search that takes seconds; as :meth:`put`."""
        with self._slow_lock:
            if not self._slow_waiting.has_room(requester):
                return False
            self._slow_waiting.put(requester, call)
        self._slow.submit(self._run_slow)
        return True

    def close(self) -> None:
        """Do what waits."""
        self._worker.close()
        self._slow.shutdown()

    def _run_slow(self) -> None:
        with self._slow_lock:
            calls = self._slow_waiting.take()
        for call in calls:
            with self._errors:
                call()
