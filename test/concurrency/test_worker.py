"""A worker thread handles the items of a mailbox; under overload the newest item of each camera is kept."""

import threading

from facetrack_ros.concurrency.worker import FifoMailbox, LatestPerCamera, Worker, run_calls
from facetrack_ros.errors import FacetrackError

DEADLINE_S = 10.0


def test_the_newest_item_of_each_camera_stays_and_the_longest_waiting_camera_comes_first():
    mailbox = LatestPerCamera()
    for camera, item in (("a", 1), ("b", 2), ("a", 3), ("a", 4)):
        mailbox.put(camera, item)
    assert mailbox.take() == [4, 2]
    assert mailbox.take() == []


def test_a_fifo_mailbox_keeps_every_item_in_order():
    mailbox = FifoMailbox()
    for item in range(3):
        mailbox.put("a", item)
    assert mailbox.take() == [0, 1, 2]


def test_close_handles_what_is_left_and_ignores_later_items():
    done = []
    gate = threading.Event()

    def handle(item):
        gate.wait(DEADLINE_S)
        done.append(item)

    worker = Worker("test", FifoMailbox(), handle)
    for item in range(5):
        worker.put("a", item)
    gate.set()
    worker.close(DEADLINE_S)
    worker.put("a", 99)
    assert done == [0, 1, 2, 3, 4]


def test_a_known_error_is_logged_once_and_the_work_continues(caplog):
    done = []

    def handle(item):
        done.append(item)
        raise FacetrackError("no model is here")

    worker = Worker("test", FifoMailbox(), handle)
    for item in range(3):
        worker.put("a", item)
        assert worker.drain(DEADLINE_S)
    worker.close(DEADLINE_S)
    assert done == [0, 1, 2]
    assert caplog.messages == ["no model is here"]


def test_an_unexpected_error_is_logged_with_its_traceback_and_the_work_continues(caplog):
    done = []

    def handle(item):
        done.append(item)
        raise ZeroDivisionError("by zero")

    worker = Worker("test", FifoMailbox(), handle)
    worker.put("a", 1)
    assert worker.drain(DEADLINE_S)
    worker.put("a", 2)
    worker.close(DEADLINE_S)
    assert done == [1, 2]
    assert len(caplog.records) == 1
    assert "ZeroDivisionError" in caplog.messages[0]
    assert caplog.text.count("in handle") == 1


def test_an_item_that_raises_loses_itself_only():
    done, gate = [], threading.Event()

    def call(number):
        gate.wait(DEADLINE_S)
        done.append(1 / number)

    worker = Worker("test", FifoMailbox(), run_calls)
    for number in (1, 0, 2, 0, 4):  # all but the first in one batch
        worker.put("", (call, number))
    gate.set()
    worker.close(DEADLINE_S)
    assert done == [1, 0.5, 0.25]


def test_put_and_do_handles_on_the_calling_thread_after_earlier_items():
    threads_used, done, gate = [], [], threading.Event()

    def handle(item):
        threads_used.append(threading.current_thread())
        done.append(item)
        gate.wait(DEADLINE_S)

    worker = Worker("test", FifoMailbox(), handle)
    gate.set()
    worker.put_and_do("a", 1)
    assert threads_used == [threading.current_thread()]
    assert done == [1]
    gate.clear()
    worker.put("a", 2)
    while done != [1, 2]:  # the worker thread handles it, and is held
        assert not gate.wait(0.001)
    worker.put_and_do("a", 3)  # returns: the worker thread handles this one too
    assert done == [1, 2]
    gate.set()
    assert worker.drain(DEADLINE_S)
    assert done == [1, 2, 3]
    assert threads_used[1] is not threading.current_thread()
    worker.close()
    worker.put_and_do("a", 4)
    assert done == [1, 2, 3]


def test_every_item_is_handled_once_and_no_two_at_once_from_any_thread():
    inside, done, overlaps = threading.Lock(), [], []

    def handle(item):
        overlaps.append(not inside.acquire(blocking=False))
        done.append(item)
        inside.release()

    worker = Worker("test", FifoMailbox(), handle)

    def put(row):
        for number in range(300):
            (worker.put if (row + number) % 3 == 0 else worker.put_and_do)("a", (row, number))

    threads = [threading.Thread(target=put, args=(row,)) for row in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE_S)
    worker.close(DEADLINE_S)
    assert not any(overlaps)
    assert sorted(done) == [(row, number) for row in range(4) for number in range(300)]
    for row in range(4):
        assert [number for each, number in done if each == row] == list(range(300))
