"""``list_people``: every robot of the roster lists its persons, or is named."""

import pytest

from facetrack_ros.config import Config
from facetrack_ros.core.fleet.fleet_request import to_bytes
from facetrack_ros.msg import FleetReceipt, FleetRequest, HistoryStatus
from facetrack_ros.nodes.base.qos import HEARTBEAT_PUB, SEARCH_REQUEST_PUB, SEARCH_RESULT_PUB
from facetrack_ros.nodes.conversion.fields import byte_array
from facetrack_ros.nodes.conversion.time import to_duration
from facetrack_ros.srv import ListPeople


@pytest.fixture
def fleet(graph):
    """robot1 with its history and search nodes; other robots as their messages."""
    from facetrack_ros.nodes.history_node import HistoryNode
    from facetrack_ros.nodes.search_node import SearchNode

    graph.start()
    member = {"robot_id": "robot1", "config": Config({"data_dir": str(graph.folder / "data")})}
    graph.spin(HistoryNode(subscribe=False, **member), SearchNode(**member))
    graph.heartbeats = graph.client.create_publisher(HistoryStatus, "/facetrack/roster", HEARTBEAT_PUB)
    graph.results = graph.client.create_publisher(FleetReceipt, "/facetrack/fleet/receipt", SEARCH_RESULT_PUB)
    return graph


def listed(graph, timeout_s=1.0):
    return graph.call(
        ListPeople, "/robot1/list_people", ListPeople.Request(timeout=to_duration(round(timeout_s * 1e9)))
    )


def heard(graph, wait_until, robot="robot2"):
    """The first answer that knows another robot."""
    graph.heartbeats.publish(HistoryStatus(robot_id=robot, instance_id="i"))
    found = []

    def known():
        found[:] = [listed(graph)]
        lines = [*found[0].not_listed, *found[0].robots]
        return robot in {line.robot_id for line in lines}

    wait_until(known, f"{robot} is known")
    return found[0]


PERSON = {"persons": {"ids": ["p_1"], "sightings": [1], "first_ns": [1], "last_ns": [1]}}


def receipt(robot, instance, values, state=FleetReceipt.DONE, reason=""):
    body = byte_array(to_bytes(values))
    return FleetReceipt(robot_id=robot, instance_id=instance, state=state, reason=reason, body=body, parts=1)


def answer(graph, *receipts):
    """Answer every request with these receipts."""

    def on_request(request):
        for each in receipts:
            each.request_id = request.id
            graph.results.publish(each)

    graph.client.create_subscription(FleetRequest, "/facetrack/fleet/request", on_request, SEARCH_REQUEST_PUB)


def test_a_robot_alone_lists_itself_at_once(fleet):
    response = listed(fleet, 60.0)
    assert response.success
    assert response.complete
    assert [robot.robot_id for robot in response.robots] == ["robot1"]


def test_a_silent_robot_is_named(fleet, processes):
    response = heard(fleet, processes.wait_until)
    assert not response.complete
    assert [line.robot_id for line in response.not_listed] == ["robot2"]
    assert "robot2" in response.message


def test_lists_that_are_malformed_refused_or_not_whole_are_named_and_do_no_harm(fleet, processes):
    broken = {"persons": {"ids": ["p_1", "p_2"], "sightings": [1], "first_ns": [1], "last_ns": [1]}}
    answer(
        fleet,
        receipt("robot2", "i", broken),
        receipt("robot3", "i", PERSON | {"error": "cut"}),
        receipt("robot4", "i", {}, FleetReceipt.REFUSED, "not for you"),
        FleetReceipt(),
    )
    for robot in ("robot2", "robot3", "robot4"):
        heard(fleet, processes.wait_until, robot)
    reasons = {}

    def all_arrived():
        reasons.clear()
        reasons.update({line.robot_id: line.reason for line in listed(fleet).not_listed})
        return not any("in time" in reason for reason in reasons.values())

    processes.wait_until(all_arrived, "all receipts arrive")
    assert set(reasons) == {"robot2", "robot3", "robot4"}
    assert "cannot be used" in reasons["robot2"]
    assert (reasons["robot3"], reasons["robot4"]) == ("cut", "not for you")
    lines = {robot.robot_id: list(robot.person_ids) for robot in listed(fleet).robots}
    assert lines == {"robot1": [], "robot3": ["p_1"]}


def test_lists_forged_in_a_robots_name_are_not_used_and_told(fleet, processes):
    answer(fleet, receipt("robot2", "forged", {}), receipt("robot2", "i", PERSON), receipt("robot9", "", {}))
    heard(fleet, processes.wait_until)
    lines = listed(fleet)
    assert {robot.robot_id: list(robot.person_ids) for robot in lines.robots} == {"robot1": [], "robot2": ["p_1"]}
    assert not lines.complete
    reasons = {line.robot_id: line.reason for line in lines.not_listed}
    assert set(reasons) == {"robot2", "robot9"}
    assert all("no heartbeat of its sender came" in reason for reason in reasons.values())


def test_of_two_lists_of_one_process_the_first_is_used_and_the_clash_told(fleet, processes):
    answer(fleet, receipt("robot2", "i", PERSON))
    heard(fleet, processes.wait_until)
    fleet.heartbeats.publish(HistoryStatus(robot_id="robot3", instance_id="silent"))  # the list waits for it
    answer(fleet, receipt("robot2", "i", {}))
    processes.wait_until(
        lambda: any("two different answers" in line.reason for line in listed(fleet).not_listed), "the clash is told"
    )


def test_a_list_in_parts_is_put_together(fleet, processes, monkeypatch):
    monkeypatch.setattr("facetrack_ros.core.fleet.fleet_request.MOST_PART_BYTES", 30)
    response = listed(fleet)
    assert response.complete
    assert [robot.robot_id for robot in response.robots] == ["robot1"]
