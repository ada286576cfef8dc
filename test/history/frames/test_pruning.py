"""Segments go as the limits ask, and never more than half of them by accident."""

from contextlib import suppress

import pytest

from facetrack_ros.core.frame import Frame
from facetrack_ros.errors import StoreError
from facetrack_ros.history.frames.archive import FrameArchive
from facetrack_ros.history.frames.retention import Limits

SECOND = 1_000_000_000
START = 1_700_000_000 * SECOND
STEP = SECOND // 10


def frame(i, start=START):
    return Frame("front", start + i * STEP, i, bytes([255, 216, i % 256]) * 666)


def fill(archive, count):
    for i in range(count):
        archive.append(frame(i))


def test_the_oldest_segments_make_room_and_the_limit_holds_at_every_moment(tmp_path):
    archive = FrameArchive(tmp_path, "robot1", Limits(frames=100))
    for i in range(500):
        archive.append(frame(i))
        assert archive.stats().frames <= 100
    assert archive.stats().frames >= 80
    assert archive.stats().newest_ns == START + 499 * STEP
    assert sum(1 for _ in archive.reader.between("front", 0, 2 * START)) == archive.stats().frames


def test_bytes_are_a_limit_too(tmp_path):
    archive = FrameArchive(tmp_path, "robot1", Limits(bytes=200_000))
    for i in range(400):
        archive.append(frame(i))
        assert sum(file.stat().st_size for file in tmp_path.iterdir()) <= 205_000
    assert archive.stats().frames > 50


def test_age_is_counted_from_the_newest_frame(tmp_path):
    archive = FrameArchive(tmp_path, "robot1", Limits(frames=0, age_ns=40 * SECOND))
    fill(archive, 1000)
    oldest = archive.stats().oldest_ns
    assert START + 40 * SECOND <= oldest <= START + 60 * SECOND


def test_a_clock_that_would_delete_more_than_half_deletes_nothing_and_is_logged(tmp_path, caplog):
    archive = FrameArchive(tmp_path, "robot1", Limits(frames=0, age_ns=3600 * SECOND))
    fill(archive, 600)
    for i in range(3):
        archive.append(frame(i, start=START + 48 * 3600 * SECOND))
    archive.close()
    (sentence,) = caplog.messages
    assert "600 of 603" in sentence
    assert "check the clock" in sentence
    assert FrameArchive(tmp_path, "robot1").stats().frames == 603
    allowed = FrameArchive(tmp_path, "robot1", Limits(frames=0, age_ns=3600 * SECOND))
    allowed.append(frame(9, start=START + 48 * 3600 * SECOND))
    assert allowed.prune(brake=False) == 6
    assert allowed.stats().frames == 4


def test_room_that_others_need_stays_free(tmp_path):
    archive = FrameArchive(tmp_path, "robot1", Limits(free_bytes=1 << 60))
    with pytest.raises(StoreError, match="MB are free"):
        archive.append(frame(0))
    assert archive.stats().frames == 0


def test_a_limit_lowered_step_by_step_deletes_no_more_than_half_within_a_day_also_after_a_restart(tmp_path):
    archive = FrameArchive(tmp_path, "robot1", Limits(frames=1000))
    fill(archive, 950)
    archive.close()
    left = []
    for limit in (700, 560, 450, 360, 290, 100, 20):
        archive = FrameArchive(tmp_path, "robot1", Limits(frames=limit))
        with suppress(StoreError):
            archive.prune()
        left.append(archive.stats().frames)
        archive.close()
    assert left[0] < 700
    assert min(left) >= 475, left
    archive = FrameArchive(tmp_path, "robot1", Limits(frames=20))
    assert archive.prune(brake=False) > 0
    assert archive.stats().frames <= 20


def test_frames_of_the_future_make_no_others_old(tmp_path):
    archive = FrameArchive(tmp_path, "robot1", Limits(frames=0, age_ns=3600 * SECOND))
    fill(archive, 600)
    for hour in range(1, 40):
        archive.note_clock(START + 60 * SECOND)
        archive.append(frame(hour, start=START + hour * 600 * SECOND))
        archive.prune()
    assert archive.stats().frames == 639
