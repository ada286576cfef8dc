"""Requests to the fleet that change something: done once by each robot, in order, also by robots that were away."""

import contextlib
import json
import uuid
from dataclasses import replace

import numpy as np
import pytest
from rclpy.callback_groups import ReentrantCallbackGroup
from robot_processes import wait_until

from facetrack_ros.client.asker_node import AskerNode
from facetrack_ros.config import Config
from facetrack_ros.core.fleet.kinds import ENROL, LIST_GALLERY, LIST_REQUESTS, MERGE, REMOVE, SPLIT
from facetrack_ros.history.people.gallery_store import GalleryStore
from facetrack_ros.history.people.merge_log import MergeLog
from facetrack_ros.nodes.base.process import spinning
from facetrack_ros.nodes.fleet.requests import request_server
from facetrack_ros.nodes.fleet.requests.request_sender import FleetRequestSender
from facetrack_ros.nodes.fleet.roster_listener import RosterListener
from facetrack_ros.search.fleet.people_json import decisions_to_json, entries_to_json
from facetrack_ros.tracking.identity.gallery import GalleryEntry
from facetrack_ros.tracking.identity_merges import MergeDecision

SECOND_NS = 1_000_000_000


class Fleet:
    """Robots as history nodes in this process, each to be ended and started again, and a requester."""

    def __init__(self, folder):
        self.data = folder / "data"
        self._robots = {}
        self._asker = AskerNode("/facetrack")
        self.roster = RosterListener(self._asker, immediate=True)
        self.sender = FleetRequestSender(self._asker, self.roster, ReentrantCallbackGroup())
        self._stack = contextlib.ExitStack()
        self._executor = self._stack.enter_context(spinning([self._asker]))

    def start(self, *robots):
        from facetrack_ros.nodes.history_node import HistoryNode

        for robot in robots:
            node = HistoryNode(robot_id=robot, config=Config({"data_dir": str(self.data)}))
            stack = contextlib.ExitStack()
            stack.enter_context(spinning([node]))
            self._robots[robot] = node, stack
        live = sorted(self._robots)
        wait_until(lambda: self.here() == live, lambda: f"{live} are heard, not {self.here()}")

    def here(self):
        return sorted(each.robot_id for each in self.roster.entries() if not (each.left or each.stale))

    def stop(self, robot):
        node, stack = self._robots.pop(robot)
        node.end()
        stack.close()
        node.destroy_node()
        wait_until(lambda: robot not in self.here(), f"{robot} is gone")

    def request(self, kind, values, **fields):
        return replace(self.sender.request(kind, values, 2.0), **fields)

    def ask(self, request, timeout_s=2.0):
        task = self._executor.create_task(self.sender.ask, request, timeout_s)
        wait_until(task.done, "the answer")
        return {line.robot_id: (line.state, line.values or line.reason) for line in task.result().lines}

    def done(self, robot):
        """Kinds of requests that a robot has done, in order of their issue, with their state."""
        state, values = self.ask(self.request(LIST_REQUESTS, {}))[robot]
        return (
            [(line["kind"], line.get("state")) for line in values["requests"]] if state == "done" else [(state, values)]
        )

    def gallery(self, robot):
        return [entry.entry_id for entry in GalleryStore(self.data / robot).read()]

    def end(self):
        for robot in list(self._robots):
            node, stack = self._robots.pop(robot)
            node.end()
            stack.close()
        self._stack.close()


@pytest.fixture
def fleet(graph, tmp_path):
    graph.start()
    fleet = Fleet(tmp_path)
    yield fleet
    fleet.end()


def enrolment(number=1, name="Ann"):
    entry = GalleryEntry(f"g_{number}", name, "m", np.eye(1, 8, dtype=np.float32)[0], 0.5, by="cli", stamp_ns=1)
    return {"entries": entries_to_json([entry])}


def decision(same, version):
    return MergeDecision(f"a_{version}", "p_1", "p_2", same, "ann", True, version, 1, "by eye")


def test_each_robot_does_what_is_asked_once_and_says_so(fleet):
    fleet.start("robot1", "robot2")
    request = fleet.request(ENROL, enrolment())
    first = fleet.ask(request)
    assert first == {robot: ("done", {"added": ["g_1"]}) for robot in ("robot1", "robot2")}
    assert fleet.ask(request) == first, "the receipt of the first time"
    listed = fleet.ask(fleet.request(LIST_GALLERY, {"embeddings": True}))
    assert all(len(values["entries"][0]["embedding"]) > 40 for _, values in listed.values())
    merge = {"ids": ["p_1", "p_2"], **decisions_to_json([decision(True, 1)])}
    assert fleet.ask(fleet.request(MERGE, merge))["robot1"] == ("done", {"new": ["a_1"]})
    split = {"ids": ["p_2"], **decisions_to_json([decision(False, 2)])}
    assert fleet.ask(fleet.request(SPLIT, split))["robot2"] == ("done", {"new": ["a_2"]})
    assert MergeLog(fleet.data / "robot2").read().canonical("p_2") == "p_2"
    state, why = fleet.ask(fleet.request(MERGE, merge))["robot1"]
    assert state == "refused"
    assert "counts more" in why
    removed = fleet.ask(fleet.request(REMOVE, {"name": "Ann"}))
    assert removed == {robot: ("done", {"deleted": ["g_1"]}) for robot in ("robot1", "robot2")}
    # The same id for something else, by whoever heard it.
    other = replace(fleet.request(ENROL, enrolment(2)), id=request.id)
    assert {state for state, _ in fleet.ask(other, 0.5).values()} == {"missing"}
    assert fleet.gallery("robot1") == []


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (ENROL, {"entries": [{"entry_id": "../x"}]}),
        (ENROL, {"entries": 5}),
        (ENROL, enrolment(name="")),
        (REMOVE, {}),
        (REMOVE, {"name": ""}),
        (MERGE, {"ids": ["p_1", "p_2"]}),
        (MERGE, {"ids": ["p_1", "p_2"], **decisions_to_json([decision(False, 1)])}),
        (SPLIT, {"ids": [], **decisions_to_json([decision(False, 1)])}),
        ("nonsense", {}),
    ],
)
def test_what_cannot_be_done_is_refused_with_the_reason(fleet, kind, values):
    fleet.start("robot1")
    state, why = fleet.ask(fleet.request(kind, values))["robot1"]
    assert state == "refused"
    assert why
    assert fleet.done("robot1") == [], "what no robot can do is not kept"


