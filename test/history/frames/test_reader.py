"""Frames are found by stamp, while they are written and after, whatever the clock did."""

import pytest

from facetrack_ros.core.frame import Frame
from facetrack_ros.errors import StoreError
from facetrack_ros.history.frames.archive import FrameArchive

SECOND = 1_000_000_000
START = 1_700_000_000 * SECOND
STEP = SECOND // 10


def frame(i, start=START):
    return Frame("front", start + i * STEP, i, bytes([255, 216, i % 256]) * 666)


def fill(archive, count):
    for i in range(count):
        archive.append(frame(i))


def stamps(found):
    return [one.stamp_ns for one in found]


def test_frames_are_found_while_they_are_written_after_and_by_another_reader(archive):
    fill(archive, 350)  # 35 s: four segments, one of them open
    assert archive.stats().segments == 4
    for there in (archive, FrameArchive.open_readonly(archive.path, "robot1")):
        assert there.reader.near("front", START + 123 * STEP + 7, 10).number == 123
        assert there.reader.near("front", START + 123 * STEP + 7, 6) is None
        assert there.reader.near("rear", START, SECOND) is None
        assert stamps(there.reader.between("front", START + 98 * STEP, START + 102 * STEP)) == [
            START + i * STEP for i in range(98, 103)
        ]
        assert there.cameras() == ("front",)
    archive.close()
    again = FrameArchive(archive.path, "robot1")
    assert (again.stats().frames, again.stats().oldest_ns, again.stats().newest_ns) == (350, START, START + 349 * STEP)
    assert again.reader.near("front", START + 349 * STEP, 0).jpeg == frame(349).jpeg


def test_of_two_equally_near_the_earlier_counts_also_over_segments(archive):
    archive.append(frame(0))
    archive.append(frame(200))
    assert archive.reader.near("front", START + 100 * STEP, 100 * STEP).number == 0
    assert archive.reader.near("front", START + 101 * STEP, 100 * STEP).number == 200


def test_a_frame_sent_twice_is_stored_once_also_after_a_restart(archive):
    assert [archive.append(frame(i)) for i in (0, 1, 1, 0)] == [True, True, False, False]
    archive.close()
    again = FrameArchive(archive.path, "robot1")
    assert [again.append(frame(i)) for i in (1, 2)] == [False, True]
    again.close()
    assert again.stats().frames == 3


def test_frames_out_of_order_and_clocks_that_jump_hours_are_found_in_order(archive):
    hours = 5 * 3600 * SECOND
    for start in (START, START + hours, START - hours, START + SECOND // 20):
        for i in (1, 0, 2):
            archive.append(frame(i, start=start))
    archive.close()
    for there in (archive, FrameArchive(archive.path, "robot1")):
        found = stamps(there.reader.between("front", 0, 2 * START))
        assert found == sorted(found)
        assert len(found) == 12
        assert there.reader.near("front", START - hours + STEP, 0).number == 1


@pytest.mark.parametrize("stamp", [-1, 2**31 * SECOND])
def test_a_stamp_that_no_message_holds_is_refused(archive, stamp):
    with pytest.raises(StoreError, match="clock"):
        archive.append(Frame("front", stamp, 0, b"x"))
