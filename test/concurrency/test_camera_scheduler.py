"""Frames are looked at side by side, the newest of each camera, and come out in order."""

import os
import sys
import threading

import pytest

from facetrack_ros.concurrency.camera_scheduler import CameraScheduler, FrameCounts
from facetrack_ros.errors import FacetrackError

DEADLINE_S = 10.0


class Models:
    def __init__(self, batches=False):
        self.batches = batches


class Log:
    def __init__(self):
        self.lines = []

    def error(self, text):
        self.lines.append(text)


class FrameAnalyzer:
    """Looks take until they are let go, each item by itself."""

    def __init__(self, workers=2, batches=False, wait=True):
        self.begun, self.delivered, self.log = [], [], Log()
        self._changed = threading.Condition()
        self._free = set()
        self._wait = wait
        self.workers = CameraScheduler(
            "test", [Models(batches) for _ in range(workers)], self._look, self._deliver, self.log
        )

    def _look(self, _models, items):
        with self._changed:
            self.begun.append(tuple(items))
            self._changed.notify_all()
            assert self._changed.wait_for(lambda: not self._wait or self._free >= set(items), DEADLINE_S)
        if "bad" in items:
            raise FacetrackError("no model is here")
        if "odd" in items:
            raise ZeroDivisionError("by zero")
        return [None if item == "unreadable" else f"seen {item}" for item in items]

    def _deliver(self, camera_id, item, result):
        with self._changed:
            self.delivered.append((camera_id, item, result))
            self._changed.notify_all()

    def let_go(self, *items):
        with self._changed:
            self._free |= set(items)
            self._changed.notify_all()

    def wait_until(self, condition):
        with self._changed:
            assert self._changed.wait_for(condition, DEADLINE_S)

    def put(self, camera_id, item, begins=True):
        self.workers.put(camera_id, item)
        if begins:
            self.wait_until(lambda: any(item in items for items in self.begun))


def test_what_is_seen_first_waits_for_the_frame_before_it():
    eyes = FrameAnalyzer()
    eyes.put("a", 1)
    eyes.put("a", 2)
    eyes.put("b", 3, begins=False)
    eyes.let_go(2)
    eyes.wait_until(lambda: (3,) in eyes.begun)
    eyes.let_go(3)
    eyes.wait_until(lambda: eyes.delivered == [("b", 3, "seen 3")])
    eyes.let_go(1)
    assert eyes.workers.drain(DEADLINE_S)
    assert eyes.delivered[1:] == [("a", 1, "seen 1"), ("a", 2, "seen 2")]


def test_the_newest_frame_of_each_camera_wins_the_longest_waiting_camera_first_and_drops_are_counted():
    eyes = FrameAnalyzer(workers=1)
    eyes.put("a", 0)
    for camera, item in (("a", 1), ("b", 2), ("a", 3), ("b", 4), ("a", 5)):
        eyes.put(camera, item, begins=False)
    eyes.let_go(0, 1, 2, 3, 4, 5)
    assert eyes.workers.drain(DEADLINE_S)
    assert eyes.begun == [(0,), (5,), (4,)]
    assert eyes.workers.counts() == {"a": FrameCounts(4, 2, 2), "b": FrameCounts(2, 1, 1)}
    assert [item for _, item, _ in eyes.delivered] == [0, 5, 4]


def test_of_the_cameras_that_waited_longest_the_freshest_frame_is_taken_and_nobody_is_passed_over_for_ever():
    eyes = FrameAnalyzer(workers=1)
    eyes.put("a", 0)
    for camera, item in (("b", 1), ("c", 2), ("d", 3), ("e", 4), ("c", 5)):
        eyes.put(camera, item, begins=False)
    eyes.let_go(*range(6))
    assert eyes.workers.drain(DEADLINE_S)
    assert eyes.begun == [(0,), (5,), (3,), (1,), (4,)]


def test_a_slow_camera_has_its_turn_beside_fast_ones():
    eyes = FrameAnalyzer(workers=1)
    eyes.put("a", "first")
    eyes.put("slow", "slow", begins=False)
    for number in range(20):  # before each look the fast cameras have sent anew
        for camera in ("b", "c", "d"):
            eyes.put(camera, (camera, number), begins=False)
        if ("slow",) in eyes.begun:
            break
        begun = len(eyes.begun)
        eyes.let_go(*eyes.begun[-1])
        eyes.wait_until(lambda: len(eyes.begun) > begun)
    assert ("slow",) in eyes.begun[:6]
    eyes.let_go("slow", *((camera, each) for camera in "bcd" for each in range(20)))
    assert eyes.workers.drain(DEADLINE_S)


def test_a_frame_that_needs_no_look_keeps_its_turn():
    eyes = FrameAnalyzer(workers=1)
    eyes.put("a", 1)
    eyes.workers.put_seen("a", 2, "as before")
    eyes.workers.put_seen("b", 3, "as before")
    eyes.wait_until(lambda: eyes.delivered == [("b", 3, "as before")])
    eyes.let_go(1)
    assert eyes.workers.drain(DEADLINE_S)
    assert eyes.delivered[1:] == [("a", 1, "seen 1"), ("a", 2, "as before")]
    assert eyes.workers.counts()["a"] == FrameCounts(2, 1, 0, 1)


def test_models_that_gain_by_it_look_at_all_cameras_at_once():
    eyes = FrameAnalyzer(workers=1, batches=True)
    eyes.put("a", 0)
    for camera, item in (("a", 1), ("b", 2), ("c", 3)):
        eyes.put(camera, item, begins=False)
    eyes.let_go(0, 1, 2, 3)
    assert eyes.workers.drain(DEADLINE_S)
    assert eyes.begun == [(0,), (1, 2, 3)]


def test_errors_are_told_and_the_work_goes_on():
    eyes = FrameAnalyzer(workers=1, wait=False)
    for item in ("bad", "bad", "odd", "unreadable", "good"):
        eyes.put("a", item, begins=False)
        assert eyes.workers.drain(DEADLINE_S)
    assert eyes.delivered == [("a", "good", "seen good")]
    assert eyes.log.lines[0] == "no model is here"
    assert len(eyes.log.lines) == 2
    assert "ZeroDivisionError" in eyes.log.lines[1]


def test_close_looks_at_what_is_left_and_refuses_more():
    eyes = FrameAnalyzer(wait=False)
    eyes.put("a", 1, begins=False)
    eyes.workers.close(DEADLINE_S)
    eyes.workers.put("a", 2)
    eyes.workers.put_seen("a", 3, "as before")
    assert [item for _, item, _ in eyes.delivered] == [1]


@pytest.mark.skipif(sys.platform != "linux", reason="a thread has a priority of its own on Linux only")
def test_threads_that_yield_give_way_to_all_others_of_the_process():
    niceness = {}

    def look(models, items):
        niceness[items[0]] = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
        return items

    for yielding in (False, True):
        workers = CameraScheduler("test", [Models()], look, lambda *_: None, Log(), yielding=yielding)
        workers.put("a", yielding)
        workers.close(DEADLINE_S)
    assert niceness[True] > niceness[False] == os.getpriority(os.PRIO_PROCESS, 0)
