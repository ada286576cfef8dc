"""Coverage of cameras: spans with their gaps, limited in number."""

import pytest

from facetrack_ros.history.sightings.store import SightingStore
from facetrack_ros.models.contract import ModelContract
from facetrack_ros.search.camera_coverage import CameraCoverage, coverage_of_response, coverage_within
from facetrack_ros.search.response import ANSWERED, TIMED_OUT, RobotResponse, SearchResponse

CONTRACT = ModelContract("net", "embedding", "onnx", "net.onnx", "", 1, "MIT", dimension=4, threshold=0.35)
SECOND = 10**9


@pytest.fixture
def store(tmp_path):
    kept = SightingStore(tmp_path, CONTRACT, "robot1")
    for start, end in ((0, 10), (20, 30), (100, 110)):
        for second in range(start, end + 1):
            kept.note_frame("front", second * SECOND)
    kept.note_frame("rear", 5 * SECOND)
    yield kept
    kept.close()


def seconds(spans):
    return [(camera, start // SECOND, end // SECOND) for camera, start, end in spans]


def test_spans_within_the_time_range_keep_their_gaps(store):
    assert seconds(coverage_within(store, -(2**63), 2**63 - 1)) == [
        ("front", 0, 10),
        ("front", 20, 30),
        ("front", 100, 110),
        ("rear", 5, 5),
    ]
    assert seconds(coverage_within(store, 25 * SECOND, 105 * SECOND)) == [("front", 25, 30), ("front", 100, 105)]
    assert seconds(coverage_within(store, 0, 15 * SECOND, ("rear",))) == [("rear", 5, 5)]


def test_too_many_spans_are_joined_at_the_shortest_gaps(store):
    assert seconds(coverage_within(store, 0, 10**18, most=3)) == [("front", 0, 30), ("front", 100, 110), ("rear", 5, 5)]
    assert seconds(coverage_within(store, 0, 10**18, most=1)) == [("front", 0, 110), ("rear", 5, 5)]


def test_reported_coverage_replaces_that_of_the_roster():
    lines = (
        RobotResponse("robot1", ANSWERED, coverage=(("front", 0, 10), ("front", 20, 30), ("door", 1, 2))),
        RobotResponse("robot2", TIMED_OUT),
    )
    heard = [
        CameraCoverage("robot1", "front", ((0, 30),)),
        CameraCoverage("robot1", "rear", ((0, 30),)),
        CameraCoverage("robot2", "front", ((5, 9),)),
    ]
    lanes = coverage_of_response(SearchResponse("s", "net", 0.5, 0.0, (), lines), heard)
    assert [(lane.robot_id, lane.camera_id, lane.spans) for lane in lanes] == [
        ("robot1", "door", ((1, 2),)),
        ("robot1", "front", ((0, 10), (20, 30))),
        ("robot1", "rear", ()),
        ("robot2", "front", ((5, 9),)),
    ]
