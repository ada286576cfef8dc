"""Parameters: description, range, changes at run time, errors of files and the command line."""

import sys

import pytest
from rcl_interfaces.msg import Parameter, ParameterType, ParameterValue
from rcl_interfaces.srv import SetParameters, SetParametersAtomically

from facetrack_ros.config import NODE_OPTIONS, OPTIONS, Config
from facetrack_ros.errors import ConfigError

BY_NAME = {option.name: option for option in (*OPTIONS, *NODE_OPTIONS)}
# Prefixes of the optional nodes, which this robot does not run.
OF_OPTIONAL_NODES = ("markers.", "vision_msgs.", "hri.")
OF_ROS = ("use_sim_time", "start_type_description_service")


def robot_of(graph, tmp_path, **settings):
    """A robot that is not configured, as parameters need no models."""
    from facetrack_ros.nodes.robot_node import RobotComposition, RobotNode

    graph.start()
    config = Config({"data_dir": str(tmp_path / "data"), "autostart": False, **settings})
    robot = RobotComposition(
        RobotNode(sources=("front=clip.mp4",), robot_id="robot1", cameras=("front",), config=config), config
    )
    graph.spin(*robot.nodes)
    return robot


@pytest.fixture
def robot(graph, tmp_path):
    return robot_of(graph, tmp_path, allow_remote_changes=True)


def test_by_default_no_peer_changes_what_deletes_silences_or_decides_who_is_recognised(graph, tmp_path):
    robot = robot_of(graph, tmp_path)
    for node in robot.nodes:
        name, before = node.get_fully_qualified_name(), dict(node.settings.items())
        for option in node.options():
            reason = graph.set(name, option.name, another_value(option, node.settings.value(option.name)))
            assert option.name in (reason or ""), (name, option.name)
        assert "use_sim_time" in graph.set(name, "use_sim_time", True), "a peer's /clock would set the time"
        assert dict(node.settings.items()) == before
    assert "allow_remote_changes" in graph.set("/robot1/history", "sightings.max_count", 2)


def test_a_peer_may_change_what_is_only_shown(graph):
    from facetrack_ros.nodes.markers_node import MarkersNode

    graph.start()
    markers = MarkersNode(robot_id="robot1", cameras=("front",), config=Config({"autostart": False}))
    graph.spin(markers)
    assert graph.set("/robot1/markers", "markers.person_height_m", 1.2) is None
    assert markers.settings.markers.person_height_m == 1.2


def test_every_parameter_of_every_node_is_described_as_it_is_defined(graph, robot):
    seen = set()
    for node in robot.nodes:
        for name, descriptor in graph.described(node.get_fully_qualified_name()).items():
            if name in OF_ROS:
                continue
            option = BY_NAME[name]
            seen.add(name)
            assert descriptor.description == option.description
            assert descriptor.read_only != option.live
            ranges = [*descriptor.integer_range, *descriptor.floating_point_range]
            bounds = [] if option.minimum is None else [(option.minimum, option.maximum)]
            assert [(each.from_value, each.to_value) for each in ranges] == bounds, name
            assert all(word in descriptor.additional_constraints for word in option.choices)
    assert seen == {name for name in BY_NAME if not name.startswith(OF_OPTIONAL_NODES)} - set(OF_ROS)


def another_value(option, before):
    """A value other than the one before, allowed where the option may change at run time."""
    if isinstance(before, bool):
        return not before
    if isinstance(before, str):
        return next((choice for choice in option.choices if option.live and choice != before), "other")
    return type(option.default)(option.maximum)


def test_live_parameters_change_and_the_others_give_the_reason(graph, robot):
    for node in robot.nodes:
        name = node.get_fully_qualified_name()
        for option in node.options():
            before = node.settings.value(option.name)
            value = another_value(option, before)
            reason = graph.set(name, option.name, value)
            if option.live and option.name not in node._set_on:
                assert reason is None, (name, option.name)
                assert node.settings.value(option.name) == value, (name, option.name)
            else:
                assert option.name in (reason or ""), (name, option.name)
                assert node.settings.value(option.name) != value, (name, option.name)


def test_a_value_out_of_range_is_refused_and_the_old_one_stays(graph, robot):
    assert "range" in graph.set("/robot1/tracker", "tracking.exit_after_s", 0.0)
    assert "type" in graph.set("/robot1/tracker", "tracking.exit_after_s", "soon")
    assert robot.tracker.settings.tracking.exit_after_s == 2.0


def test_values_of_unknown_type_are_refused_and_the_others_are_set(graph, robot):
    name, tracker = "tracking.exit_after_s", robot.tracker
    odd = Parameter(name=name, value=ParameterValue(type=77))
    good = Parameter(name=name, value=ParameterValue(type=ParameterType.PARAMETER_DOUBLE, double_value=3.0))
    answer = graph.call(SetParameters, "/robot1/tracker/set_parameters", SetParameters.Request(parameters=[odd, good]))
    assert [result.successful for result in answer.results] == [False, True]
    assert answer.results[0].reason
    assert tracker.settings.tracking.exit_after_s == 3.0
    together = SetParametersAtomically.Request(parameters=[odd])
    answer = graph.call(SetParametersAtomically, "/robot1/tracker/set_parameters_atomically", together)
    assert not answer.result.successful
    assert answer.result.reason


