"""Managed nodes: they start by themselves, hold models only while active, come back, and say in what state they are."""

import gc
import weakref

import numpy as np
import pytest

from facetrack_ros.config import Config
from facetrack_ros.core.frame import Frame, encode_jpeg
from facetrack_ros.errors import ModelError

ALLOWED = {"allow_remote_changes": True}


def a_frame(number: int) -> Frame:
    return Frame(
        "front",
        1_700_000_000_000_000_000 + number * 100_000_000,
        number,
        encode_jpeg(np.zeros((120, 160, 3), np.uint8), 90),
    )


def robot_of(graph, tmp_path, source="clip.mp4", **settings):
    from facetrack_ros.nodes.robot_node import RobotComposition, RobotNode

    graph.start()
    config = Config({"data_dir": str(tmp_path / "data"), "allow_remote_changes": True, **settings})
    sources = (f"front={source}",) if source else ()
    return RobotComposition(RobotNode(sources=sources, robot_id="robot1", cameras=("front",), config=config), config)


def picture_question():
    from facetrack_ros import srv

    request = srv.FaceSearch.Request()
    request.image.data = encode_jpeg(np.zeros((120, 160, 3), np.uint8), 90)
    return request


@pytest.fixture
def detector(graph, real_models):
    from facetrack_ros.nodes.detector_node import DetectorNode

    graph.start()
    detector = DetectorNode(robot_id="robot1", config=Config({"detector.model": "yolox_nano", **ALLOWED}))
    seen = []
    detector.stage.listeners.append(lambda frame, detections: seen.append(frame.number))
    detector.seen = seen
    detector.start_up()
    graph.spin(detector)
    return detector


def test_a_node_activates_itself(graph, detector):
    assert graph.state("/robot1/detector") == "active"
    detector.stage.add_frame(a_frame(1))
    assert detector.stage.drain()
    assert detector.seen == [1]


def test_deactivation_frees_the_models_and_activation_loads_them(graph, detector):
    pipeline = weakref.ref(detector.models.acquire("detector"))
    assert graph.transition("/robot1/detector", "deactivate")
    gc.collect()
    assert pipeline() is None
    assert not detector.models.loaded
    detector.stage.add_frame(a_frame(1))
    detector.stage.drain()
    assert graph.transition("/robot1/detector", "activate")
    detector.stage.add_frame(a_frame(2))
    detector.stage.drain()
    assert detector.seen == [2]


def test_a_changed_threshold_outlives_the_models(graph, detector):
    graph.transition("/robot1/detector", "deactivate")
    assert graph.set("/robot1/detector", "detector.min_score", 0.77) is None
    graph.transition("/robot1/detector", "activate")
    assert detector.models.acquire("detector").person_score == 0.77


def test_all_transitions_succeed_and_an_impossible_one_is_refused(graph, detector):
    name = "/robot1/detector"
    assert not graph.transition(name, "activate")  # it is active already
    for transition, state in (
        ("deactivate", "inactive"),
        ("cleanup", "unconfigured"),
        ("configure", "inactive"),
        ("activate", "active"),
        ("shutdown", "finalized"),
    ):
        assert graph.transition(name, transition)
        assert graph.state(name) == state


def test_by_default_a_peer_starts_a_node_and_does_not_stop_it(graph, tmp_path):
    from lifecycle_msgs.msg import Transition
    from lifecycle_msgs.srv import ChangeState

    from facetrack_ros.nodes.overlay_node import OverlayNode

    graph.start()
    overlay = OverlayNode(robot_id="robot1", config=Config({"autostart": False}))
    graph.spin(overlay)
    assert graph.transition("/robot1/overlay", "configure")
    assert not graph.transition("/robot1/overlay", "cleanup")
    assert graph.transition("/robot1/overlay", "activate")
    for transition in ("deactivate", "cleanup", "shutdown"):
        assert not graph.transition("/robot1/overlay", transition)
    for number in (*range(10), 60, 61, 62, 255):
        for label in ("", "activate"):
            request = ChangeState.Request(transition=Transition(id=number, label=label))
            assert not graph.call(ChangeState, "/robot1/overlay/change_state", request).success
    assert graph.state("/robot1/overlay") == "active"
    assert overlay.inbox.refused > 0
    overlay.transition("deactivate")
    assert graph.state("/robot1/overlay") == "inactive", "its own process stops it"


def test_without_autostart_a_node_waits_and_ignores_frames(graph, tmp_path):
    from facetrack_ros.nodes.overlay_node import OverlayNode

    graph.start()
    overlay = OverlayNode(robot_id="robot1", config=Config({"autostart": False}))
    overlay.start_up()
    graph.spin(overlay)
    assert graph.state("/robot1/overlay") == "unconfigured"
    assert graph.transition("/robot1/overlay", "configure")
    assert graph.state("/robot1/overlay") == "inactive"
    assert graph.transition("/robot1/overlay", "activate")
    assert overlay.active


