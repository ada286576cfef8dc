"""Work is done by a thread behind a mailbox; under overload the newest frame of each camera wins."""

import threading

from facetrack_ros.concurrency.worker import FifoMailbox, LatestPerCamera, Worker
from facetrack_ros.errors import FacetrackError

DEADLINE_S = 10.0


class Log:
    def __init__(self):
        self.lines = []

    def error(self, text):
        self.lines.append(text)


def test_the_newest_item_of_each_camera_stays_and_the_longest_waiting_camera_comes_first():
    mailbox = LatestPerCamera()
    for camera, item in (("a", 1), ("b", 2), ("a", 3), ("a", 4)):
        mailbox.put(camera, item)
    assert mailbox.take() == [4, 2]
    assert mailbox.dropped == 2
    assert mailbox.take() == []


def test_everything_keeps_everything_in_order():
    mailbox = FifoMailbox()
    for item in range(3):
        mailbox.put("a", item)
    assert mailbox.take() == [0, 1, 2]


def test_close_does_what_is_left_and_refuses_more():
    done = []
    gate = threading.Event()

    def handle(items):
        gate.wait(DEADLINE_S)
        done.extend(items)

    worker = Worker("test", FifoMailbox(), handle, Log())
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

    worker = Worker("test", FifoMailbox(), handle, log)
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

    worker = Worker("test", FifoMailbox(), handle, log)
    worker.put("a", 1)
    assert worker.drain(DEADLINE_S)
    worker.put("a", 2)
    worker.close(DEADLINE_S)
    assert done == [1, 2]
    assert len(log.lines) == 2
    assert "ZeroDivisionError" in log.lines[0]
    assert "handle" in log.lines[0]


def test_who_puts_and_does_works_on_its_own_thread_and_first_what_was_left_before():
    at_work, done, gate = [], [], threading.Event()

    def handle(items):
        at_work.append(threading.current_thread())
        done.extend(items)
        gate.wait(DEADLINE_S)

    worker = Worker("test", FifoMailbox(), handle, Log())
    gate.set()
    worker.put_and_do("a", 1)
    assert at_work == [threading.current_thread()]
    assert done == [1]
    gate.clear()
    worker.put("a", 2)
    while done != [1, 2]:  # its own thread is at it, and held
        assert not gate.wait(0.001)
    worker.put_and_do("a", 3)  # returns: whoever is at it does this too
    assert done == [1, 2]
    gate.set()
    assert worker.drain(DEADLINE_S)
    assert done == [1, 2, 3]
    assert at_work[1] is not threading.current_thread()
    worker.close()
    worker.put_and_do("a", 4)
    assert done == [1, 2, 3]


def test_nothing_is_lost_or_done_twice_or_at_once_whoever_puts():
    inside, done, met = threading.Lock(), [], []

    def handle(items):
        met.append(not inside.acquire(blocking=False))
        done.extend(items)
        inside.release()

    worker = Worker("test", FifoMailbox(), handle, Log())

    def put(row):
        for number in range(300):
            (worker.put if (row + number) % 3 == 0 else worker.put_and_do)("a", (row, number))

    threads = [threading.Thread(target=put, args=(row,)) for row in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE_S)
    worker.close(DEADLINE_S)
    assert not any(met)
    assert sorted(done) == [(row, number) for row in range(4) for number in range(300)]
    for row in range(4):
        assert [number for each, number in done if each == row] == list(range(300))
