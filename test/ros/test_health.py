"""A robot's diagnoses on /diagnostics, and clock offsets of its cameras in search responses."""

import array
import time

import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.node import Node
from sensor_msgs.msg import CompressedImage

from facetrack_ros import msg, srv
from facetrack_ros.config import Config
from facetrack_ros.core.detections import Detections
from facetrack_ros.core.frame import encode_jpeg
from facetrack_ros.history import clock_offsets as clock_log
from facetrack_ros.models.catalog import MOBILEFACENET
from facetrack_ros.nodes.base.lifecycle_node import LifecycleNode
from facetrack_ros.nodes.base.process import ros, spinning
from facetrack_ros.nodes.base.qos import HEARTBEAT_LATCHED_SUB, HEARTBEAT_PUB, RELIABLE, SENSOR_DATA
from facetrack_ros.nodes.conversion.time import to_duration, to_time
from facetrack_ros.nodes.detector_node import DetectorNode
from facetrack_ros.nodes.gallery_node import GalleryNode
from facetrack_ros.nodes.health import publisher as diagnostics
from facetrack_ros.nodes.health import status as diagnosis
from facetrack_ros.nodes.history_node import HistoryNode
from facetrack_ros.nodes.inputs import camera_images
from facetrack_ros.nodes.overlay_node import OverlayNode
from facetrack_ros.nodes.search_node import SearchNode
from facetrack_ros.vision.pipeline_pool import PipelinePool
from facetrack_ros.vision.settings import VisionSettings

OK, WARN, ERROR, STALE = (bytes([level]) for level in range(4))
JPEG = encode_jpeg(np.full((24, 32, 3), 128, np.uint8))
SECOND = 10**9


class SlowModels:
    """Models whose analysis of a frame lasts as long as the test wants.

    :ivar speed: ``stopped``; ``slow``: until ten more frames have arrived; ``fast``.
    :ivar arrived: counts the frames that have arrived.
    """

    batches = True
    contract = MOBILEFACENET

    def __init__(self):
        self.speed, self.arrived = "stopped", lambda: 0

    def describe(self):
        return {role: {"model": "slow"} for role in ("person", "face", "embedder")}

    def reduction(self, width, height):
        return 1

    def detect(self, images):
        arrived, deadline_s = self.arrived(), time.monotonic() + 60.0
        while self.speed == "stopped" or (self.speed == "slow" and self.arrived() < arrived + 10):
            assert time.monotonic() < deadline_s
            time.sleep(0.005)
        return [Detections.none("slow") for _ in images]


class Watched:
    """Nodes in this process, a driver, and the last diagnosis of each stage and service."""

    def __init__(self, executor, wait_until):
        self.health, self.nodes = {}, []
        self._executor, self._wait_until = executor, wait_until
        self.monitor = self.spin(Node("monitor"))
        self.monitor.create_subscription(DiagnosticArray, "/diagnostics", self._on_diagnostics, 100)

    def _on_diagnostics(self, message):
        for status in message.status:
            self.health[status.name] = status

    def spin(self, node):
        self.nodes.append(node)
        if isinstance(node, LifecycleNode):
            node.start_up()
        self._executor.add_node(node)
        return node

    def drive(self, offset_ns=0, period_s=0.01):
        driver = self.spin(Node("driver"))
        publisher = driver.create_publisher(CompressedImage, "/robot1/front/image/compressed", SENSOR_DATA)

        def publish():
            message = CompressedImage(format="jpeg", data=array.array("B", JPEG))
            message.header.stamp = to_time(driver.get_clock().now().nanoseconds + offset_ns)
            publisher.publish(message)

        driver.create_timer(period_s, publish)

    def until(self, name, condition):
        def so():
            status = self.health.get(name)
            return status is not None and condition(status, {pair.key: pair.value for pair in status.values})

        self._wait_until(so, lambda: f"{name}: {self.health.get(name)}", 60.0)
        return self.health[name]