def test_activation_without_a_model_fails_and_the_node_stays_inactive(graph, tmp_path):
    from facetrack_ros.nodes.detector_node import DetectorNode

    graph.start()
    missing = tmp_path / "nowhere.onnx"
    detector = DetectorNode(robot_id="robot1", config=Config({"detector.model": str(missing), "autostart": False}))
    graph.spin(detector)
    assert graph.transition("/robot1/detector", "configure")
    assert not graph.transition("/robot1/detector", "activate")
    assert graph.state("/robot1/detector") == "inactive"
    with pytest.raises(ModelError, match=r"nowhere\.onnx"):
        detector.transition("activate")


def test_one_node_of_a_composed_robot_is_managed_on_its_own(graph, real_models, tmp_path):
    robot = robot_of(graph, tmp_path, source="")
    robot.start()
    graph.spin(*robot.nodes)
    assert graph.transition("/robot1/detector", "deactivate")
    assert graph.state("/robot1/detector") == "inactive"
    assert graph.state("/robot1/embedder") == "active"
    assert not robot.head.models.loaded, "only the detector uses the models"
    robot.pipeline.add_frame(a_frame(1))
    assert robot.history.history.find_frame("front", a_frame(1).stamp_ns, 0), (
        "the history stores frames that are not analysed"
    )


def test_the_robot_node_moves_the_whole_robot(graph, real_models, tmp_path):
    from facetrack_ros import srv

    robot = robot_of(graph, tmp_path, source="")
    robot.start()
    graph.spin(*robot.nodes)
    robot.pipeline.add_frame(a_frame(1))
    pipeline = weakref.ref(robot.head.models.acquire("detector"))
    assert graph.transition("/robot1/robot", "deactivate")
    gc.collect()
    assert pipeline() is None
    assert {node.state for node in robot.nodes} == {"inactive"}
    robot.pipeline.add_frame(a_frame(2))
    assert robot.history.history.newest_ns == a_frame(1).stamp_ns, "an inactive history keeps what it has, and no more"
    answer = graph.call(srv.FaceSearch, "/robot1/face_search", picture_question())
    assert "inactive" in answer.message
    assert "ros2 lifecycle set /robot1/search activate" in answer.message
    assert graph.transition("/robot1/robot", "activate")
    assert {node.state for node in robot.nodes} == {"active"}
    answer = graph.call(srv.FaceSearch, "/robot1/face_search", picture_question())
    assert "inactive" not in answer.message
    assert "face" in answer.message


def test_a_robot_whose_camera_does_not_open_stays_inactive(graph, real_models, tmp_path):
    robot = robot_of(graph, tmp_path, source=tmp_path / "nothing.mp4", autostart=False)
    robot.start()
    graph.spin(*robot.nodes)
    assert graph.transition("/robot1/robot", "configure")
    assert not graph.transition("/robot1/robot", "activate")
    assert "active" not in {node.state for node in robot.nodes}
    assert not robot.head.models.loaded


def test_an_inactive_history_answers_and_a_cleaned_up_one_closes_its_files(graph, real_models, tmp_path):
    from facetrack_ros import srv

    robot = robot_of(graph, tmp_path, source="")
    robot.start()
    graph.spin(*robot.nodes)
    assert graph.transition("/robot1/history", "deactivate")
    request = srv.FaceSearch.Request(embedding=[1.0, *[0.0] * 127], model_id=robot.head.models.contract.id)
    answer = graph.call(srv.FaceSearch, "/robot1/face_search", request)
    assert [(line.robot_id, line.status) for line in answer.robots] == [("robot1", "answered")], answer.message
    assert graph.transition("/robot1/history", "cleanup")
    assert robot.history.history is None
    assert graph.transition("/robot1/history", "configure")
    assert graph.transition("/robot1/history", "activate")
    assert robot.history.history is not None, "the same folder opens again"


def test_transitions_are_logged(processes, tmp_path):
    """From outside, as ros2 lifecycle does it."""
    node = processes.node("overlay", "-r", "__ns:=/robot1", "-p", "autostart:=false")
    node.wait_until(
        lambda said: "overlay waits to be configured: ros2 lifecycle set /robot1/overlay configure" in said, "waits"
    )
    assert node.interrupt() == 0, node.said()


def test_a_camera_without_a_source_is_subscribed_beside_one_with(graph, tmp_path):
    from facetrack_ros.nodes.robot_node import RobotComposition, RobotNode

    graph.start()
    config = Config({"data_dir": str(tmp_path / "data"), "autostart": False})
    robot = RobotComposition(
        RobotNode(sources=("front=clip.mp4",), robot_id="robot1", cameras=("front", "rear"), config=config), config
    )
    graph.spin(*robot.nodes)
    heard = {subscription.topic_name for subscription in robot.detector.subscriptions}
    assert "/robot1/rear/image/compressed" in heard
    assert "/robot1/front/image/compressed" not in heard
