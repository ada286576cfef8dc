"""Each search is recorded, without its reference face."""

import json

import numpy as np
import pytest

from facetrack_ros.errors import StoreError
from facetrack_ros.history.audit.audit_log import SEARCH, AuditLog
from facetrack_ros.search.audit.records import match_id, search_record
from facetrack_ros.search.request import SearchRequest
from facetrack_ros.search.response import ANSWERED, Match, RobotResponse

DAY_NS = 86_400 * 10**9
NOW_NS = 20_000 * DAY_NS + 5_000_000_000
UNIT = np.array([0.123456, 0.992350], np.float32)
OPTIONS = {"rescan": True, "face_crop": b"face", "requester": "robot2", "reference": "picture", "operator": "ada"}
REQUEST = SearchRequest(
    "s1", UNIT, "net", NOW_NS, 60 * 10**9, (), ("front",), 0.5, 20, reason="a lost child", **OPTIONS
)
MATCH = Match("robot1", "front", "p_1", "t1", 1, 5, 5, 6, np.zeros(4), np.zeros(4), 0.9, 0.5, b"thumbnail")


def append(folder, found=0, matches=(), now_ns=NOW_NS):
    record = search_record(REQUEST, RobotResponse("robot1", ANSWERED, found, 1000), matches)
    return AuditLog(folder, "robot1").append(SEARCH, record, now_ns)


def records(folder):
    return list(AuditLog(folder, "robot1").records())


def test_a_record_names_operator_reason_request_and_response(tmp_path):
    append(tmp_path, 7, (MATCH,))
    (record,) = records(tmp_path)
    assert record["timestamp"] == NOW_NS / 1e9
    assert (record["operator"], record["reason"], record["asker"]) == ("ada", "a lost child", "robot2")
    assert record["search_id"] == "s1"
    assert (record["reference"], record["model_id"], record["threshold"]) == ("picture", "net", 0.5)
    assert (record["cameras"], record["persons"], record["window_sec"]) == (["front"], ["p_1"], 60.0)
    assert (record["rescan"], record["found"], record["handed_out"], record["sightings"]) == (True, 7, 1, 1000)
    assert record["matches"] == [
        {"match": match_id(MATCH), "camera": "front", "stamp": 0.0, "frame": 1, "track": "t1", "person": "p_1"}
        | {"similarity": 0.9}
    ]


def test_the_input_is_recorded_as_a_hash(tmp_path):
    append(tmp_path)
    (record,) = records(tmp_path)
    assert len(record["input"]) == 64
    text = next(tmp_path.glob("audit-2*.jsonl")).read_text()
    for face in ("0.1234", "0.9923", "face_crop", "embedding"):
        assert face not in text


def test_a_record_that_cannot_be_written_is_an_error(tmp_path):
    with pytest.raises(StoreError):
        append(tmp_path / "missing")


def test_the_logs_of_earlier_versions_stay_readable(tmp_path):
    old = {"timestamp": 1.0, "search_id": "s0", "asker": "robot2"}
    frames = {"timestamp": 2.0, "kind": "frames", "asker": ""}
    lines = [json.dumps(old), "{damaged", json.dumps(frames), '{"timestamp": 3']
    (tmp_path / "searches-2024-01-01.jsonl").write_text("\n".join(lines))
    append(tmp_path)
    assert [record["kind"] for record in records(tmp_path)] == ["search", "frames", "search"]
    assert records(tmp_path)[0]["search_id"] == "s0"
    AuditLog(tmp_path, "robot1").delete_older(30, NOW_NS)
    assert [record["search_id"] for record in records(tmp_path)] == ["s1"]


def test_long_lists_and_texts_are_cut(tmp_path):
    log = AuditLog(tmp_path, "robot1")
    log.append("removal", {"entries": [f"g_{number}" for number in range(1000)], "reason": "x" * 5000}, NOW_NS)
    (record,) = log.records(["removal"])
    assert (len(record["entries"]), record["entries_count"], len(record["reason"])) == (50, 1000, 1000)
