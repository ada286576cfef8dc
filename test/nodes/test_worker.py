"""Work is done by a thread behind a mailbox; under overload the newest frame of each camera wins."""

import threading

from facetrack_ros.errors import FacetrackError
from facetrack_ros.nodes.worker import Everything, NewestPerCamera, Worker

DEADLINE_S = 10.0


class Log:
    def __init__(self):
        self.lines = []

    def error(self, text):
        self.lines.append(text)


def test_the_newest_item_of_each_camera_stays_and_the_longest_waiting_camera_comes_first():
    mailbox = NewestPerCamera()
    for camera, item in (("a", 1), ("b", 2), ("a", 3), ("a", 4)):
        mailbox.put(camera, item)
    assert mailbox.take() == [4, 2]
    assert mailbox.dropped == 2
    assert mailbox.take() == []


def test_everything_keeps_everything_in_order():
    mailbox = Everything()
    for item in range(3):
        mailbox.put("a", item)
    assert mailbox.take() == [0, 1, 2]


def test_close_does_what_is_left_and_refuses_more():
    done = []
    gate = threading.Event()

    def handle(items):
        gate.wait(DEADLINE_S)
        done.extend(items)

    worker = Worker("test", Everything(), handle, Log())
    for item in range(5):
        worker.put("a", item)
    gate.set()
    worker.close(DEADLINE_S)
    worker.put("a", 99)
    assert done == [0, 1, 2, 3, 4]


def test_an_error_of_ours_is_logged_once_and_the_work_goes_on():
    log, done = Log(), []

    def handle(items):
        for item in items:
            done.append(item)
        raise FacetrackError("no model is here")

    worker = Worker("test", Everything(), handle, log)
    for item in range(3):
        worker.put("a", item)
        assert worker.drain(DEADLINE_S)
    worker.close(DEADLINE_S)
    assert done == [0, 1, 2]
    assert log.lines == ["no model is here"]


def test_an_unexpected_error_is_logged_with_its_place_and_the_work_goes_on():
    log, done = Log(), []

    def handle(items):
        done.extend(items)
        raise ZeroDivisionError("by zero")

    worker = Worker("test", Everything(), handle, log)
    worker.put("a", 1)
    assert worker.drain(DEADLINE_S)
    worker.put("a", 2)
    worker.close(DEADLINE_S)
    assert done == [1, 2]
    assert len(log.lines) == 2 and "ZeroDivisionError" in log.lines[0] and "handle" in log.lines[0]
