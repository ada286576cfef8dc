"""``facetrack storage``, and the commands that read encrypted folders."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from forget_folder import ANN, TracedRobot, files_with

from facetrack_ros.security.storage_key import use_storage_settings

pytest.importorskip("sqlcipher3")
FACETRACK = Path(sys.executable).parent / "facetrack"


@pytest.fixture(autouse=True)
def settings_of_this_process():
    yield
    use_storage_settings(None, "")


def facetrack(*words, key=None, code=0):
    environment = {name: value for name, value in os.environ.items() if name != "FACETRACK_STORAGE_KEY"}
    environment |= {"FACETRACK_STORAGE_KEY": str(key)} if key else {}
    done = subprocess.run(
        [str(FACETRACK), *map(str, words)], capture_output=True, text=True, timeout=120, env=environment
    )
    assert done.returncode == code, done
    return done.stdout + done.stderr


def test_a_robot_is_encrypted_read_rotated_and_erased(tmp_path):
    robot = TracedRobot(tmp_path / "data")
    data, keys = robot.data, [tmp_path / "keys" / name for name in ("one", "two")]
    ids = [facetrack("storage", "key", key).split()[3] for key in keys]
    assert all(oct(key.stat().st_mode)[-3:] == "600" for key in keys)
    assert "exists" in facetrack("storage", "key", keys[0], code=2)
    before = facetrack("events", "--data", data)

    needed = facetrack("storage", "encrypt", "--data", data, code=2)
    assert "storage key" in needed
    assert "files are encrypted" in facetrack("storage", "encrypt", "--data", data, key=keys[0])
    assert files_with(data, [*robot.ann_faces(), *robot.ann_frames, *robot.ann_words()]) == {}

    for words in (
        ("events",),
        ("status",),
        ("audit", "verify"),
        ("forget", "--person", ANN),
        ("prune", "--robot", "robot1"),
    ):
        said = facetrack(*words, "--data", data, code=2)
        assert ids[0] in said
        assert len(said.splitlines()) == 1
    wrong = facetrack("events", "--data", data, key=keys[1], code=2)
    assert ids[0] in wrong
    assert ids[1] in wrong
    assert facetrack("events", "--data", data, key=keys[0]) == before
    assert f"needs the key {ids[0]}" in facetrack("storage", "key", keys[1], "--data", data, code=1)

    clip = ("storage", "clip", "--data", data, "--robot", "robot1", "--out", tmp_path / "out", "--name")
    assert "with_ann, without_ann" in facetrack(*clip, "nothing", key=keys[0], code=2)
    facetrack(*clip, "without_ann", "--operator", "dana", "--reason", "asked", key=keys[0])
    assert {path.suffix for path in (tmp_path / "out").rglob("*.*")} == {".mcap", ".jpg", ".json"}
    assert "without_ann" in facetrack("audit", "list", "--data", data, key=keys[0])

    facetrack("storage", "rotate", "--data", data, "--new", keys[1], key=keys[0])
    facetrack("events", "--data", data, key=keys[0], code=2)
    assert facetrack("events", "--data", data, key=keys[1]) == before

    erase = ("storage", "erase", "--data", data, "--robot", "robot1")
    facetrack(*erase)
    assert facetrack("events", "--data", data, key=keys[1]) == before
    facetrack(*erase, "--yes")
    assert "was destroyed" in facetrack("events", "--data", data, key=keys[1], code=2)
