"""A heartbeat's count of a history that cannot be read keeps what was counted last, and says why."""

import pytest

from facetrack_ros.errors import DiskError
from facetrack_ros.history.robot_history import RobotHistory
from facetrack_ros.models.contract import ModelContract
from facetrack_ros.nodes.health.history_count import HistoryCount

CONTRACT = ModelContract("net", "embedding", "onnx", "net.onnx", "", 1, "MIT", dimension=4, threshold=0.5)


@pytest.fixture
def told():
    return []


@pytest.fixture
def count(tmp_path, told):
    return HistoryCount("robot1", tmp_path / "robot1", told.append, told.append)


def test_without_a_history_there_is_nothing_and_no_error(count, told):
    count.count(None)
    assert (count.status.model_id, count.status.cameras, count.status.error) == ("", (), "")
    assert told == []


def test_a_history_that_cannot_be_read_keeps_its_last_count(count, told, tmp_path, monkeypatch):
    history = RobotHistory(tmp_path, "robot1", CONTRACT)
    history.sightings.note_frame("front", 1)
    count.count(history)
    assert [camera.camera_id for camera in count.status.cameras] == ["front"]

    def refuse():
        raise DiskError("cannot use it: disk I/O error")

    with monkeypatch.context() as broken:
        broken.setattr(history, "status", refuse)
        count.count(history)
    assert [str(error) for error in told] == ["cannot use it: disk I/O error"]
    assert [camera.camera_id for camera in count.status.cameras] == ["front"]
    assert "disk I/O error" in count.status.error
    count.count(history)
    assert count.status.error == ""
    history.close()