def test_a_robot_that_was_away_does_what_it_missed_in_order_after_restarts_of_either_side(fleet, processes):
    fleet.start("robot1", "robot2")
    fleet.stop("robot2")
    for number, name in ((1, "Ann"), (2, "Bob")):
        answer = fleet.ask(fleet.request(ENROL, enrolment(number, name)))
        assert answer["robot1"][0] == "done"
        assert answer["robot2"][0] == "missing"
    fleet.ask(fleet.request(REMOVE, {"name": "Ann"}))
    only_two = fleet.ask(fleet.request(ENROL, enrolment(3, "Eve"), robots=("robot2",)))
    assert only_two == {"robot2": ("missing", "it has left the mesh")}
    fleet.stop("robot1")
    fleet.start("robot1")
    fleet.start("robot2")
    everything = [(ENROL, "done"), (ENROL, "done"), (REMOVE, "done"), (ENROL, "done")]
    wait_until(lambda: fleet.done("robot2") == everything, lambda: f"it is done, and not {fleet.done('robot2')}")
    assert fleet.gallery("robot2") == ["g_2", "g_3"]
    assert fleet.gallery("robot1") == ["g_2"]
    assert fleet.done("robot1") == [*everything[:3], (ENROL, None)], "kept for robot2 only"
    told = processes.run("requests", "--json")
    assert told.returncode == 0, (told.stdout, told.stderr)
    requests = json.loads(told.stdout)["requests"]
    assert [[line["robot_id"] for line in each["answers"]] for each in requests] == [["robot1", "robot2"]] * 3 + [
        ["robot2"]
    ]
    assert {line["state"] for each in requests for line in each["answers"]} == {"done"}


def test_a_request_that_comes_late_is_as_if_it_had_come_in_order(fleet):
    fleet.start("robot1")
    early = fleet.request(ENROL, enrolment())
    late = fleet.request(REMOVE, {"name": "Ann"}, issued_ns=early.issued_ns + SECOND_NS)
    again = fleet.request(ENROL, enrolment(2), issued_ns=early.issued_ns + 2 * SECOND_NS)
    assert fleet.ask(late)["robot1"] == ("done", {"deleted": []})
    assert fleet.ask(again)["robot1"] == ("done", {"added": ["g_2"]})
    assert fleet.ask(early)["robot1"] == ("done", {"added": ["g_1"]})
    wait_until(lambda: fleet.gallery("robot1") == ["g_2"], "who was removed stays so")
    assert fleet.done("robot1") == [(ENROL, "done"), (REMOVE, "done"), (ENROL, "done")]


def test_what_a_killed_robot_had_begun_is_done_at_its_start(fleet):
    from facetrack_ros.history.requests.request_log import RequestLog

    log = RequestLog(fleet.data / "robot1")
    log.add(fleet.request(ENROL, enrolment()))
    fleet.start("robot1")
    wait_until(lambda: fleet.gallery("robot1") == ["g_1"], "it is done")
    wait_until(lambda: fleet.done("robot1") == [(ENROL, "done")], "and noted")


def test_a_busy_robot_is_missing_and_says_so(fleet, monkeypatch):
    monkeypatch.setattr(request_server, "MOST_OF_ONE", 0)
    fleet.start("robot1")
    state, why = fleet.ask(fleet.request(LIST_GALLERY, {}), 0.5)["robot1"]
    assert state == "missing"
    assert "busy" in why


def test_a_disk_that_takes_nothing_refuses_and_changes_nothing(fleet):
    fleet.start("robot1")
    (fleet.data / "robot1").mkdir(parents=True, exist_ok=True)
    blocked = fleet.data / "robot1" / "requests.jsonl"
    blocked.mkdir()
    state, why = fleet.ask(fleet.request(ENROL, enrolment()))["robot1"]
    assert state == "refused"
    assert "requests.jsonl" in why
    assert fleet.gallery("robot1") == []
    blocked.rmdir()
    assert fleet.ask(fleet.request(ENROL, enrolment()))["robot1"][0] == "done"


def test_a_robot_with_a_history_answers_once_it_has_asked_the_others(fleet, monkeypatch):
    monkeypatch.setattr("facetrack_ros.nodes.fleet.requests.catch_up.stored_models", lambda folder: ("m",))
    fleet.start("robot1")
    request = fleet.request(LIST_GALLERY, {}, id=uuid.uuid4().hex)
    assert fleet.ask(request, 8.0)["robot1"][0] == "done"
