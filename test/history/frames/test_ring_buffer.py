"""The ring holds the last frames and finds them by stamp."""

import threading

import pytest

from facetrack_ros.core.frame import Frame
from facetrack_ros.history.frames.ring_buffer import FrameRing


def frame(stamp_ns, number=0, jpeg=b"xy"):
    return Frame("front", stamp_ns, number, jpeg)


def stamps(frames):
    return [one.stamp_ns for one in frames]


def test_the_frame_that_came_first_makes_room():
    ring = FrameRing(3)
    for stamp in (10, 20, 30, 40):
        ring.append(frame(stamp))
    assert stamps(ring.between(0, 100)) == [20, 30, 40]
    assert ring.stats().bytes == 6


def test_frames_out_of_order_are_found_in_order():
    ring = FrameRing(5)
    for stamp in (30, 10, 20):
        ring.append(frame(stamp))
    assert stamps(ring.between(10, 30)) == [10, 20, 30]
    assert (ring.stats().oldest_ns, ring.stats().newest_ns) == (10, 30)


def test_a_clock_that_jumps_back_does_not_lock_new_frames_out():
    ring = FrameRing(2)
    for stamp in (1000, 1001, 1, 2):
        ring.append(frame(stamp))
    assert stamps(ring.between(0, 2000)) == [1, 2]


def test_a_frame_sent_twice_counts_once_and_the_later_one_stays():
    ring = FrameRing(2)
    ring.append(frame(10, jpeg=b"first"))
    ring.append(frame(10, jpeg=b"second!"))
    assert (ring.stats().frames, ring.stats().bytes) == (1, 7)
    assert ring.near(10, 0).jpeg == b"second!"


@pytest.mark.parametrize(
    ("asked", "tolerance", "found"),
    [(20, 0, 20), (21, 0, None), (24, 5, 20), (25, 5, 20), (26, 5, 30), (-5, 5, None), (5, 5, 10), (99, 100, 30)],
)
def test_near_finds_the_closest_within_the_tolerance(asked, tolerance, found):
    ring = FrameRing(3)
    for stamp in (10, 20, 30):
        ring.append(frame(stamp))
    near = ring.near(asked, tolerance)
    assert (near and near.stamp_ns) == found


def test_decoded_pictures_do_not_pile_up():
    ring = FrameRing(2)
    given = frame(1)
    given.__dict__["image"] = "a decoded picture"
    ring.append(given)
    assert "image" not in ring.near(1, 0).__dict__


def test_an_empty_ring_says_so():
    ring = FrameRing(2)
    assert (ring.stats().frames, ring.stats().bytes, ring.stats().oldest_ns) == (0, 0, None)
    assert ring.near(1, 10**18) is None
    assert ring.between(0, 10) == []


def test_threads_that_write_and_read_leave_it_whole():
    ring = FrameRing(50)

    def write(offset):
        for i in range(300):
            ring.append(frame(2 * i + offset, i))
            ring.between(i, i + 50)

    threads = [threading.Thread(target=write, args=(offset,)) for offset in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ring.stats().frames == 50
    assert ring.stats().bytes == 100
    assert len(ring.between(0, 10**6)) == 50


def test_a_ring_that_shrinks_keeps_the_newest_and_one_that_grows_keeps_all():
    ring = FrameRing(4)
    for stamp in range(6):
        ring.append(Frame("front", stamp, stamp, b"jpeg"))
    ring.resize(2)
    assert [frame.stamp_ns for frame in ring.between(0, 9)] == [4, 5]
    assert ring.stats().bytes == 8
    ring.resize(3)
    for stamp in range(6, 8):
        ring.append(Frame("front", stamp, stamp, b"jpeg"))
    assert [frame.stamp_ns for frame in ring.between(0, 9)] == [5, 6, 7]
