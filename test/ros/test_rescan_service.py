"""A rescan of stored frames is refused on a low battery, with the reason."""

import time
from types import SimpleNamespace

import numpy as np
import pytest
from sensor_msgs.msg import BatteryState

from facetrack_ros.config import Config
from facetrack_ros.core.frame import Frame
from facetrack_ros.history.robot_history import RobotHistory
from facetrack_ros.models.contract import ModelContract
from facetrack_ros.nodes.base.inbox import Inbox
from facetrack_ros.nodes.fleet.rescan_service import RescanService
from facetrack_ros.search.request import SearchRequest

CONTRACT = ModelContract("net", "embedding", "onnx", "net.onnx", "", 1, "MIT", dimension=2, threshold=0.35)
REQUEST = SearchRequest("s1", np.array([1, 0], np.float32), "net", rescan=True)


class Node:
    """A history node's settings, and what it subscribes to."""

    def __init__(self, **settings):
        self.settings = Config({name.replace("__", "."): value for name, value in settings.items()})
        self.heard = {}
        self.inbox = Inbox(self.get_logger())

    def receive(self, kind, topic, callback, qos):
        self.heard[topic] = callback

    def get_logger(self):
        return SimpleNamespace(warning=lambda *_, **__: None)


@pytest.fixture
def history(tmp_path):
    kept = RobotHistory(tmp_path, "robot1", CONTRACT)
    for number in range(3):
        kept.add_frame(Frame("front", number, number, b"jpeg"))
    yield kept
    kept.close()


def test_on_a_low_battery_no_frame_is_rescanned_and_the_reason_is_returned(history):
    node = Node()
    service = RescanService(node)
    node.heard["battery_state"](BatteryState(percentage=0.1), {})
    done, note = service.rescan(history, REQUEST, time.monotonic() + 10)
    assert (done.scanned, done.remaining) == (0, 3)
    assert "battery at 10%" in note


def test_without_face_tracking_no_frame_is_rescanned(history):
    done, note = RescanService(Node(face_tracking__enabled=False)).rescan(history, REQUEST, time.monotonic() + 10)
    assert (done.scanned, done.remaining) == (0, 3)
    assert "face_tracking.enabled" in note


def test_without_frames_to_rescan_no_models_are_loaded(history):
    service = RescanService(Node(embedder__model="no such model"))
    done, note = service.rescan(
        history, SearchRequest("s", REQUEST.embedding, "net", cameras=("rear",)), time.monotonic() + 10
    )
    assert (done.scanned, done.remaining, note) == (0, 0, "")
