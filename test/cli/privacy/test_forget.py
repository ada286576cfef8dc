"""``facetrack forget --data`` and ``facetrack receipts``."""

import fcntl
import json
import subprocess
import sys
from pathlib import Path

import pytest
from forget_folder import ANN, BEN, ON_FORGETTING, SECOND, START, TracedRobot, files_with

FACETRACK = Path(sys.executable).parent / "facetrack"


@pytest.fixture
def robot(tmp_path):
    return TracedRobot(tmp_path / "data")


def facetrack(*words, data):
    command = [str(FACETRACK), *map(str, words), "--data", str(data)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def test_a_person_is_previewed_forgotten_and_receipted(robot):
    tried = facetrack("forget", "--person", ANN, "--dry-run", "--json", data=robot.data)
    assert tried.returncode == 0, tried
    (line,) = json.loads(tried.stdout)["robots"]
    assert line["names"] == ["Ann"]
    assert line["found"]["others_lose"][BEN]["clips"] == 1
    assert line["receipt"] is None
    assert files_with(robot.data, robot.ann_frames)

    done = facetrack("forget", "--person", ANN, "--operator", "dana", "--reason", "asked by letter", data=robot.data)
    assert done.returncode == 0, done
    assert f"{BEN} lost 12 frames, 1 clips" in done.stdout
    assert files_with(robot.data, robot.ann_frames + robot.ann_faces()) == {}
    assert files_with(robot.data, robot.ann_words(), but=ON_FORGETTING) == {}
    assert facetrack("forget", "--person", ANN, data=robot.data).returncode == 1

    listed = facetrack("receipts", "list", data=robot.data)
    assert listed.returncode == 0, listed
    assert "by dana, because: asked by letter; not signed" in listed.stdout
    assert facetrack("receipts", "verify", data=robot.data).returncode == 0
    (receipts,) = robot.path.glob("receipts-2*.jsonl")
    receipts.write_text(receipts.read_text().replace("dana", "anna"))
    changed = facetrack("receipts", "verify", data=robot.data)
    assert changed.returncode == 3, changed
    assert "was changed" in changed.stdout


def test_more_than_half_and_wrong_use_are_refused(robot):
    span = ("--from", "2023-11-14T22:13:20", "--to", "2023-11-14T22:14:00")
    assert START == 1_700_000_000 * SECOND  # 2023-11-14 22:13:20
    for words in (
        ("--robot", "robot1", *span),
        ("--person", ANN, "--name", "Ann"),
        span,
        (),
        ("--person", ANN, *span),
        ("--robot", "robot1", *span, "--blur"),
    ):
        refused = facetrack("forget", *words, data=robot.data)
        assert refused.returncode == 2, (words, refused)
        assert "Traceback" not in refused.stderr
    assert files_with(robot.data, robot.ann_frames)
    done = facetrack("forget", "--robot", "robot1", *span, "--yes", data=robot.data)
    assert done.returncode == 0, done
    assert files_with(robot.data, robot.ann_frames) == {}


def test_a_running_robot_is_named_and_left_alone(robot):
    with (robot.path / "sightings-net.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = facetrack("forget", "--person", ANN, data=robot.data)
    assert done.returncode == 3, done
    assert "robot1: " in done.stderr
    assert files_with(robot.data, robot.ann_frames)
