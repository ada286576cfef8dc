"""Threads side by side that look at frames, each on models of its own; what they find comes out in the order it came in."""

import itertools
import os
import sys
import threading
import traceback
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from facetrack_ros.errors import FacetrackError
from facetrack_ros.vision.pipeline import VisionPipeline

# Steps of niceness: a sixth of the share of who does not give way.
_GIVE_WAY = 8


@dataclass(frozen=True)
class FrameCounts:
    """What became of a camera's frames so far.

    :param arrived: all of them.
    :param looked: how many the models looked at.
    :param dropped: how many gave way to a newer one because the models could not keep up.
    :param spared: how many needed no look.
    """

    arrived: int = 0
    looked: int = 0
    dropped: int = 0
    spared: int = 0


@dataclass(eq=False)
class _Place:
    """An item's place in its camera's order.

    :ivar number: counts all items as they come.
    :ivar outcome: None while nobody knows; empty: nothing to deliver; else what to hand on.
    """

    item: Any
    number: int = 0
    outcome: tuple | None = None


class _Lane:
    """The items of one camera on their way, oldest first."""

    def __init__(self):
        self.places: deque[_Place] = deque()
        self.delivering = False
        self.counts = FrameCounts()


class CameraScheduler:
    """Looks at the newest item of each camera, those that waited longest first.

    Under overload older items of a camera give way to newer ones, on all cameras alike. Items of one camera may be looked
    at at the same time; their results are delivered one after the other, in order.

    :param pipelines: one set of models a thread. A single one that gains by several pictures at once gets the newest
        items of all cameras together.
    :param look: what is seen in some items, one result each; None: nothing to deliver.
    :param deliver: takes camera, item and result.
    :param yielding: whether the threads give way to what else wants the cores.
    """

    def __init__(
        self,
        name: str,
        pipelines: Sequence[VisionPipeline],
        look: Callable[[VisionPipeline, list], list],
        deliver: Callable[[str, Any, Any], None],
        logger,
        yielding: bool = False,
    ):
        self._look = look
        self._yielding = yielding
        self._deliver = deliver
        self._logger = logger
        self._together = len(pipelines) == 1 and pipelines[0].batches
        self._condition = threading.Condition()
        self._waiting: OrderedDict[str, _Place] = OrderedDict()
        self._lanes: dict[str, _Lane] = {}
        self._arrived = self._passed_over = 0
        self._closing = False
        self._told: set[str] = set()
        self._threads = [
            threading.Thread(target=self._run, args=(pipeline,), name=f"{name} {number}", daemon=True)
            for number, pipeline in enumerate(pipelines)
        ]
        for thread in self._threads:
            thread.start()

    def put(self, camera_id: str, item: Any) -> None:
        """Leave an item, in place of the one of that camera that nobody has begun to look at; never waits for a look."""
        with self._condition:
            if self._closing:
                return
            lane = self._lanes.setdefault(camera_id, _Lane())
            self._arrived += 1
            place = _Place(item, self._arrived)
            lane.places.append(place)
            passed_over = self._waiting.get(camera_id)
            if passed_over is not None:
                passed_over.outcome = ()
            self._waiting[camera_id] = place
            lane.counts = replace(
                lane.counts, arrived=lane.counts.arrived + 1, dropped=lane.counts.dropped + (passed_over is not None)
            )
            self._condition.notify()
        self._hand_on([camera_id])

    def put_seen(self, camera_id: str, item: Any, result: Any) -> None:
        """Leave an item that needs no look, with what is to be delivered of it in its turn; it replaces no other."""
        with self._condition:
            if self._closing:
                return
            lane = self._lanes.setdefault(camera_id, _Lane())
            lane.places.append(_Place(item, outcome=(result,)))
            lane.counts = replace(lane.counts, arrived=lane.counts.arrived + 1, spared=lane.counts.spared + 1)
        self._hand_on([camera_id])

    def counts(self) -> dict[str, FrameCounts]:
        """What became of each camera's frames since the start."""
        with self._condition:
            return {camera_id: lane.counts for camera_id, lane in self._lanes.items()}

    def drain(self, timeout_s: float = 5.0) -> bool:
        """Wait until nothing is left to look at or to deliver; False where that took longer than ``timeout_s``."""
        with self._condition:
            return self._condition.wait_for(
                lambda: not any(lane.places or lane.delivering for lane in self._lanes.values()), timeout_s
            )

    def close(self, timeout_s: float = 5.0) -> None:
        """Look at what is left, then end the threads; waits at most ``timeout_s``."""
        with self._condition:
            self._closing = True
            self._condition.notify_all()
        self.drain(timeout_s)
        for thread in self._threads:
            thread.join(timeout_s)

    def _run(self, pipeline: VisionPipeline) -> None:
        if self._yielding and sys.platform == "linux":  # elsewhere a thread has no priority of its own
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), os.getpriority(os.PRIO_PROCESS, 0) + _GIVE_WAY)
        while True:
            with self._condition:
                self._condition.wait_for(lambda: self._closing or self._waiting)
                if not self._waiting:
                    return
                if self._together:
                    taken = list(self._waiting.items())
                    self._waiting.clear()
                else:
                    taken = [self._take()]
            outcomes = self._outcomes(pipeline, [place.item for _, place in taken])
            with self._condition:
                for (camera_id, place), outcome in zip(taken, outcomes):
                    place.outcome = outcome
                    lane = self._lanes[camera_id]
                    lane.counts = replace(lane.counts, looked=lane.counts.looked + bool(outcome))
            self._hand_on([camera_id for camera_id, _ in taken])

    def _take(self) -> tuple[str, _Place]:
        """Of the half of the cameras that waited longest, the one with the freshest frame: so under overload a frame is not
        old already when its look begins. Whoever waits longest is passed over no more often than there are others."""
        first = next(iter(self._waiting))
        chosen = first
        if self._passed_over < len(self._waiting):
            longest = itertools.islice(self._waiting.items(), (len(self._waiting) + 1) // 2)
            chosen = max(longest, key=lambda entry: entry[1].number)[0]
        self._passed_over = 0 if chosen == first else self._passed_over + 1
        return chosen, self._waiting.pop(chosen)

    def _outcomes(self, pipeline: VisionPipeline, items: list) -> list[tuple]:
        try:
            return [() if result is None else (result,) for result in self._look(pipeline, items)]
        except FacetrackError as error:
            self._tell(str(error))
        except Exception as error:  # a thread that dies silently would look like a camera that sees nobody
            self._logger.error(f"unexpected {type(error).__name__}: {error}\n{traceback.format_exc()}")
        return [()] * len(items)

    def _hand_on(self, cameras: list[str]) -> None:
        """Deliver what is known, in order; for one camera only one thread does it at a time."""
        for camera_id in cameras:
            lane = self._lanes[camera_id]
            mine = False
            while True:
                with self._condition:
                    if (not mine and lane.delivering) or not lane.places or lane.places[0].outcome is None:
                        if mine:
                            lane.delivering = False
                        self._condition.notify_all()
                        break
                    mine = lane.delivering = True
                    place = lane.places.popleft()
                for result in place.outcome:
                    self._deliver_one(camera_id, place.item, result)

    def _deliver_one(self, camera_id: str, item: Any, result: Any) -> None:
        try:
            self._deliver(camera_id, item, result)
        except FacetrackError as error:
            self._tell(str(error))
        except Exception as error:
            self._logger.error(f"unexpected {type(error).__name__}: {error}\n{traceback.format_exc()}")

    def _tell(self, sentence: str) -> None:
        """Each sentence once."""
        with self._condition:
            told = sentence in self._told
            self._told.add(sentence)
        if not told:
            self._logger.error(sentence)
