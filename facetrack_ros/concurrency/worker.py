"""A worker thread behind a mailbox, so that callbacks only move messages."""

import threading
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Any

from facetrack_ros.concurrency.error_log import ErrorLog
from facetrack_ros.concurrency.fair_mailbox import FairMailbox


class LatestPerCamera:
    """Mailbox of the newest item a camera: under overload older items are dropped, for all cameras alike."""

    def __init__(self):
        self._items: OrderedDict[str, Any] = OrderedDict()

    def put(self, camera_id: str, item: Any) -> None:
        """Add an item; replaces the camera's item that was not taken yet."""
        self._items[camera_id] = item

    def take(self) -> list[Any]:
        """Remove and return all items, the camera that waited longest first."""
        items, self._items = list(self._items.values()), OrderedDict()
        return items

    def __len__(self) -> int:
        return len(self._items)


class FifoMailbox:
    """Mailbox that keeps every item, for work too light to fall behind or too valuable to drop."""

    def __init__(self):
        self._items: deque[Any] = deque()

    def put(self, camera_id: str, item: Any) -> None:
        """Add an item."""
        self._items.append(item)

    def take(self) -> list[Any]:
        """Remove and return all items, oldest first."""
        items = list(self._items)
        self._items.clear()
        return items

    def __len__(self) -> int:
        return len(self._items)


def run_calls(item: tuple) -> None:
    """Handler of workers whose items are calls: ``(function, *arguments)``."""
    function, *arguments = item
    function(*arguments)


class Worker:
    """A thread that passes each item of a mailbox to ``handle``, never two at once.

    An error of ``handle`` is logged and loses that item only; see :class:`ErrorLog`.
    """

    def __init__(self, name: str, mailbox: LatestPerCamera | FifoMailbox | FairMailbox, handle: Callable[[Any], None]):
        self.mailbox = mailbox
        self._handle = handle
        self._errors = ErrorLog()
        self._lock = threading.Lock()
        # Two conditions: ``put_and_do`` must not wake the worker, whose wake-up would delay the calling thread.
        self._wanted, self._done = threading.Condition(self._lock), threading.Condition(self._lock)
        self._closing = False
        self._busy = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def put(self, camera_id: str, item: Any) -> None:
        """Add an item without waiting. After ``close`` items are ignored."""
        with self._lock:
            if not self._closing:
                self.mailbox.put(camera_id, item)
                if not self._busy:
                    self._wanted.notify()

    def put_and_do(self, camera_id: str, item: Any) -> None:
        """Add an item and handle it on the calling thread, after all earlier items; if another thread is handling
        items, that thread handles this one too.

        For callers that are worker threads themselves: handing over to a second thread would cost a context switch.
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
        """Handle what is left and end the thread; waits at most ``timeout_s``."""
        with self._lock:
            self._closing = True
            self._wanted.notify()
        self._thread.join(timeout_s)

    def drain(self, timeout_s: float = 5.0) -> bool:
        """Wait until all items are handled; False if that takes longer than ``timeout_s``."""
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
        """Handle items until the mailbox is empty; only for the thread that set ``_busy``."""
        while True:
            with self._lock:
                items = self.mailbox.take()
                if not items:
                    self._busy = False
                    self._done.notify_all()
                    if self._closing:
                        self._wanted.notify()
                    return
            for item in items:
                with self._errors:
                    self._handle(item)
