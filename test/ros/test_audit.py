"""A robot's audit log: what it records, what it refuses without a reason, and what it hears of the logs of others."""

import json
import time

import numpy as np
import pytest

from facetrack_ros import msg, srv
from facetrack_ros.config import Config
from facetrack_ros.history.audit.audit_log import AuditLog
from facetrack_ros.history.audit.verification import verify_chain
from facetrack_ros.models.catalog import MOBILEFACENET
from facetrack_ros.nodes.base.qos import HEARTBEAT_PUB, RELIABLE
from facetrack_ros.nodes.conversion.fields import float_array
from facetrack_ros.nodes.conversion.time import to_duration, to_time

POLICY = {"audit.require_reason": True, "allow_remote_changes": True}


@pytest.fixture
def history(graph):
    """The history node of robot1 alone, which demands reasons."""
    from facetrack_ros.nodes.history_node import HistoryNode

    graph.start()
    config = Config({"data_dir": str(graph.folder), **POLICY})
    node = HistoryNode(robot_id="robot1", cameras=("front",), config=config)
    node.open_history(MOBILEFACENET)
    graph.spin(node)
    return node


def records(graph, *kinds):
    return list(AuditLog(graph.folder / "robot1", "robot1").records(kinds))


def test_what_lacks_a_reason_is_refused_and_recorded(graph, history, processes):
    results = []
    graph.client.create_subscription(msg.FaceSearchResult, "/facetrack/search/result", results.append, RELIABLE)
    requests = graph.client.create_publisher(msg.FaceSearchRequest, "/facetrack/search/request", RELIABLE)
    processes.wait_until(lambda: requests.get_subscription_count(), "the robot's subscription")
    face = np.zeros(MOBILEFACENET.dimension, np.float32)
    face[0] = 1.0
    asked = {"asker": "robot2", "model_id": MOBILEFACENET.id, "embedding": float_array(face), "threshold": 0.5}
    asked |= {"timeout": to_duration(2 * 10**9), "max_results": 5}
    for search, who in (("s1", {"operator_name": "ada"}), ("s2", {"operator_name": "ada", "reason": "lost"})):
        requests.publish(msg.FaceSearchRequest(search_id=search, **who, **asked))
    processes.wait_until(lambda: {result.search_id for result in results} == {"s1", "s2"}, "both are answered")
    said = {result.search_id: result.robot for result in results}
    assert said["s1"].status == "error"
    assert "without reason" in said["s1"].error
    assert said["s2"].status == "answered", said["s2"].error
    processes.wait_until(lambda: len(records(graph, "search")) == 2, "both are recorded")
    assert [(each["operator"], each["reason"], each["status"]) for each in records(graph, "search")] == [
        ("ada", "", "error"),
        ("ada", "lost", "answered"),
    ]
    assert not any(each["operator_verified"] or each["signed_by"] for each in records(graph, "search"))
    for kind, name in (
        (srv.GetFrames, "get_frames"),
        (srv.SaveClip, "save_clip"),
        (srv.VerifyMatch, "verify_match"),
        (srv.ForgetPerson, "forget_person"),
    ):
        fields = {"search_id": "s2", "match": "robot1:00000000"} if kind is srv.VerifyMatch else {}
        fields = {"person_id": "p_robot1_1"} if kind is srv.ForgetPerson else fields
        answer = graph.call(kind, f"/robot1/{name}", kind.Request(operator_name="ada", **fields))
        assert not answer.success
        assert "without reason" in answer.message


def test_start_settings_and_stop_are_recorded(graph, history):
    assert graph.set("/robot1/history", "sightings.max_age_h", 24.0) is None
    history.cleanup()
    start, changed, stop = records(graph)
    assert (start["kind"], stop["kind"]) == ("start", "stop")
    assert start["settings"]["audit.max_age_days"] == 183
    assert changed["changes"] == {"sightings.max_age_h": {"from": 0.0, "to": 24.0}}
    chain = AuditLog(graph.folder / "robot1", "robot1").chain
    assert verify_chain(chain).intact
    assert history.audit.status.head == chain.head()


def test_a_log_of_another_robot_that_was_cut_short_is_told(graph, history, processes, monkeypatch):
    monkeypatch.setattr("facetrack_ros.nodes.fleet.history_audit.SAVE_S", 0.1)
    heartbeats = graph.client.create_publisher(msg.HistoryStatus, "/facetrack/roster", HEARTBEAT_PUB)

    def tell(instance, number, opened):
        audit = {"audit_number": number, "audit_hash": f"{number:064x}"}
        audit |= {"audit_opened_number": opened, "audit_opened_hash": f"{opened:064x}"}
        stamp = to_time(time.time_ns())
        heartbeats.publish(msg.HistoryStatus(stamp=stamp, robot_id="robot2", instance_id=instance, **audit))

    def heard(instance, number, opened, condition):
        def told():
            tell(instance, number, opened)
            return condition()

        processes.wait_until(told, "the heartbeat is heard")

    def remembered():
        file = graph.folder / "robot1" / "peer-heads.json"
        history.audit.stop()  # keeps what was heard
        return file.exists() and json.loads(file.read_text())["robot2"]["number"] == 20

    heard("one", 20, 5, remembered)
    assert history.audit.status.warnings == ()
    heard("two", 25, 18, lambda: bool(history.audit.status.warnings))  # cut to 18 while it was off; it has grown since
    (warning,) = history.audit.status.warnings
    assert "robot2 was cut short" in warning
    assert [record["robot"] for record in records(graph, "warning")] == ["robot2"]
    shown = processes.run("status")
    assert warning in shown.stdout
