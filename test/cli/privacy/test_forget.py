"""``facetrack forget --data`` and ``facetrack receipts``."""

import fcntl
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from forget_folder import ANN, BEN, ON_FORGETTING, SECOND, START, TracedRobot, files_with

from facetrack_ros.history.audit.hash_chain import HashChain
from facetrack_ros.security.fleet_file import FleetFile
from facetrack_ros.security.keys import Identity

FACETRACK = Path(sys.executable).parent / "facetrack"


@pytest.fixture
def robot(tmp_path):
    return TracedRobot(tmp_path / "data")


def facetrack(*words, data):
    command = [str(FACETRACK), *map(str, words), "--data", str(data)]
    environment = {**os.environ, "FACETRACK_KEYS": str(data / "keys")}
    return subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment)


def test_receipts_are_signed_where_the_robot_has_a_key(robot):
    founder, keys = Identity.new("founder"), Identity.new("robot1")
    (robot.data / "keys").mkdir()
    keys.write(robot.data / "keys" / "robot1.key")
    fleet = FleetFile.new("fleet", founder).with_member(founder, "robot1", "robot", keys.public, ())
    fleet.write(robot.data / "keys" / "fleet.yaml", founder, START)
    assert facetrack("forget", "--person", ANN, data=robot.data).returncode == 0
    assert "signed by robot1" in facetrack("receipts", "list", data=robot.data).stdout
    checked = facetrack("receipts", "verify", data=robot.data)
    assert checked.returncode == 0, checked
    assert "1 signed, 0 not signed, 0 signed by keys not known here" in checked.stdout
    chain = HashChain(robot.path, "receipts", "robot1")
    (receipt,) = chain.read()
    forged = {name: value for name, value in receipt.items() if name not in ("n", "prev", "hash", "kind", "timestamp")}
    chain.append("forgotten", {**forged, "operator": "someone else"}, START)
    checked = facetrack("receipts", "verify", data=robot.data)
    assert checked.returncode == 3, checked
    assert "the signature is not that of robot1" in checked.stdout


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
