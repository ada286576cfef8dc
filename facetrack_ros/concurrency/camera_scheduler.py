"""Worker threads over the newest frame of each camera; results are delivered in each camera's order."""

import itertools
import os
import sys
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from facetrack_ros.concurrency.error_log import ErrorLog

Models = TypeVar("Models")
Item = TypeVar("Item")
Result = TypeVar("Result")

# Niceness steps of low-priority threads: about a sixth of the processor share of a normal thread.
_LOW_PRIORITY = 8


@dataclass(eq=False)
class _Entry(Generic[Item, Result]):
    """An item in its camera's order.

    :ivar number: running number over all cameras.
    :ivar outcome: None: not known yet; empty: nothing to deliver; else the result.
    """

    item: Item
    number: int = 0
    outcome: tuple[Result] | tuple[()] | None = None


class _Queue(Generic[Item, Result]):
    """Items of one camera that are not delivered yet, oldest first."""

    def __init__(self) -> None:
        self.entries: deque[_Entry[Item, Result]] = deque()
        self.delivering = False


class CameraScheduler(Generic[Models, Item, Result]):
    """Processes the newest item of each camera, on one thread a set of models.

    Under overload a camera's waiting item is replaced by its newer one, for all cameras alike. Items of one camera may
    be processed at the same time; their results are delivered one after the other, in order. Errors of ``process`` and
    ``deliver`` are logged and the thread continues; see :class:`ErrorLog`.

    :param models: one set a thread.
    :param process: results of some items, one each; None: nothing to deliver.
    :param deliver: receives camera, item and result.
    :param batches: whether a single set of models gets the waiting items of all cameras in one call.
    :param low_priority: whether the threads run at a lower priority than the rest of the process (Linux only).
    """

    def __init__(
        self,
        name: str,
        models: Sequence[Models],
        process: Callable[[Models, list[Item]], Sequence[Result | None]],
        deliver: Callable[[str, Item, Result], None],
        batches: bool = False,
        low_priority: bool = False,
    ):
        self._process = process
        self._low_priority = low_priority
        self._deliver = deliver
        self._errors = ErrorLog()
        self._batches = batches and len(models) == 1
        self._condition = threading.Condition()
        self._waiting: OrderedDict[str, _Entry[Item, Result]] = OrderedDict()
        self._queues: dict[str, _Queue[Item, Result]] = {}
        self._arrived = self._passed_over = 0
        self._closing = False
        self._threads: list[threading.Thread] = []
        for number, each in enumerate(models):
            self._threads.append(threading.Thread(target=self._run, args=(each,), name=f"{name} {number}", daemon=True))
            self._threads[-1].start()

    def put(self, camera_id: str, item: Item) -> None:
        """Add an item without waiting; replaces the camera's item that no thread has taken yet."""
        with self._condition:
            if self._closing:
                return
            self._arrived += 1
            entry: _Entry[Item, Result] = _Entry(item, self._arrived)
            dropped = self._waiting.get(camera_id)
            if dropped is not None:
                dropped.outcome = ()
            self._waiting[camera_id] = entry
            self._queues.setdefault(camera_id, _Queue()).entries.append(entry)
            self._condition.notify()
        self._deliver_ready([camera_id])

    def put_result(self, camera_id: str, item: Item, result: Result) -> None:
        """Add an item whose result is known; it is delivered in its turn and replaces no other item."""
        with self._condition:
            if self._closing:
                return
            self._queues.setdefault(camera_id, _Queue()).entries.append(_Entry(item, outcome=(result,)))
        self._deliver_ready([camera_id])

    def drain(self, timeout_s: float = 5.0) -> bool:
        """Wait until all items are processed and delivered; False if that takes longer than ``timeout_s``."""
        with self._condition:
            return self._condition.wait_for(
                lambda: not any(queue.entries or queue.delivering for queue in self._queues.values()), timeout_s
            )

    def close(self, timeout_s: float = 5.0) -> None:
        """Process what is left, then end the threads; waits at most ``timeout_s``."""
        with self._condition:
            self._closing = True
            self._condition.notify_all()
        self.drain(timeout_s)
        for thread in self._threads:
            thread.join(timeout_s)

    def _run(self, models: Models) -> None:
        if self._low_priority and sys.platform == "linux":  # elsewhere a thread has no priority of its own
            niceness = os.getpriority(os.PRIO_PROCESS, 0) + _LOW_PRIORITY
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), niceness)
        while True:
            with self._condition:
                self._condition.wait_for(lambda: self._closing or self._waiting)
                if not self._waiting:
                    return
                if self._batches:
                    taken = list(self._waiting.items())
                    self._waiting.clear()
                else:
                    taken = [self._take()]
            results: Sequence[Result | None] = [None] * len(taken)
            with self._errors:
                results = self._process(models, [entry.item for _, entry in taken])
            with self._condition:
                for (_, entry), result in zip(taken, results):
                    entry.outcome = () if result is None else (result,)
            self._deliver_ready([camera_id for camera_id, _ in taken])

    def _take(self) -> tuple[str, _Entry[Item, Result]]:
        """Of the half of the cameras that waited longest, take the one with the newest item, so that under overload an
        item is recent when its processing begins. The first camera is passed over at most as often as there are others.
        """
        first = next(iter(self._waiting))
        chosen = first
        if self._passed_over < len(self._waiting):
            longest = itertools.islice(self._waiting.items(), (len(self._waiting) + 1) // 2)
            chosen = max(longest, key=lambda waiting: waiting[1].number)[0]
        self._passed_over = 0 if chosen == first else self._passed_over + 1
        return chosen, self._waiting.pop(chosen)

    def _deliver_ready(self, cameras: list[str]) -> None:
        """Deliver the known results of these cameras in order; for each camera only one thread delivers at a time."""
        for camera_id in cameras:
            queue = self._queues[camera_id]
            delivering = False  # whether this thread is the one
            while True:
                with self._condition:
                    busy = queue.delivering and not delivering
                    if busy or not queue.entries or queue.entries[0].outcome is None:
                        if delivering:
                            queue.delivering = False
                        self._condition.notify_all()
                        break
                    delivering = queue.delivering = True
                    entry = queue.entries.popleft()
                for result in entry.outcome or ():
                    with self._errors:
                        self._deliver(camera_id, entry.item, result)