def test_a_threshold_shared_by_the_process_is_changed_on_one_node(graph, robot):
    assert "/robot1/detector" in graph.set("/robot1/robot", "detector.min_score", 0.6)
    assert "/robot1/detector" in graph.set("/robot1/search", "faces.min_width_px", 40)
    assert graph.set("/robot1/detector", "detector.min_score", 0.6) is None


def test_changes_apply_to_the_running_components(graph, robot, real_models):
    robot.head.transition("configure")
    for node in (robot.detector, robot.embedder, robot.tracker, robot.history):
        node.transition("configure")
        node.transition("activate")
    frames, pipeline = robot.history.history, robot.head.models.acquire("test")
    assert graph.set("/robot1/history", "frame_history.memory_buffer_size", 7) is None
    assert graph.set("/robot1/history", "frame_history.max_disk_frames", 70) is None
    assert graph.set("/robot1/history", "frame_history.pre_roll_s", 1.5) is None
    assert graph.set("/robot1/detector", "detector.min_score", 0.9) is None
    assert graph.set("/robot1/detector", "faces.min_width_px", 80) is None
    assert graph.set("/robot1/embedder", "battery.stop_faces_below", 0.5) is None
    assert graph.set("/robot1/tracker", "tracking.exit_after_s", 9.0) is None
    robot.tracker._worker.drain()
    assert frames.ring("front").capacity == 7
    assert frames.recorder.archive._pruner._limits.frames == 70
    assert frames.recorder.settings.before_ns == 1_500_000_000
    assert pipeline.person_score == 0.9
    assert pipeline.min_face_px == 80
    assert robot.tracker.stage.people.settings.exit_after_ns == 9_000_000_000
    assert robot.embedder.battery._brake.update(0.4)
    assert robot.embedder.battery.braking


def node_given(graph, monkeypatch, *arguments):
    from facetrack_ros.nodes.overlay_node import OverlayNode

    monkeypatch.setattr(sys, "argv", ["overlay", "--ros-args", *map(str, arguments)])
    graph.start(*arguments)
    node = OverlayNode(robot_id="robot1")
    try:
        node.start_up()
        return dict(node.settings.items())
    finally:
        node.end()


@pytest.mark.parametrize(
    ("below", "expected"),
    [
        (
            "camera: {jpg_quality: 80}",
            ("camera.jpg_quality", "is camera.jpeg_quality meant?", "allowed below camera are jpeg_quality"),
        ),
        ("camera: {jpeg_quality: fine}", ("camera.jpeg_quality", "whole number from 1 to 100", "'fine'")),
        ("camera: {jpeg_quality: 200}", ("camera.jpeg_quality", "from 1 to 100")),
        ("mesh: 3", ("mesh", "text")),
        ("trackng: {exit_after_s: 3.0}", ("trackng.exit_after_s", "tracking.exit_after_s")),
    ],
)
def test_a_wrong_key_or_type_of_a_parameter_file_is_an_error_that_names_the_file(
    graph, monkeypatch, tmp_path, below, expected
):
    file = tmp_path / "wrong.yaml"
    file.write_text(f"/**:\n  ros__parameters:\n    {below}\n")
    with pytest.raises(ConfigError) as error:
        node_given(graph, monkeypatch, "--params-file", file)
    for word in (str(file), *expected):
        assert word in str(error.value)


def test_a_wrong_key_of_the_command_line_is_an_error(graph, monkeypatch):
    with pytest.raises(ConfigError, match=r"-p camera\.jpg_quality"):
        node_given(graph, monkeypatch, "-p", "camera.jpg_quality:=80")


def test_keys_of_other_nodes_and_integers_for_floats_are_allowed(graph, monkeypatch, tmp_path):
    file = tmp_path / "good.yaml"
    file.write_text(
        "/**:\n  ros__parameters:\n    tracking: {exit_after_s: 3}\n    use_sim_time: true\n"
        "    camera: {jpeg_quality: 71}\n/robot2/history:\n  ros__parameters: {anything: 1}\n"
    )
    assert node_given(graph, monkeypatch, "--params-file", file)["camera.jpeg_quality"] == 71


def test_an_unreadable_file_is_an_error_that_names_it(graph, tmp_path):
    file = tmp_path / "broken.yaml"
    file.write_text("/**:\n  tracking: {exit_after_s: 3}\n")
    with pytest.raises(ConfigError, match=r"broken\.yaml"):
        graph.start("--params-file", file)


def test_a_node_with_a_wrong_file_ends_with_exit_code_2(processes, tmp_path):
    file = tmp_path / "wrong.yaml"
    file.write_text("/**:\n  ros__parameters:\n    camera: {jpg_quality: 80}\n")
    node = processes.node("overlay", "-r", "__ns:=/robot1", "--params-file", file)
    assert node.popen.wait(60) == 2
    assert f"facetrack: {file}: unknown setting camera.jpg_quality" in node.said()
    assert "Traceback" not in node.said()
