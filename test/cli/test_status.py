"""``facetrack status --data``."""

import json
import os

import pytest

from facetrack_ros.cli.main import main
from facetrack_ros.config import Config
from facetrack_ros.history.robot_history import RobotHistory
from facetrack_ros.models.contract import ModelContract

CONTRACT = ModelContract("net", "embedding", "onnx", "net.onnx", "", 1, "MIT", dimension=4, threshold=0.5)


def status(capsys, *arguments):
    umask = os.umask(0)
    try:
        with pytest.raises(SystemExit):
            main(["status", *map(str, arguments)])
    finally:
        os.umask(umask)
    return capsys.readouterr().out


def test_it_says_what_is_kept_and_why(tmp_path, capsys):
    stated = {"privacy.purpose": "access to the hall", "recognition.keep": "watchlist", "sightings.max_age_h": 24.0}
    for robot, settings in (("robot1", stated), ("robot2", {})):
        RobotHistory.of_config(Config(settings), tmp_path, robot, CONTRACT).close()
    said = status(capsys, "--data", tmp_path)
    assert "access to the hall; faces of enrolled people only; frames up to 5000, sightings up to 24 h" in said
    assert "no purpose is stated (privacy.purpose); faces of everyone" in said
    first, second = map(json.loads, status(capsys, "--data", tmp_path, "--json").splitlines())
    assert first["rules"]["purpose"] == "access to the hall"
    assert second["rules"]["limits"]["sightings"]["max_age_h"] == 0
