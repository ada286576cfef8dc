"""Folders of stored histories."""

import json
import os
from pathlib import Path

import pytest

from facetrack_ros.errors import StoreError
from facetrack_ros.history.layout import history_folders
from facetrack_ros.history.robot_history import RobotHistory
from facetrack_ros.history.stored_ids import open_ids
from facetrack_ros.models.contract import ModelContract

CONTRACT = ModelContract("net", "embedding", "onnx", "net.onnx", "", 1, "MIT", dimension=4, threshold=0.5)


def _sparse(path):
    with path.open("wb") as file:
        file.truncate(10 * 2**30)


def test_robots_share_a_data_folder(tmp_path):
    for robot in ("robot2", "robot1"):
        RobotHistory(tmp_path, robot, CONTRACT).close()
    (tmp_path / "something else").mkdir()
    assert [folder.robot_id for folder in history_folders(tmp_path)] == ["robot1", "robot2"]
    assert [folder.robot_id for folder in history_folders(tmp_path / "robot2")] == ["robot2"]


@pytest.mark.parametrize(
    ("note", "reason"),
    [
        ("{", "damaged"),
        ('{"robot_id": "robot1"}', "damaged"),
        ("[]", "damaged"),
        (json.dumps({"robot_id": "robot1", "format": 9}), "update"),
    ],
)
def test_an_unusable_folder_states_the_reason(tmp_path, note, reason):
    RobotHistory(tmp_path, "robot1", CONTRACT).close()
    (tmp_path / "robot1" / "robot.json").write_text(note)
    assert reason in history_folders(tmp_path)[0].error
    if reason == "update":
        with pytest.raises(StoreError, match=reason):
            RobotHistory(tmp_path, "robot1", CONTRACT)
    else:  # the robot itself writes a damaged one anew
        RobotHistory(tmp_path, "robot1", CONTRACT).close()
        assert [folder.robot_id for folder in history_folders(tmp_path)] == ["robot1"]


@pytest.mark.parametrize("name", ["", "../x", "a/b", "1robot", "a b"])
def test_an_invalid_robot_name_is_refused(tmp_path, name):
    with pytest.raises(StoreError, match="robot name"):
        RobotHistory(tmp_path, name, CONTRACT)


def test_a_renamed_folder_is_refused(tmp_path):
    RobotHistory(tmp_path, "robot1", CONTRACT).close()
    (tmp_path / "robot1").rename(tmp_path / "robot2")
    with pytest.raises(StoreError, match="robot1"):
        RobotHistory(tmp_path, "robot2", CONTRACT)


def test_an_absent_data_folder_is_an_error(tmp_path):
    with pytest.raises(StoreError, match="no folder"):
        history_folders(tmp_path / "nothing")


@pytest.mark.parametrize(
    "odd",
    [os.mkfifo, Path.mkdir, lambda path: path.symlink_to(path.name), _sparse],
    ids=["pipe", "folder", "loop", "sparse"],
)
def test_whatever_stands_in_the_place_of_a_note_is_set_aside(tmp_path, odd):
    RobotHistory(tmp_path, "robot1", CONTRACT).close()
    for name in ("robot.json", "ids.json"):
        (tmp_path / "robot1" / name).unlink(missing_ok=True)
        odd(tmp_path / "robot1" / name)
    RobotHistory(tmp_path, "robot1", CONTRACT).close()
    assert open_ids(tmp_path / "robot1" / "ids.json", "robot1").next("person") > 0
