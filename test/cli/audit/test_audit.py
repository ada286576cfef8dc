"""``facetrack audit`` and ``facetrack verify`` on stored histories."""

import csv
import json
import stat
from dataclasses import replace

import numpy as np
import pytest

from facetrack_ros.cli.main import main
from facetrack_ros.history.audit.audit_log import FRAMES, SEARCH, START, AuditLog
from facetrack_ros.history.audit.peer_heads import PeerHeads
from facetrack_ros.history.audit.reason import who_asked
from facetrack_ros.history.audit.verifications import MatchJudgement, MatchVerifications
from facetrack_ros.history.layout import robot_folder
from facetrack_ros.search.audit.records import input_digest, match_id, search_record
from facetrack_ros.search.request import SearchRequest
from facetrack_ros.search.response import ANSWERED, Match, RobotResponse

NOW_NS = 1_700_000_000 * 10**9
MATCH = Match("robot1", "front", "p_1", "t_1", 7, NOW_NS, NOW_NS, NOW_NS, np.zeros(4), np.zeros(4), 0.9, 0.5)
REQUEST = SearchRequest("s1", np.array([1.0, 0.0], np.float32), "net", threshold=0.5, operator="ada", reason="lost")


@pytest.fixture
def data(tmp_path):
    """Two robots; robot1 was searched, and robot2 remembers its log."""
    logs = {robot: AuditLog(robot_folder(tmp_path, robot), robot) for robot in ("robot1", "robot2")}
    for log in logs.values():
        log.append(START, {"model_id": "net"}, NOW_NS - 10**9)
    logs["robot1"].append(SEARCH, search_record(REQUEST, RobotResponse("robot1", ANSWERED, 1, 10), (MATCH,)), NOW_NS)
    logs["robot1"].append(FRAMES, {"operator": "=grace", "reason": "", "camera": "front"}, NOW_NS + 10**9)
    peers = PeerHeads(tmp_path / "robot2")
    peers.note("robot1", logs["robot1"].chain.head(), logs["robot1"].chain.empty_head, NOW_NS)
    peers.save()
    return tmp_path


@pytest.fixture
def run(capsys):
    def run(*arguments):
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        return ended.value.code, capsys.readouterr()

    return run


def verified(run, data, *more):
    code, said = run("audit", "verify", "--data", data, "--json", *more)
    return code, {line["robot_id"]: line for line in map(json.loads, said.out.splitlines()) if line["log"] == "audit"}


def test_the_records_are_listed_by_time_and_chosen(run, data):
    code, said = run("audit", "list", "--data", data, "--json")
    assert code == 0
    assert [json.loads(line)["kind"] for line in said.out.splitlines()] == ["start", "start", "search", "frames"]
    code, said = run("audit", "list", "--data", data, "--by", "ada")
    assert code == 0
    assert "ada (lost)" in said.out
    assert run("audit", "list", "--data", data, "--kind", "clip")[0] == 1
    assert run("audit", "list", "--data", data, "--from", "2023-11-14T22:13:21")[1].out.count("\n") == 1


def test_a_line_says_whether_a_signature_proves_who_asked(run, data):
    log = AuditLog(data / "robot2", "robot2")
    for operator, asker, signed_by in (
        ("alice", "", "alice"),
        ("alice", "", "robot1"),
        ("", "robot3", "robot1"),
        ("", "", "robot1"),
    ):
        log.append(FRAMES, {**who_asked(operator, "lost", signed_by), "asker": asker}, NOW_NS)
    said = run("audit", "list", "--data", data, "--kind", "frames")[1].out.splitlines()
    shown = [line.partition(" frames ")[2].strip() for line in said]
    assert shown == [
        "alice (lost) [verified]:",
        "alice (lost) [claimed, as robot1 passes it on]:",
        "robot3 (lost) [claimed, as robot1 passes it on]:",
        "robot1 (lost) [verified]:",
        "=grace [claimed]: camera front",
    ]


