"""Diagnosis of a history: the last error, from the node and from the log of the package."""

import logging
import sqlite3
from types import SimpleNamespace

import pytest

pytest.importorskip("rclpy", reason="needs ROS 2")

from facetrack_ros.history.robot_history import RobotHistory
from facetrack_ros.history.status import HistoryStatus
from facetrack_ros.models.catalog import MOBILEFACENET
from facetrack_ros.nodes.health import history_health
from facetrack_ros.nodes.health.history_health import HistoryHealth
from facetrack_ros.nodes.health.status import ERROR, OK

STATUS = HistoryStatus("robot1", MOBILEFACENET.id, (), 0, 0, 0)


@pytest.fixture
def health(tmp_path):
    health = HistoryHealth(SimpleNamespace(clocks={}), tmp_path)
    health.attach()
    yield health
    health.close()


def test_an_error_is_shown_for_five_seconds_and_stays_the_last(health, monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(history_health.time, "monotonic", lambda: now[0])
    assert [found.level for found in health.report(STATUS, ())] == [OK]
    health.failed("the disk is full")
    (found,) = health.report(STATUS, ())
    assert (found.level, found.sentence) == (ERROR, "the disk is full")
    now[0] += 6
    (found,) = health.report(STATUS, ())
    assert found.level == OK
    assert found.values["last error"] == "the disk is full"
    assert found.values["last error (s ago)"] == "6"


def test_a_recovered_store_is_an_error(health, tmp_path):
    RobotHistory(tmp_path, "robot1", MOBILEFACENET).close()
    (file,) = (tmp_path / "robot1").glob("*.sqlite*")
    with file.open("r+b") as stream:
        stream.write(b"damaged" * 100)
    with pytest.raises(sqlite3.DatabaseError):
        sqlite3.connect(file).execute("SELECT * FROM sightings")
    RobotHistory(tmp_path, "robot1", MOBILEFACENET).close()
    (found,) = health.report(STATUS, ())
    assert found.level == ERROR
    assert "was damaged" in found.sentence


@pytest.mark.parametrize(
    ("logger", "level", "expected"),
    [
        ("facetrack_ros.history.frames.archive", logging.WARNING, ERROR),
        ("facetrack_ros.history.index.block_folder", logging.ERROR, ERROR),
        ("facetrack_ros.history.frames.archive", logging.INFO, OK),
        ("facetrack_ros.history.people.gallery_store", logging.WARNING, OK),
        ("facetrack_ros.vision.factory", logging.WARNING, OK),
    ],
)
def test_warnings_of_the_history_are_errors(health, logger, level, expected):
    logging.getLogger(logger).log(level, "%s was deleted", "segment")
    (found,) = health.report(STATUS, ())
    assert found.level == expected
    assert found.values["last error"] == ("segment was deleted" if expected == ERROR else "none")


def test_a_closed_health_receives_no_warnings(health):
    health.close()
    logging.getLogger("facetrack_ros.history.frames.archive").warning("late")
    assert [found.level for found in health.report(STATUS, ())] == [OK]
