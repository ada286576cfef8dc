"""The JSON object that other programs read."""

import json
import math
from dataclasses import replace

import numpy as np

from facetrack_ros.search.audit.records import match_id
from facetrack_ros.search.report.json_report import response_to_dict
from facetrack_ros.search.response import (
    ANSWERED,
    ENROLLED_ONLY,
    TIMED_OUT,
    Match,
    NotSearched,
    RobotResponse,
    SearchedCamera,
    SearchResponse,
)

NOON = 1_795_348_800 * 10**9
STAMPS = (NOON + 123_456_789, NOON, NOON + 10**9)
BOXES = np.array([[1, 2, 3.25, 4], [5, 6, 7, 8]], np.float32)
MATCH = Match("robot1", "front", "p_1", "t_1", 7, *STAMPS, *BOXES, np.float32(0.625), 0.5, b"jpeg")
ROBOTS = (RobotResponse("robot1", ANSWERED, 1, 9, 1.5), RobotResponse("robot2", TIMED_OUT, error="robot2 was silent"))
RESPONSE = SearchResponse("s1", "net", 0.35, math.nan, (MATCH,), ROBOTS)


def test_a_line_says_what_to_keep_in_mind_where_there_is_something():
    robot = RobotResponse("robot1", ANSWERED, note="its clock is off")
    (line,) = response_to_dict(SearchResponse("s1", "net", 0.35, 0.0, (), (robot,)))["robots"]
    assert line["note"] == "its clock is off"


def test_robots_that_keep_enrolled_people_only_are_named():
    robot = RobotResponse("robot1", ANSWERED).noted("its clock is off").noted(f"robot1 {ENROLLED_ONLY}")
    response = SearchResponse("s1", "net", 0.35, 0.0, (), (robot, ROBOTS[1]))
    assert response_to_dict(response)["enrolled_only"] == ["robot1"]


def test_keys_and_values_are_those_promised():
    gap = NotSearched("robot2", "robot2 was silent")
    searched = (SearchedCamera("front", 9, NOON, NOON + 10**9),)
    robots = (replace(ROBOTS[0], searched=searched, instance_id="i1"), ROBOTS[1])
    response = replace(RESPONSE, robots=robots, not_searched=(gap,), operating_point="strict")
    gap_dict = {
        **{"robot_id": "robot2", "camera_id": None, "model_id": None, "reason": "robot2 was silent"},
        **{"sightings": None, "from": None, "from_iso": None, "to": None, "to_iso": None},
    }
    span = {
        "from": 1795348800.0,
        "from_iso": "2026-11-22T12:00:00.000Z",
        "to": 1795348801.0,
        "to_iso": "2026-11-22T12:00:01.000Z",
    }
    sentence = "This answer is partial: robot2 (timed out): robot2 was silent. The face may have been seen there too."
    assert json.loads(json.dumps(response_to_dict(response), allow_nan=False)) == {
        "search_id": "s1",
        "model_id": "net",
        "threshold": 0.35,
        "operating_point": "strict",
        "expected_false_matches": None,
        "expected_false_matches_low": None,
        "expected_false_matches_high": None,
        "calibration": {"people": None, "pairs": None, "on": None},
        "reference_note": "",
        "complete": False,
        "partial": sentence,
        "not_searched": [gap_dict],
        "enrolled_only": [],
        "searched": {**span, "robots": ["robot1"], "cameras": ["robot1/front"], "sightings": 9},
        "matches": [
            {
                "match_id": match_id(RESPONSE.matches[0]),
                "robot_id": "robot1",
                "camera_id": "front",
                "person_id": "p_1",
                "name": None,
                "track_id": "t_1",
                "frame_number": 7,
                "stamp": 1795348800.123457,
                "stamp_iso": "2026-11-22T12:00:00.123Z",
                "first_stamp": 1795348800.0,
                "first_stamp_iso": "2026-11-22T12:00:00.000Z",
                "last_stamp": 1795348801.0,
                "last_stamp_iso": "2026-11-22T12:00:01.000Z",
                "bbox": [1, 2, 3.25, 4],
                "face_bbox": [5, 6, 7, 8],
                "similarity": 0.625,
                "normalised_similarity": None,
                "quality": 0.5,
                "pose": None,
            }
        ],
        "alike": [],
        "robots": [
            {
                **{"robot_id": "robot1", "status": "answered", "matches": 1, "sightings": 9, "elapsed_ms": 1.5},
                **{"error": "", "not_searched": [], "instance_id": "i1"},
                "searched": [{"camera_id": "front", "sightings": 9, **span}],
            },
            {
                **{"robot_id": "robot2", "status": "timed_out", "matches": None, "sightings": None},
                **{"elapsed_ms": None, "error": "robot2 was silent", "searched": [], "not_searched": []},
            },
        ],
    }
