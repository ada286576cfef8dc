"""Per-camera scheduling: the newest frame of each camera is processed, results are delivered in order."""

import os
import sys
import threading

import pytest

from facetrack_ros.concurrency.camera_scheduler import CameraScheduler
from facetrack_ros.errors import FacetrackError

DEADLINE_S = 10.0


class Scheduled:
    """A scheduler whose ``process`` blocks until the test releases the items."""

    def __init__(self, workers=2, batches=False, wait=True):
        self.begun, self.delivered = [], []
        self._changed = threading.Condition()
        self._released = set()
        self._wait = wait
        self.scheduler = CameraScheduler("test", range(workers), self._process, self._deliver, batches=batches)

    def _process(self, _models, items):
        with self._changed:
            self.begun.append(tuple(items))
            self._changed.notify_all()
            assert self._changed.wait_for(lambda: not self._wait or self._released >= set(items), DEADLINE_S)
        if "bad" in items:
            raise FacetrackError("no model is here")
        if "odd" in items:
            raise ZeroDivisionError("by zero")
        return [None if item == "unreadable" else f"result {item}" for item in items]

    def _deliver(self, camera_id, item, result):
        with self._changed:
            self.delivered.append((camera_id, item, result))
            self._changed.notify_all()
        if item == "undeliverable":
            raise FacetrackError("disk full")

    def release(self, *items):
        with self._changed:
            self._released |= set(items)
            self._changed.notify_all()

    def wait_until(self, condition):
        with self._changed:
            assert self._changed.wait_for(condition, DEADLINE_S)

    def put(self, camera_id, item, begins=True):
        self.scheduler.put(camera_id, item)
        if begins:
            self.wait_until(lambda: any(item in items for items in self.begun))

    def drain(self):
        assert self.scheduler.drain(DEADLINE_S)


def test_a_result_waits_for_those_of_earlier_frames_of_its_camera():
    scheduled = Scheduled()
    scheduled.put("a", 1)
    scheduled.put("a", 2)
    scheduled.put("b", 3, begins=False)
    scheduled.release(2)
    scheduled.wait_until(lambda: (3,) in scheduled.begun)
    scheduled.release(3)
    scheduled.wait_until(lambda: scheduled.delivered == [("b", 3, "result 3")])
    scheduled.release(1)
    scheduled.drain()
    assert scheduled.delivered[1:] == [("a", 1, "result 1"), ("a", 2, "result 2")]


def test_the_newest_frame_of_each_camera_replaces_older_ones():
    scheduled = Scheduled(workers=1)
    scheduled.put("a", 0)
    for camera, item in (("a", 1), ("b", 2), ("a", 3), ("b", 4), ("a", 5)):
        scheduled.put(camera, item, begins=False)
    scheduled.release(0, 1, 2, 3, 4, 5)
    scheduled.drain()
    assert scheduled.begun == [(0,), (5,), (4,)]
    assert [item for _, item, _ in scheduled.delivered] == [0, 5, 4]


def test_of_the_cameras_that_waited_longest_the_newest_frame_is_taken_and_no_camera_is_passed_over_for_ever():
    scheduled = Scheduled(workers=1)
    scheduled.put("a", 0)
    for camera, item in (("b", 1), ("c", 2), ("d", 3), ("e", 4), ("c", 5)):
        scheduled.put(camera, item, begins=False)
    scheduled.release(*range(6))
    scheduled.drain()
    assert scheduled.begun == [(0,), (5,), (3,), (1,), (4,)]


def test_a_slow_camera_has_its_turn_beside_fast_ones():
    scheduled = Scheduled(workers=1)
    scheduled.put("a", "first")
    scheduled.put("slow", "slow", begins=False)
    for number in range(20):  # the fast cameras send again before each processing
        for camera in ("b", "c", "d"):
            scheduled.put(camera, (camera, number), begins=False)
        if ("slow",) in scheduled.begun:
            break
        begun = len(scheduled.begun)
        scheduled.release(*scheduled.begun[-1])
        scheduled.wait_until(lambda begun=begun: len(scheduled.begun) > begun)
    assert ("slow",) in scheduled.begun[:6]
    scheduled.release("slow", *((camera, number) for camera in "bcd" for number in range(20)))
    scheduled.drain()


def test_an_item_with_a_known_result_keeps_its_turn():
    scheduled = Scheduled(workers=1)
    scheduled.put("a", 1)
    scheduled.scheduler.put_result("a", 2, "as before")
    scheduled.scheduler.put_result("b", 3, "as before")
    scheduled.wait_until(lambda: scheduled.delivered == [("b", 3, "as before")])
    scheduled.release(1)
    scheduled.drain()
    assert scheduled.delivered[1:] == [("a", 1, "result 1"), ("a", 2, "as before")]


def test_models_that_batch_get_the_frames_of_all_cameras_at_once():
    scheduled = Scheduled(workers=1, batches=True)
    scheduled.put("a", 0)
    for camera, item in (("a", 1), ("b", 2), ("c", 3)):
        scheduled.put(camera, item, begins=False)
    scheduled.release(0, 1, 2, 3)
    scheduled.drain()
    assert scheduled.begun == [(0,), (1, 2, 3)]


def test_errors_are_logged_and_the_work_continues(caplog):
    scheduled = Scheduled(workers=1, wait=False)
    for item in ("bad", "bad", "odd", "unreadable", "undeliverable", "good"):
        scheduled.put("a", item, begins=False)
        scheduled.drain()
    assert [item for _, item, _ in scheduled.delivered] == ["undeliverable", "good"]
    assert len(caplog.records) == 3
    assert caplog.messages[0] == "no model is here"
    assert "ZeroDivisionError" in caplog.messages[1]
    assert caplog.messages[2] == "disk full"


def test_close_processes_what_is_left_and_ignores_later_items():
    scheduled = Scheduled(wait=False)
    scheduled.put("a", 1, begins=False)
    scheduled.scheduler.close(DEADLINE_S)
    scheduled.scheduler.put("a", 2)
    scheduled.scheduler.put_result("a", 3, "as before")
    assert [item for _, item, _ in scheduled.delivered] == [1]


@pytest.mark.skipif(sys.platform != "linux", reason="a thread has a priority of its own on Linux only")
def test_low_priority_threads_have_a_higher_niceness_than_the_process():
    niceness = {}

    def process(_models, items):
        niceness[items[0]] = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
        return items

    for low_priority in (False, True):
        scheduler = CameraScheduler("test", [None], process, lambda *_: None, low_priority=low_priority)
        scheduler.put("a", low_priority)
        scheduler.close(DEADLINE_S)
    assert niceness[True] > niceness[False] == os.getpriority(os.PRIO_PROCESS, 0)
