"""The JSON object that other programs read."""

import json
import math

import numpy as np

from facetrack_ros.search.report.json_report import response_to_dict
from facetrack_ros.search.response import ANSWERED, TIMED_OUT, Match, RobotResponse, SearchResponse

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


def test_keys_and_values_are_those_promised():
    assert json.loads(json.dumps(response_to_dict(RESPONSE), allow_nan=False)) == {
        "search_id": "s1",
        "model_id": "net",
        "threshold": 0.35,
        "expected_false_matches": None,
        "matches": [
            {
                "robot_id": "robot1",
                "camera_id": "front",
                "person_id": "p_1",
                "track_id": "t_1",
                "frame_number": 7,
                "stamp": 1795348800.123457,
                "first_stamp": 1795348800.0,
                "last_stamp": 1795348801.0,
                "bbox": [1, 2, 3.25, 4],
                "face_bbox": [5, 6, 7, 8],
                "similarity": 0.625,
                "quality": 0.5,
                "pose": None,
            }
        ],
        "robots": [
            {"robot_id": "robot1", "status": "answered", "matches": 1, "sightings": 9, "elapsed_ms": 1.5, "error": ""},
            {
                "robot_id": "robot2",
                "status": "timed_out",
                "matches": 0,
                "sightings": 0,
                "elapsed_ms": 0.0,
                "error": "robot2 was silent",
            },
        ],
    }