@pytest.fixture
def watched(domain, monkeypatch, processes):
    monkeypatch.setenv("ROS_DOMAIN_ID", str(domain))
    monkeypatch.setenv("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    monkeypatch.setattr(diagnostics, "PERIOD_S", 0.1)
    for module in (diagnosis, camera_images):
        monkeypatch.setattr(module, "SILENT_S", 1.0)
    monkeypatch.setattr(camera_images, "CHECK_S", 0.1)
    with ros([]), spinning([Node("first")]) as executor:
        watched = Watched(executor, processes.wait_until)
        yield watched
        for node in watched.nodes:
            if isinstance(node, LifecycleNode):
                node.end()


def test_a_silent_detector_names_its_topic_and_an_overloaded_one_reports_its_drops(watched):
    models = SlowModels()
    detector = watched.spin(
        DetectorNode(PipelinePool(VisionSettings(), build=lambda _: models), robot_id="robot1", cameras=("front",))
    )
    models.arrived = lambda: detector.health.figures("front").frames
    try:
        name = "robot1: front detector"
        silent = watched.until(name, lambda status, _: status.level == ERROR)
        assert "/robot1/front/image/compressed" in silent.message
        assert silent.hardware_id == "robot1"
        watched.drive(period_s=0.05)
        watched.until(name, lambda status, values: status.level == ERROR and float(values["rate in (Hz)"]) > 0)
        models.speed = "slow"
        starved = watched.until(name, lambda status, values: status.level == WARN and int(values["dropped"]) >= 10)
        assert "dropped" in starved.message
        models.speed = "fast"
        watched.until(name, lambda _, values: float(values["rate out (Hz)"]) > 0.8 * float(values["rate in (Hz)"]) > 0)
    finally:
        models.speed = "fast"


def test_a_history_reports_its_contents_and_clock_offsets(watched, tmp_path, monkeypatch):
    heartbeats, answers = [], []
    watched.monitor.create_subscription(
        msg.HistoryStatus, "/facetrack/roster", heartbeats.append, HEARTBEAT_LATCHED_SUB
    )
    watched.monitor.create_subscription(msg.FaceSearchResult, "/facetrack/search/result", answers.append, RELIABLE)
    requests = watched.monitor.create_publisher(msg.FaceSearchRequest, "/facetrack/search/request", RELIABLE)
    history = watched.spin(
        HistoryNode(robot_id="robot1", cameras=("front",), config=Config({"data_dir": str(tmp_path)}))
    )
    history.open_history(MOBILEFACENET)
    monkeypatch.setattr(clock_log, "STEADY", 2)
    watched.drive(offset_ns=-93 * SECOND, period_s=0.05)
    status = watched.until("robot1: front history", lambda status, _: status.level == WARN)
    assert "the clock of camera front is 93." in status.message
    assert "behind the robot's" in status.message
    values = {pair.key: pair.value for pair in status.values}
    assert int(values["frames in memory"]) >= 0
    assert 93 <= float(values["clock behind (s)"]) < 95
    watched.until("robot1: history", lambda status, values: status.level == OK and float(values["free (MB)"]) > 0)
    watched._wait_until(
        lambda: heartbeats and heartbeats[-1].cameras and heartbeats[-1].cameras[0].clock_behind_s > 90,
        lambda: f"in the roster: {heartbeats[-1:]}",
        30.0,
    )
    requests.publish(
        msg.FaceSearchRequest(
            search_id="s",
            model_id=history.history.contract.id,
            threshold=0.5,
            max_results=1,
            embedding=np.full(128, 128**-0.5, np.float32),
            window=to_duration(SECOND),
        )
    )
    watched._wait_until(lambda: answers, "the answer", 30.0)
    assert "the clock of camera front is 93." in answers[0].robot.note
    stored = tmp_path / "robot1" / "clocks.jsonl"
    watched._wait_until(
        lambda: stored.is_file() and '"behind_sec": 93.' in stored.read_text(), "the offset is stored", 30.0
    )


def test_search_gallery_and_overlay_report_counts_and_errors(watched, tmp_path):
    member = {"robot_id": "robot1", "cameras": ("front",), "config": Config({"data_dir": str(tmp_path)})}
    for node in (HistoryNode(**member), SearchNode(**member), GalleryNode(**member), OverlayNode(**member)):
        watched.spin(node)
    watched.until("robot1: front overlay", lambda status, _: status.level == OK and "not subscribed" in status.message)
    watched.until("robot1: gallery", lambda status, values: status.level == OK and values["entries"] == "0")
    watched.until("robot1: search", lambda status, values: status.level == OK and values["robots on the mesh"] == "1")

    search = watched.monitor.create_client(srv.FaceSearch, "/robot1/face_search")
    enrol = watched.monitor.create_client(srv.EnrollFace, "/robot1/enroll_face")
    watched._wait_until(lambda: search.service_is_ready() and enrol.service_is_ready(), "the services are there", 30.0)
    question = srv.FaceSearch.Request(
        model_id=MOBILEFACENET.id, embedding=np.full(128, 128**-0.5, np.float32), timeout=to_duration(SECOND // 2)
    )
    search.call_async(question)
    # Nothing is recorded yet, so that the answer is partial.
    watched.until("robot1: search", lambda status, values: status.level == WARN and values["searches answered"] == "1")
    search.call_async(srv.FaceSearch.Request())
    enrol.call_async(srv.EnrollFace.Request(name="Ada"))
    for thing in ("search", "gallery"):
        watched.until(
            f"robot1: {thing}", lambda status, values: values["refused"] == "1" and values["last refusal"] != "none"
        )

    roster = watched.monitor.create_publisher(msg.HistoryStatus, "/facetrack/roster", HEARTBEAT_PUB)
    roster.publish(msg.HistoryStatus(robot_id="robot2", instance_id="b", model_id=MOBILEFACENET.id))
    watched.until("robot1: search", lambda _, values: values["robots on the mesh"] == "2")
    search.call_async(question)
    partial = watched.until(
        "robot1: search", lambda status, values: status.level == WARN and values["partial answers"] == "2"
    )
    assert "robot2" in partial.message

    watched.monitor.create_subscription(
        CompressedImage, "/robot1/front/overlay/compressed", lambda _: None, SENSOR_DATA
    )
    watched.until(
        "robot1: front overlay", lambda status, _: status.level == ERROR and "it has no publisher" in status.message
    )
