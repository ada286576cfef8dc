"""``forget_person`` and ``facetrack forget``: robots of a mesh forget, where they allow it."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from forget_folder import ANN, ANN_TOO, BEN, CONTRACT, ON_FORGETTING, START, TracedRobot, files_with, unit
from robot_processes import wait_until

from facetrack_ros.concurrency.worker import FifoMailbox, Worker, run_calls
from facetrack_ros.config import Config
from facetrack_ros.errors import InvalidInput
from facetrack_ros.history.forget.receipts import Receipts
from facetrack_ros.history.people.merge_log import MergeLog
from facetrack_ros.history.people.recall import load_people_tracker
from facetrack_ros.srv import ForgetPerson
from facetrack_ros.tracking.identity.gallery import GalleryEntry
from facetrack_ros.tracking.identity.shared_template import SharedTemplate
from facetrack_ros.tracking.identity_merges import MergeDecision

FACETRACK = Path(sys.executable).parent / "facetrack"


@pytest.fixture
def robot(graph):
    from facetrack_ros.nodes.history_node import HistoryNode
    from facetrack_ros.nodes.tracker_node import TrackerNode

    robot = TracedRobot(graph.folder / "data")

    def start(allow: bool) -> TracedRobot:
        graph.start()
        values = {"data_dir": str(robot.data), "allow_remote_changes": allow}
        member = {"robot_id": "robot1", "config": Config(values)}
        robot.tracker = TrackerNode(subscribe=False, **member)
        graph.spin(HistoryNode(subscribe=False, **member), robot.tracker)
        return robot

    robot.start = start
    return robot


def forget(graph, **values):
    return graph.call(ForgetPerson, "/robot1/forget_person", ForgetPerson.Request(**values))


def test_a_robot_forgets_where_it_allows_it(graph, robot):
    from builtin_interfaces.msg import Time

    robot.start(allow=True)
    tried = forget(graph, embedding=unit(1, 900), model_id="net", dry_run=True)
    assert tried.success, tried.message
    assert ANN in tried.person_ids
    assert list(tried.names) == ["Ann"]
    assert files_with(robot.data, robot.ann_frames)
    words = ("forget", "--name", "Ann", "--robot", "robot1", "--operator", "dana", "--reason", "asked", "--json")
    done = subprocess.run([str(FACETRACK), *words], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done
    (line,) = json.loads(done.stdout)["robots"]
    assert (line["error"], line["names"], line["receipt"]["operator"]) == ("", ["Ann"], "dana")
    assert line["receipt"]["found"]["gallery_entries"] == 1
    assert files_with(robot.data, robot.ann_frames + robot.ann_faces()) == {}
    assert files_with(robot.data, robot.ann_words(), but=ON_FORGETTING) == {}
    assert forget(graph, person_id=ANN, dry_run=True).nothing
    again = forget(graph, start=Time(sec=1_700_000_040), end=Time(sec=1_700_000_044), operator_name="eve", yes=True)
    assert again.success, again.message
    assert json.loads(again.receipt)["found"]["sightings"] == {"net": 9}


def test_the_tracker_forgets_and_learns_nothing_of_it_from_others(graph, robot):
    from facetrack_ros.nodes.fleet.audit_writer import AuditWriter
    from facetrack_ros.nodes.fleet.people_sync import PeopleSync
    from facetrack_ros.nodes.fleet.roster_listener import RosterListener

    robot.start(allow=True)
    node, entry = robot.tracker, GalleryEntry("g_robot2_1", "Ann", "net", unit(1, 77), 0.9, stamp_ns=START)
    worker, audit = Worker("test", FifoMailbox(), run_calls), AuditWriter(node, lambda error: None)
    sync = PeopleSync(node, MergeLog(robot.path), worker, RosterListener(node), str, audit)
    people = load_people_tracker(robot.data, "robot1", Config(), CONTRACT)
    sync.connect(people)
    assert {ANN, ANN_TOO, BEN} <= people.persons().keys()
    assert not sync.newly_forgotten()
    forget(graph, person_id=ANN)
    assert sync.newly_forgotten()
    sync.forget()
    assert not {ANN, ANN_TOO} & people.persons().keys()
    assert BEN in people.persons()
    assert [decision.pair for decision in people.merges.decisions] == [(BEN, "p_robot2_9")]
    assert not people.gallery.remove("g_robot1_1")
    with pytest.raises(InvalidInput, match="was forgotten"):
        sync.on_template(SharedTemplate("robot2", "i", ANN_TOO, "net", unit(1, 3)[None], np.ones(1, np.float32)))
    with pytest.raises(InvalidInput, match="was forgotten"):
        sync.on_decision(MergeDecision("a_1", ANN, BEN, True, "op", True, 1, START, "by eye"))
    sync.on_entry(entry)  # the same face, enrolled before
    assert not people.gallery.remove("g_robot2_1")


def test_a_robot_that_was_away_forgets_before_it_answers(graph):
    from facetrack_ros.nodes.history_node import HistoryNode

    robot = TracedRobot(graph.folder / "data", "robot2")
    member = {"config": Config({"data_dir": str(robot.data), "allow_remote_changes": True}), "subscribe": True}
    graph.start()
    graph.spin(HistoryNode(robot_id="robot1", **member))
    words = ("forget", "--person", ANN, "--json")
    asked = subprocess.run([str(FACETRACK), *words], capture_output=True, text=True, timeout=60)
    assert asked.returncode == 1, asked.stdout  # robot1, which is alone, has nothing
    assert files_with(robot.path, robot.ann_frames)
    graph.spin(HistoryNode(robot_id="robot2", **member))
    wait_until(lambda: any(robot.path.glob("receipts-2*.jsonl")), "a receipt of robot2")
    assert files_with(robot.path, robot.ann_frames + robot.ann_faces()) == {}
    assert files_with(robot.path, robot.ann_words(), but=(*ON_FORGETTING, "requests")) == {}
    (receipt,) = Receipts(robot.path, "robot2").read()
    assert receipt["order_id"] == json.loads(asked.stdout)["order_id"]


def test_a_robot_forgets_nothing_for_anyone_on_the_network(graph, robot):
    robot.start(allow=False)
    refused = forget(graph, person_id=ANN)
    assert not refused.success
    assert "allow_remote_changes" in refused.message
    assert not forget(graph, person_id="no id!").success
    assert files_with(robot.data, robot.ann_frames)
