"""Threads that do the work, so that callbacks only move messages."""

import threading
import traceback
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Any

from facetrack_ros.errors import FacetrackError


class LatestPerCamera:
    """A mailbox that keeps the newest item of each camera: under overload old frames give way, on all cameras alike."""

    def __init__(self):
        self._items = OrderedDict()
        self.dropped = 0

    def put(self, camera_id: str, item: Any) -> None:
        """Leave an item, in place of the one of that camera that nobody fetched."""
        self.dropped += camera_id in self._items
        self._items[camera_id] = item

    def take(self) -> list[Any]:
        """All that is there, the camera that waited longest first."""
        items, self._items = list(self._items.values()), OrderedDict()
        return items

    def __len__(self) -> int:
        return len(self._items)


class FifoMailbox:
    """A mailbox that keeps every item, for work too light to fall behind or too dear to lose."""

    def __init__(self):
        self._items = deque()

    def put(self, camera_id: str, item: Any) -> None:
        """Leave an item."""
        self._items.append(item)

    def take(self) -> list[Any]:
        """All that is there, oldest first."""
        items = list(self._items)
        self._items.clear()
        return items

    def __len__(self) -> int:
        return len(self._items)


class Worker:
    """A thread that hands what lies in a mailbox to ``handle``, a batch at a time and never two at once.

    An error of ours is logged, each sentence once, and the work goes on; any other is logged with its traceback.
    """

    def __init__(self, name: str, mailbox: LatestPerCamera | FifoMailbox, handle: Callable[[list], None], logger):
        self.mailbox = mailbox
        self._handle = handle
        self._logger = logger
        self._lock = threading.Lock()
        # Two, so that work which somebody else does wakes nobody: a thread that wakes for nothing holds up who is at work.
        self._wanted, self._done = threading.Condition(self._lock), threading.Condition(self._lock)
        self._closing = False
        self._busy = False
        self._told = set()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def put(self, camera_id: str, item: Any) -> None:
        """Leave work; never waits for it. Work left after ``close`` is not done."""
        with self._lock:
            if not self._closing:
                self.mailbox.put(camera_id, item)
                if not self._busy:
                    self._wanted.notify()

    def put_and_do(self, camera_id: str, item: Any) -> None:
        """Leave work and do it on this thread, with all that was left before; where another is at that, it does this too.

        For callers that are at work themselves: a core has no second thread to wait for then.
        """
        with self._lock:
            if self._closing:
                return
            self.mailbox.put(camera_id, item)
            if self._busy:
                return
            self._busy = True
        self._do_all()

    def close(self, timeout_s: float = 5.0) -> None:
        """Do what is left, then end the thread; waits at most ``timeout_s``."""
        with self._lock:
            self._closing = True
            self._wanted.notify()
        self._thread.join(timeout_s)

    def drain(self, timeout_s: float = 5.0) -> bool:
        """Wait until nothing is left to do; False where that took longer than ``timeout_s``."""
        with self._lock:
            return self._done.wait_for(lambda: not self._busy and not len(self.mailbox), timeout_s)

    def _run(self) -> None:
        while True:
            with self._lock:
                self._wanted.wait_for(lambda: not self._busy and (self._closing or len(self.mailbox)))
                if not len(self.mailbox):
                    return
                self._busy = True
            self._do_all()

    def _do_all(self) -> None:
        """Until nothing is left; only whoever set ``_busy`` does."""
        while True:
            with self._lock:
                items = self.mailbox.take()
                if not items:
                    self._busy = False
                    self._done.notify_all()
                    if self._closing:
                        self._wanted.notify()
                    return
            try:
                self._handle(items)
            except FacetrackError as error:
                if str(error) not in self._told:
                    self._told.add(str(error))
                    self._logger.error(str(error))
            except Exception as error:  # a thread that dies silently would look like a camera that sees nobody
                self._logger.error(f"unexpected {type(error).__name__}: {error}\n{traceback.format_exc()}")
