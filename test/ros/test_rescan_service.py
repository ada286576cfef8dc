"""A second look waits for the battery, and says so."""

import time
from types import SimpleNamespace

import numpy as np
import pytest
from sensor_msgs.msg import BatteryState

from facetrack_ros.config import Config
from facetrack_ros.core.frame import Frame
from facetrack_ros.history.robot_history import RobotHistory
from facetrack_ros.models.contract import ModelContract
from facetrack_ros.nodes.fleet.rescan_service import RescanService
from facetrack_ros.search.request import SearchRequest

CONTRACT = ModelContract("net", "embedding", "onnx", "net.onnx", "", 1, "MIT", dimension=2, threshold=0.35)
ASK = SearchRequest("s1", np.array([1, 0], np.float32), "net", rescan=True)


class Node:
    """A history node's settings, and what it subscribes to."""

    def __init__(self, **settings):
        self.settings = Config({name.replace("__", "."): value for name, value in settings.items()})
        self.heard = {}

    def create_subscription(self, kind, topic, callback, qos):
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


def test_on_a_low_battery_no_frame_is_looked_at_and_the_answer_says_why(history):
    node = Node()
    again = RescanService(node)
    node.heard["battery_state"](BatteryState(percentage=0.1))
    done, note = again.rescan(history, ASK, time.monotonic() + 10)
    assert (done.scanned, done.remaining) == (0, 3)
    assert "battery at 10%" in note


def test_where_no_faces_are_looked_for_none_are_looked_for_again(history):
    done, note = RescanService(Node(face_tracking__enabled=False)).rescan(history, ASK, time.monotonic() + 10)
    assert (done.scanned, done.remaining) == (0, 3)
    assert "face_tracking.enabled" in note


def test_nothing_to_look_at_loads_no_models(history):
    again = RescanService(Node(embedder__model="no such model"))
    done, note = again.rescan(
        history, SearchRequest("s", ASK.embedding, "net", cameras=("rear",)), time.monotonic() + 10
    )
    assert (done.scanned, done.remaining, note) == (0, 0, "")
