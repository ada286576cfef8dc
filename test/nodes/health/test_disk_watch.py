"""A disk that fails is told once, and once more when it takes data again."""

import pytest

from facetrack_ros.errors import DiskError
from facetrack_ros.history.disk_room import DiskRoom
from facetrack_ros.nodes.health.disk_watch import DiskWatch


@pytest.fixture
def told():
    return []


@pytest.fixture
def watch(told):
    return DiskWatch(told.append, told.append)


@pytest.fixture
def clock(monkeypatch):
    """The clock that the watch reads; add to it."""
    now = [100.0]
    monkeypatch.setattr("facetrack_ros.nodes.health.disk_watch.time.monotonic", lambda: now[0])
    return now


def test_many_failures_of_many_parts_are_told_once_and_their_end_once(watch, told, clock, tmp_path):
    for part in ("frames", "sightings", "events") * 10:
        watch.failed(DiskError(f"cannot store {part}: No space left on device"))
        watch.check(tmp_path, DiskRoom(), lambda: "nothing is lost")
        clock[0] += 1.0
    assert len(told) == 1
    assert "cannot store frames" in told[0]
    clock[0] += 5.0
    for _ in range(3):
        watch.check(tmp_path, DiskRoom(), lambda: "nothing is lost")
    assert len(told) == 2
    assert "takes data again" in told[1]
    assert "nothing is lost" in told[1]
    assert list(tmp_path.iterdir()) == []
    watch.failed(DiskError("cannot store events: Input/output error"))
    assert len(told) == 3


def test_it_is_not_over_while_there_is_no_room_or_no_disk(watch, told, clock, tmp_path):
    watch.failed(DiskError("cannot store frames: No space left on device"))
    clock[0] += 60.0
    watch.check(tmp_path, DiskRoom(1 << 60), lambda: "")
    watch.check(tmp_path / "gone", DiskRoom(), lambda: "")
    assert watch.failing
    assert len(told) == 1
