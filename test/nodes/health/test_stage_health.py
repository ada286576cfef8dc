"""A stage's drops are logged once."""

import logging
from types import SimpleNamespace

import pytest

pytest.importorskip("rclpy")

from facetrack_ros.core.frame import Frame
from facetrack_ros.nodes.health.stage_health import StageHealth


def test_dropped_frames_are_logged_once(caplog):
    clock = SimpleNamespace(now=lambda: SimpleNamespace(nanoseconds=10**9))
    node = SimpleNamespace(get_logger=lambda: logging.getLogger("node"), get_clock=lambda: clock)
    health = StageHealth(node, ("front",), "detector")
    frames = [Frame("front", number, number, b"") for number in range(4)]
    for frame in frames:
        health.arrived(frame)
    health.finished(frames[0])
    health.finished(frames[3])
    health.log_drops()
    health.log_drops()
    assert len(caplog.records) == 1
    assert "2 of the last 4" in caplog.text
