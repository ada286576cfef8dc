"""Deleting what a robot would not dare to delete by itself."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from facetrack_ros.clips.clip import Clip
from facetrack_ros.clips.folder import ClipFolder, ClipLimits
from facetrack_ros.clips.sources import LiveSource
from facetrack_ros.core.frame import Frame
from facetrack_ros.history.disk_room import DiskRoom
from facetrack_ros.history.frames.retention import Limits
from facetrack_ros.history.frames.settings import FrameSettings
from facetrack_ros.history.robot_history import RobotHistory
from facetrack_ros.models.catalog import known

FACETRACK = Path(sys.executable).parent / "facetrack"
CONTRACT = known("mobilefacenet_foamliu")
SECOND = 1_000_000_000
BOX = np.array([1, 2, 3, 4], np.float32)


@pytest.fixture
def robot(tmp_path):
    settings = FrameSettings(mode="continuous", limits=Limits(frames=0))
    history = RobotHistory(tmp_path / "data", "robot1", CONTRACT, settings)
    for i in range(900):
        history.add_frame(Frame("front", 1_700_000_000 * SECOND + i * SECOND // 10, i, b"jpeg"))
    assert history.recorder.drain()
    yield history
    history.close()


def prune(tmp_path, *arguments, also=""):
    (tmp_path / "limits.yaml").write_text("frame_history: {max_disk_frames: 200, min_free_mb: 0}\n" + also)
    options = ("--data", tmp_path / "data", "--robot", "robot1", "--config", tmp_path / "limits.yaml", *arguments)
    return subprocess.run([str(FACETRACK), "prune", *map(str, options)], capture_output=True, text=True, timeout=60)


def test_it_says_what_there_is_and_deletes_only_when_told(robot, tmp_path):
    robot.close()
    assert "900 frames" in prune(tmp_path).stdout
    done = prune(tmp_path, "--yes")
    assert done.returncode == 0, done
    assert "frames deleted, 1" in done.stdout
    assert "900" not in prune(tmp_path).stdout


def test_clips_beyond_their_age_go_too(robot, tmp_path):
    clips = ClipFolder(robot.path / "clips", ClipLimits())
    clips.save(LiveSource(robot), Clip(("front",), 0, 2 * 10**18), "old", DiskRoom())
    os.utime(clips.path / "old" / "manifest.json", (1, 1))
    robot.close()
    done = prune(tmp_path, "--yes", also="clips: {max_age_h: 24}\n")
    assert "1 clips deleted" in done.stdout, done
    assert not (clips.path / "old").exists()


def test_sightings_beyond_the_limits_go_too_whatever_their_share(robot, tmp_path):
    for second in range(150):
        embedding = np.eye(128, dtype=np.float32)[0]
        robot.sightings.add("front", second * SECOND, second, f"t{second}", "", BOX, BOX, 0.5, embedding, bytes)
    robot.close()
    told = prune(tmp_path, also="sightings: {max_count: 50}\n")
    assert "150 sightings" in told.stdout, told
    done = prune(tmp_path, "--yes", also="sightings: {max_count: 50}\n")
    assert "105 sightings deleted, 45 left" in done.stdout, done


def test_nothing_is_deleted_below_a_robot_that_runs(robot, tmp_path):
    done = prune(tmp_path, "--yes")
    assert done.returncode == 2
    assert "another process" in done.stderr
    assert robot.recorder.archive.stats().frames == 900
