"""Searches over robots that restart, share a name or send malformed results; over DDS, all nodes in this process."""

import time
from contextlib import contextmanager

import numpy as np
import pytest

from facetrack_ros import msg
from facetrack_ros.client.fleet_client import FleetClient
from facetrack_ros.config import Config
from facetrack_ros.models import catalog
from facetrack_ros.nodes.base.qos import HEARTBEAT_PUB, RELIABLE, SEARCH_RESULT_PUB
from facetrack_ros.nodes.conversion.fields import float_array
from facetrack_ros.nodes.conversion.time import to_duration
from facetrack_ros.nodes.health.status import ERROR
from facetrack_ros.nodes.history_node import HistoryNode
from facetrack_ros.nodes.search_node import SearchNode
from facetrack_ros.srv import FaceSearch

MODEL = "mobilefacenet_foamliu"
DIMENSION = 128


@pytest.fixture
def mesh(monkeypatch, domain, tmp_path):
    """A client, the search and history node of robot1, and a way to add history nodes of other robots."""
    monkeypatch.setenv("ROS_DOMAIN_ID", str(domain))
    monkeypatch.setenv("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    with FleetClient("robot1") as asker:
        here = Mesh(asker, tmp_path)
        here.search = here.add(SearchNode, "robot1")
        here.add(HistoryNode, "robot1")
        yield here
        for node in here.nodes:
            node.end()


class Mesh:
    def __init__(self, asker, folder):
        self.asker, self.folder, self.nodes = asker, folder, []

    def add(self, kind, robot, folder=None):
        named = {"subscribe": False} if kind is HistoryNode else {}
        config = Config({"data_dir": str(folder or self.folder)})
        node = kind(robot_id=robot, cameras=("front",), config=config, **named)
        node.start_up()
        self.nodes.append(node)
        self.asker.node.executor.add_node(node)
        return node

    def search_robots(self, timeout_s=10.0, robots=()):
        face = np.eye(DIMENSION, dtype=np.float32)[0]
        response, _ = self.asker.search(
            FaceSearch.Request(
                embedding=float_array(face),
                model_id=MODEL,
                robots=list(robots),
                timeout=to_duration(round(timeout_s * 1e9)),
            ),
            timeout_s,
        )
        self.response = response
        return {line.robot_id: line for line in response.robots}

    def search_until(self, condition, timeout_s=10.0):
        deadline = time.monotonic() + 30.0
        while not condition(lines := self.search_robots(timeout_s)):
            assert time.monotonic() < deadline, lines
            time.sleep(0.05)
        return lines

    @contextmanager
    def pretender(self, robot, answer=None, instance_id="pretender"):
        """A robot that sends heartbeats and the results that ``answer`` makes of a request."""
        node = self.asker.node
        lines = node.create_publisher(msg.HistoryStatus, "/facetrack/roster", HEARTBEAT_PUB)
        results = node.create_publisher(msg.FaceSearchResult, "/facetrack/search/result", SEARCH_RESULT_PUB)
        received = []

        def on_request(request):
            received.append(request)
            for result in answer(request) if answer else ():
                results.publish(result)

        requests = node.create_subscription(msg.FaceSearchRequest, "/facetrack/search/request", on_request, RELIABLE)
        line = msg.HistoryStatus(robot_id=robot, instance_id=instance_id, model_id=MODEL)
        timer = node.create_timer(0.2, lambda: lines.publish(line))
        yield received
        for destroy, what in (
            (node.destroy_timer, timer),
            (node.destroy_subscription, requests),
            (node.destroy_publisher, lines),
            (node.destroy_publisher, results),
        ):
            destroy(what)


def answered(request, robot, similarity=0.9, whose=None, instance_id="pretender", note=""):
    return msg.FaceSearchResult(
        search_id=request.search_id,
        instance_id=instance_id,
        model_id=MODEL,
        robot=msg.RobotAnswer(
            robot_id=robot, status="answered", matches=1, sightings=1, instance_id=instance_id, note=note
        ),
        matches=[msg.FaceMatch(robot_id=whose or robot, camera_id="front", similarity=similarity)],
    )


def stored(mesh, folder, similarity):
    """A history node of robot2 in a folder of its own, with one sighting."""
    node = mesh.add(HistoryNode, "robot2", folder)
    node.open_history(catalog.known(MODEL))
    vector = np.zeros(DIMENSION, np.float32)
    vector[0], vector[1] = similarity, np.sqrt(1 - similarity**2)
    box, stamp = np.zeros(4, np.float32), time.time_ns()
    node.history.sightings.note_frame("front", stamp)
    node.history.sightings.add("front", stamp, 1, "t1", "", box, box, 0.5, vector, bytes)
    node.history.flush()
    return node


def test_two_robots_of_one_name_are_both_asked_and_told_apart(mesh, tmp_path, processes):
    for name, similarity in (("here", 0.9), ("there", 0.1)):
        stored(mesh, tmp_path / name, similarity)
    mesh.search_until(lambda lines: "robot2 (2 of that name)" in lines)
    found = set()
    for _ in range(20):
        lines = mesh.search_robots()
        two = [lines["robot2"], lines["robot2 (2 of that name)"]]
        assert {line.status for line in two} == {"answered"}
        assert all("2 robots call themselves robot2" in line.error for line in two)
        assert [line.matches for line in two].count(1) == 1
        found.add(tuple((match.robot_id, round(match.similarity, 3)) for match in mesh.response.matches))
    assert len(found) == 1, "twenty identical searches give one answer"
    assert len({line.instance_id for line in two}) == 2
    assert lines["robot1"].error == ""
    claims = {"robot1": 1, "robot2": 2}
    processes.wait_until(
        lambda: {entry.robot_id: entry.claims for entry in mesh.asker.entries()} == claims, "both are still heard"
    )
    processes.wait_until(lambda: mesh.search._report().level == ERROR, "the conflict is an error in the diagnostics")
    assert "2 robots on the mesh are called robot2" in mesh.search._report().sentence
    status = processes.run("status")
    assert status.returncode == 3, (status.stdout, status.stderr)
    assert status.stdout.count("2 robots call themselves robot2") == 2, "a block for each"


def test_a_robot_that_has_recorded_nothing_says_so(mesh):
    mesh.search_until(lambda lines: "robot1" in lines)
    assert not mesh.response.complete
    assert [gap.reason for gap in mesh.response.not_searched] == [
        "robot1 has recorded nothing: its history waits for the first faces"
    ]
    assert "has recorded nothing" in mesh.response.message


def test_what_a_folder_holds_is_searched_before_its_history_is_open(mesh, tmp_path):
    node = stored(mesh, tmp_path / "later", 0.9)
    history, node.history = node.history, None
    history.close()
    lines = mesh.search_until(lambda lines: "robot2" in lines and lines["robot2"].status == "answered")
    assert (lines["robot2"].matches, lines["robot2"].sightings) == (1, 1)


def test_a_robot_that_restarts_during_a_search_is_not_waited_for(mesh):
    node = mesh.asker.node
    successor = node.create_publisher(msg.HistoryStatus, "/facetrack/roster", HEARTBEAT_PUB)

    def start_again(request):
        if request.robots == ["robot2"]:  # the repeated request
            successor.publish(msg.HistoryStatus(robot_id="robot2", instance_id="successor", model_id=MODEL))

    with mesh.pretender("robot2"):
        mesh.search_until(lambda lines: "robot2" in lines, timeout_s=0.3)
        node.create_subscription(msg.FaceSearchRequest, "/facetrack/search/request", start_again, RELIABLE)
        lines = mesh.search_robots(timeout_s=60.0)
    assert lines["robot2"].status == "left"
    assert "restarted" in lines["robot2"].error


def test_a_lost_result_is_requested_again_and_counts_once(mesh):
    def second_time(request):
        return [answered(request, "robot2")] * 3 if request.robots == ["robot2"] else ()

    with mesh.pretender("robot2", second_time):
        lines = mesh.search_until(lambda lines: "robot2" in lines and lines["robot2"].status == "answered")
    assert set(lines) == {"robot1", "robot2"}
    assert lines["robot2"].matches == 1


def test_a_repeated_request_gets_the_stored_result(mesh):
    received = []
    mesh.asker.node.create_subscription(
        msg.FaceSearchResult, "/facetrack/search/result", received.append, SEARCH_RESULT_PUB
    )
    requests = mesh.asker.node.create_publisher(msg.FaceSearchRequest, "/facetrack/search/request", RELIABLE)
    request = msg.FaceSearchRequest(search_id="s1", model_id=MODEL, embedding=np.eye(DIMENSION, dtype=np.float32)[0])
    deadline = time.monotonic() + 30.0
    while len(received) < 3:
        assert time.monotonic() < deadline
        requests.publish(request)
        time.sleep(0.1)
    assert len({(result.search_id, result.robot.elapsed_ms) for result in received}) == 1


def test_a_malformed_result_is_an_error_of_its_robot_and_unknown_ones_are_dropped(mesh):
    def malformed(request):
        yield msg.FaceSearchResult(search_id="unknown")
        yield msg.FaceSearchResult(search_id=request.search_id)  # without a robot
        yield answered(request, "robot2", similarity=float("nan"))

    with mesh.pretender("robot2", malformed), mesh.pretender("", instance_id="nameless"):
        lines = mesh.search_until(lambda lines: "robot2" in lines)
    assert lines["robot2"].status == "error"
    assert "a similarity of nan" in lines["robot2"].error
    assert set(lines) == {"robot1", "robot2"}
    assert lines["robot1"].status == "answered"


def test_a_robot_that_leaves_during_a_search_is_not_waited_for(mesh):
    other = mesh.add(HistoryNode, "robot2")
    mesh.search_until(lambda lines: "robot2" in lines and lines["robot2"].status == "answered")
    mesh.nodes.remove(other)
    other.close()
    other.destroy_node()
    lines = mesh.search_until(lambda lines: lines["robot2"].status == "left")
    assert lines["robot1"].status == "answered"


def test_results_forged_in_a_robots_name_do_not_count_and_are_told(mesh, tmp_path):
    """A peer says "no match" in the name of robot2, and in names that nobody has, before robot2 answers."""
    stored(mesh, tmp_path / "there", 0.9)

    def forged(request):
        nothing = msg.RobotAnswer(robot_id="robot2", status="answered", sightings=1000)
        yield msg.FaceSearchResult(search_id=request.search_id, instance_id="forged", model_id=MODEL, robot=nothing)
        yield answered(request, "ghost", instance_id="ghost")

    mesh.search_until(lambda lines: "robot2" in lines)
    with mesh.pretender("robot3", forged):
        lines = mesh.search_until(lambda lines: "robot3" in lines, timeout_s=1.0)
    assert (lines["robot2"].status, lines["robot2"].matches) == ("answered", 1)
    assert "ghost" not in lines
    assert not mesh.response.complete
    told = [gap.reason for gap in mesh.response.not_searched]
    assert any("in the name of 'robot2'" in reason for reason in told), told
    assert mesh.search._client.forged > 0


def test_two_different_results_of_one_process_are_told(mesh):
    def twice(request):
        yield answered(request, "robot2", note="first")
        yield answered(request, "robot2", note="second")

    with mesh.pretender("robot2", twice), mesh.pretender("silent", instance_id="silent"):
        mesh.search_until(lambda lines: {"robot2", "silent"} <= set(lines), timeout_s=1.0)
        mesh.search_until(
            lambda _: any("two different answers" in gap.reason for gap in mesh.response.not_searched), timeout_s=1.0
        )
    assert {line.robot_id: line.note for line in mesh.response.robots}["robot2"] == "first"


def test_no_other_question_is_asked_under_the_id_of_a_search(mesh, tmp_path, processes):
    """A peer that hears a request asks the robots another question under the same id."""
    node, requests = stored(mesh, tmp_path / "there", 0.9), mesh.asker.node
    publisher = requests.create_publisher(msg.FaceSearchRequest, "/facetrack/search/request", RELIABLE)

    def ask_otherwise(request):
        if request.embedding[1] == 0.0:
            request.embedding = np.eye(DIMENSION, dtype=np.float32)[1]
            publisher.publish(request)

    requests.create_subscription(msg.FaceSearchRequest, "/facetrack/search/request", ask_otherwise, RELIABLE)
    for _ in range(5):
        lines = mesh.search_until(lambda lines: "robot2" in lines)
        assert lines["robot2"].matches == 1
    processes.wait_until(
        lambda: any("another question" in text for text in node.inbox.values().values()), "the other one is refused"
    )


def test_12000_made_up_robots_stop_no_search(mesh, tmp_path):
    stored(mesh, tmp_path / "there", 0.9)
    mesh.search_until(lambda lines: "robot2" in lines)
    lines = mesh.asker.node.create_publisher(msg.HistoryStatus, "/facetrack/roster", HEARTBEAT_PUB)
    for number in range(12_000):
        lines.publish(msg.HistoryStatus(robot_id=f"stranger{number}", instance_id="i", model_id=MODEL))
    found = mesh.search_robots()
    assert (found["robot1"].status, found["robot2"].status) == ("answered", "answered")
    assert found["robot2"].matches == 1
    assert len(found) < 600
    assert not mesh.response.complete, "robots may have been turned away, or are silent"


def test_200_searches_at_once_are_all_answered(mesh, tmp_path, processes):
    from rclpy.qos import QoSProfile

    stored(mesh, tmp_path / "there", 0.9)
    mesh.search_until(lambda lines: "robot2" in lines)
    client = mesh.asker.node.create_client(FaceSearch, "/robot1/face_search", qos_profile=QoSProfile(depth=500))
    assert client.wait_for_service(10.0)
    face = float_array(np.eye(DIMENSION, dtype=np.float32)[0])
    request = FaceSearch.Request(embedding=face, model_id=MODEL, timeout=to_duration(5_000_000_000))
    calls = [client.call_async(request) for _ in range(200)]
    processes.wait_until(lambda: all(call.done() for call in calls), "every call has a response")
    responses = [call.result() for call in calls]
    assert any(response.success for response in responses)
    for response in responses:
        if response.success:
            lines = {line.robot_id: line.status for line in response.robots}
            assert lines["robot2"] in ("answered", "busy")
            assert response.complete or response.not_searched
        else:
            assert "try again" in response.message
