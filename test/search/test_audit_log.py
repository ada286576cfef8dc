"""Each search is logged, without its reference face."""

import json

import numpy as np
import pytest

from facetrack_ros.errors import StoreError
from facetrack_ros.search.audit_log import AuditLog
from facetrack_ros.search.request import SearchRequest
from facetrack_ros.search.response import ANSWERED, Match, RobotResponse

DAY_NS = 86_400 * 10**9
NOW_NS = 20_000 * DAY_NS + 5_000_000_000
UNIT = np.array([0.123456, 0.992350], np.float32)
OPTIONS = {"rescan": True, "face_crop": b"face", "requester": "robot2", "reference": "picture"}
REQUEST = SearchRequest("s1", UNIT, "net", NOW_NS, 60 * 10**9, (), ("front",), 0.5, 20, **OPTIONS)
MATCH = Match("robot1", "front", "p_1", "t1", 1, 5, 5, 6, np.zeros(4), np.zeros(4), 0.9, 0.5, b"thumbnail")


def lines(folder):
    paths = sorted(folder.glob("searches-*.jsonl"))
    return [json.loads(line) for path in paths for line in path.read_text().splitlines()]


def test_a_line_names_requester_request_and_response(tmp_path):
    AuditLog(tmp_path).append(REQUEST, RobotResponse("robot1", ANSWERED, 7, 1000), (MATCH,), NOW_NS)
    (line,) = lines(tmp_path)
    assert line["timestamp"] == NOW_NS / 1e9
    assert line["asker"] == "robot2"
    assert line["search_id"] == "s1"
    assert (line["reference"], line["model_id"], line["threshold"], line["window_sec"]) == ("picture", "net", 0.5, 60.0)
    assert (line["cameras"], line["persons"]) == (["front"], ["p_1"])
    assert (line["rescan"], line["found"], line["handed_out"]) == (True, 7, 1)


def test_neither_the_embedding_nor_the_face_is_in_it(tmp_path):
    AuditLog(tmp_path).append(REQUEST, RobotResponse("robot1", ANSWERED), (MATCH,), NOW_NS)
    text = next(tmp_path.iterdir()).read_text()
    assert "0.1234" not in text
    assert "0.9923" not in text
    assert "face_crop" not in text
    assert "embedding" not in text


def test_a_file_a_day_whole_lines_also_after_a_torn_one(tmp_path):
    log = AuditLog(tmp_path)
    log.append(REQUEST, RobotResponse("robot1", ANSWERED), (), NOW_NS)
    path = next(tmp_path.iterdir())
    with path.open("a") as torn:
        torn.write('{"timestamp": 1')
    log.append(REQUEST, RobotResponse("robot1", ANSWERED), (), NOW_NS)
    log.append(REQUEST, RobotResponse("robot1", ANSWERED), (), NOW_NS + DAY_NS)
    assert len(lines(tmp_path)) == 3
    assert len(list(tmp_path.iterdir())) == 2


def test_a_line_that_cannot_be_written_is_an_error(tmp_path):
    with pytest.raises(StoreError, match="cannot log a search"):
        AuditLog(tmp_path / "missing").append(REQUEST, RobotResponse("robot1", ANSWERED), (), NOW_NS)