def test_an_unchanged_log_is_compared_with_what_other_robots_remember(run, data):
    code, logs = verified(run, data)
    assert code == 0
    assert (logs["robot1"]["records"], logs["robot1"]["known_by"]) == (3, ["robot2"])
    assert "unchanged" in run("audit", "verify", "--data", data)[1].out


def test_one_changed_byte_is_found(run, data):
    path = next((data / "robot1").glob("audit-2*.jsonl"))
    path.write_bytes(path.read_bytes().replace(b'"operator":"ada"', b'"operator":"bob"'))
    code, logs = verified(run, data)
    assert code == 3
    assert f"{path.name}:2" in logs["robot1"]["problems"][0]
    assert logs["robot2"]["problems"] == []


def test_a_log_cut_off_with_its_head_is_found_by_the_other_robot(run, data):
    for path in (data / "robot1").glob("audit-*"):
        path.unlink()
    AuditLog(data / "robot1", "robot1").append(START, {"model_id": "net"}, NOW_NS)
    code, logs = verified(run, data)
    assert code == 3
    assert "robot2 knows it" in logs["robot1"]["problems"][0]
    assert verified(run, data / "robot1")[0] == 0  # nothing here tells
    assert verified(run, data / "robot1", "--peers", data / "robot2")[0] == 3


def test_an_export_is_written_once_readable_and_recorded(run, data, tmp_path):
    for form in ("json", "csv"):
        out = tmp_path / f"audit.{form}"
        arguments = ("audit", "export", "--data", data, "--robot", "robot1", "--format", form, "--out", out)
        assert run(*arguments, "--operator", "eve", "--reason", "an inspection")[0] == 0
        assert stat.S_IMODE(out.stat().st_mode) == 0o600
        assert run(*arguments)[0] == 2
    lines = [json.loads(line) for line in (tmp_path / "audit.json").read_text().splitlines()]
    assert [line["kind"] for line in lines] == ["start", "search", "frames"]
    rows = list(csv.DictReader((tmp_path / "audit.csv").open()))
    assert [row["operator"] for row in rows] == ["", "ada", "'=grace", "eve"]
    assert json.loads(rows[1]["details"])["search_id"] == "s1"
    last = list(AuditLog(data / "robot1", "robot1").records())[-1]
    assert (last["kind"], last["operator"], last["reason"], last["records"]) == ("export", "eve", "an inspection", 4)


def test_a_match_is_verified_by_one_person_or_by_two(run, data, tmp_path):
    policy = tmp_path / "policy.yaml"
    policy.write_text("audit: {confirmations: 2, require_reason: true}")
    verify = ("verify", "s1", match_id(MATCH), "confirm", "--data", data)
    assert run(*verify, "--config", policy, "--operator", "ada")[0] == 2
    code, said = run(*verify, "--config", policy, "--operator", "ada", "--reason", "the scar")
    assert code == 0
    assert "is unverified: confirmed by 1 of 2 persons" in said.out
    code, said = run(*verify, "--config", policy, "--operator", "bob", "--reason", "the scar", "--json")
    assert json.loads(said.out)["state"] == "confirmed"
    code, said = run("verify", "s1", match_id(MATCH), "reject", "--data", data, "--operator", "eve")
    assert "is rejected" in said.out
    matches = MatchVerifications(data / "robot1", "robot1")
    votes = {"ada": "confirmed", "bob": "confirmed", "eve": "rejected"}
    assert matches.of_input(input_digest(REQUEST), 2) == {match_id(MATCH): MatchJudgement("rejected", votes)}
    other = replace(REQUEST, embedding=np.array([0.0, 1.0], np.float32))
    assert matches.of_input(input_digest(other), 2) == {}, "another face was asked for"
    assert verified(run, data)[0] == 0


@pytest.mark.parametrize("match", ["robot1:00000000", "robot9:00000000", "5e1f90ab", "robot1:x"])
def test_an_unknown_match_is_refused_in_a_sentence(run, data, match):
    code, said = run("verify", "s1", match, "confirm", "--data", data)
    assert code == 2
    assert said.err.startswith("facetrack verify: ")
