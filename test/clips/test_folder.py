"""Clips of a running robot are bounded, leave room on the disk, and are whole or absent."""

import os
import time

import numpy as np
import pytest

from facetrack_ros.clips.clip import Clip
from facetrack_ros.clips.folder import ClipFolder, ClipLimits
from facetrack_ros.clips.sources import LiveSource
from facetrack_ros.core.frame import Frame, encode_jpeg
from facetrack_ros.errors import DiskError, StoreError
from facetrack_ros.history.disk_room import DiskRoom, free_bytes
from facetrack_ros.history.robot_history import RobotHistory
from facetrack_ros.models.contract import ModelContract

CONTRACT = ModelContract("net", "embedding", "onnx", "net.onnx", "", 1, "MIT", dimension=4, threshold=0.5)
SECOND = 10**9
START = 1_700_000_000 * SECOND
CLIP = Clip(("front",), START, START + 60 * SECOND, ("jpg", "mcap"))


@pytest.fixture
def source(tmp_path):
    history = RobotHistory(tmp_path / "data", "robot1", CONTRACT)
    noise = np.random.default_rng(0).integers(0, 255, (120, 160, 3), np.uint8)
    for number in range(20):
        history.add_frame(Frame("front", START + number * SECOND, number, encode_jpeg(noise)))
    yield LiveSource(history)
    history.close()


def size(folder):
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def names(folder):
    return sorted(path.name for path in folder.path.iterdir()) if folder.path.exists() else []


def age(folder, name, seconds):
    """Let a clip have been saved earlier."""
    manifest = folder.path / name / "manifest.json"
    os.utime(manifest, (manifest.stat().st_atime - seconds, manifest.stat().st_mtime - seconds))


def test_beyond_the_count_the_oldest_goes_and_its_name_is_returned(source, tmp_path, caplog):
    folder = ClipFolder(tmp_path / "clips", ClipLimits(count=2))
    for number, name in enumerate(("b", "a", "c")):
        _, deleted = folder.save(source, CLIP, name, DiskRoom())
        age(folder, name, 100 - number)
    assert deleted == ["b"]
    assert names(folder) == ["a", "c"]
    assert "b" in caplog.messages[-1]


def test_beyond_the_bytes_the_oldest_go_but_never_the_newest(source, tmp_path):
    unlimited = ClipFolder(tmp_path / "other", ClipLimits())
    unlimited.save(source, CLIP, "clip", DiskRoom())
    one = size(unlimited.path)
    folder = ClipFolder(tmp_path / "clips", ClipLimits(bytes=round(2.5 * one)))
    for number in range(4):
        _, deleted = folder.save(source, CLIP, f"clip{number}", DiskRoom())
        age(folder, f"clip{number}", 100 - number)
        assert deleted == ([f"clip{number - 2}"] if number >= 2 else [])
    assert names(folder) == ["clip2", "clip3"]


def test_beyond_the_age_clips_go_whatever_their_number(source, tmp_path):
    folder = ClipFolder(tmp_path / "clips", ClipLimits(age_ns=3600 * SECOND))
    for name in ("old", "older", "new"):
        folder.save(source, CLIP, name, DiskRoom())
    age(folder, "old", 3601)
    age(folder, "older", 7200)
    now_ns = time.time_ns()
    assert folder.delete_older(now_ns) == ["old", "older"]
    assert names(folder) == ["new"]
    assert folder.delete_older(now_ns) == []
    assert ClipFolder(folder.path, ClipLimits()).delete_older(now_ns + 10**18) == []


def test_a_clip_larger_than_all_may_be_is_refused_and_leaves_nothing(source, tmp_path):
    folder = ClipFolder(tmp_path / "clips", ClipLimits(bytes=50_000))
    with pytest.raises(StoreError, match=r"clips\.max_mb"):
        folder.save(source, CLIP, "clip", DiskRoom())
    assert names(folder) == []


def test_without_room_a_clip_is_refused_with_a_sentence(source, tmp_path):
    folder = ClipFolder(tmp_path / "clips", ClipLimits())
    with pytest.raises(DiskError, match="no room for the clip clip: less than"):
        folder.save(source, CLIP, "clip", DiskRoom(free_bytes(tmp_path) * 2))
    assert names(folder) == []


def test_a_clip_stops_when_the_room_ends_while_it_is_written(source, tmp_path, monkeypatch):
    rooms = iter([10**9, 10**9, 10**9, 10**9, 0])
    monkeypatch.setattr("facetrack_ros.history.disk_room.free_bytes", lambda path: next(rooms))
    folder = ClipFolder(tmp_path / "clips", ClipLimits())
    with pytest.raises(DiskError, match="no room"):
        folder.save(source, CLIP, "clip", DiskRoom(500_000))
    assert names(folder) == []


def test_what_a_killed_robot_left_unfinished_is_deleted_at_the_next_start(source, tmp_path):
    half = tmp_path / "clips" / "clip.unfinished" / "front"
    half.mkdir(parents=True)
    (half / "1.jpg").write_bytes(b"half")
    folder = ClipFolder(tmp_path / "clips", ClipLimits(count=1))
    assert names(folder) == []
    folder.save(source, CLIP, "clip", DiskRoom())
    assert names(folder) == ["clip"]


def test_folders_that_are_no_clips_are_left_alone(source, tmp_path):
    (tmp_path / "clips" / "mine").mkdir(parents=True)
    folder = ClipFolder(tmp_path / "clips", ClipLimits(count=1))
    for name in ("a", "b"):
        folder.save(source, CLIP, name, DiskRoom())
    assert names(folder) == ["b", "mine"]
