"""Search of one robot's history."""

import math
from dataclasses import replace

import numpy as np
import pytest

from facetrack_ros.history.robot_history import RobotHistory
from facetrack_ros.history.sightings.store import SightingStore
from facetrack_ros.models.contract import ModelContract
from facetrack_ros.models.false_match_rate import false_match_rate
from facetrack_ros.search.local_search import search_history
from facetrack_ros.search.request import SearchRequest
from facetrack_ros.search.response import ANSWERED, ERROR, MODEL_MISMATCH

CONTRACT = ModelContract("net", "embedding", "onnx", "net.onnx", "", 1, "MIT", dimension=4, threshold=0.35)
SECOND = 10**9
REQUEST = SearchRequest("s1", np.array([1, 0, 0, 0], np.float32), "net")


def add(store, second, cosine, track="t1", camera="front", person="p_1"):
    vector = np.array([cosine, np.sqrt(1 - cosine**2), 0, 0], np.float32)
    box = np.arange(4)
    store.add(camera, second * SECOND, second, track, person, box, box + 1, 0.6, vector, lambda: b"jpeg")


@pytest.fixture
def store(tmp_path):
    sightings = SightingStore(tmp_path, CONTRACT, "robot1")
    for second, cosine, track, camera in (
        (0, 0.5, "t1", "front"),
        (30, 0.9, "t1", "front"),
        (60, 0.4, "t1", "front"),
        (90, 0.1, "t1", "front"),
        (40, 0.7, "t2", "rear"),
        (50, 0.2, "t3", "rear"),
    ):
        add(sightings, second, cosine, track, camera)
    yield sightings
    sightings.close()


def test_sightings_of_a_track_are_one_match_that_spans_those_that_matched(store):
    line, matches = search_history(store, REQUEST)
    assert (line.robot_id, line.status, line.matches, line.sightings, line.error) == ("robot1", ANSWERED, 2, 6, "")
    assert [match.track_id for match in matches] == ["t2", "t1"]
    best = matches[1]
    assert 0.5 < best.similarity < 0.6  # of the mean of its faces
    assert (best.first_ns, best.stamp_ns, best.last_ns) == (0, 30 * SECOND, 60 * SECOND)
    assert (best.robot_id, best.camera_id, best.person_id, best.frame_number) == ("robot1", "front", "p_1", 30)
    assert (best.bbox.tolist(), best.face_bbox.tolist(), best.thumbnail) == ([0, 1, 2, 3], [1, 2, 3, 4], b"jpeg")


@pytest.mark.parametrize(
    ("change", "tracks", "compared"),
    [
        ({"cameras": ("rear",)}, ["t2"], 2),
        ({"threshold": 0.65}, ["t2", "t1"], 6),
        ({"threshold": 0.95}, [], 6),
        ({"time_ns": 50 * SECOND, "window_ns": 10 * SECOND}, ["t2", "t1"], 3),
        ({"max_results": 1}, ["t2"], 6),
        ({"time_ns": 500 * SECOND, "window_ns": SECOND}, [], 0),
    ],
)
def test_filters_are_kept(store, change, tracks, compared):
    line, matches = search_history(store, replace(REQUEST, **change))
    assert [match.track_id for match in matches] == tracks
    assert line.sightings == compared


def test_the_line_counts_matches_beyond_the_limit(store):
    line, matches = search_history(store, replace(REQUEST, max_results=1))
    assert (line.matches, len(matches)) == (2, 1)


def test_single_alike_face_of_a_track_is_listed_apart(store):
    line, matches = search_history(store, replace(REQUEST, threshold=0.65))
    assert line.matches == 1
    assert [bool(match.different_person) for match in matches] == [False, True]
    assert matches[1].similarity == pytest.approx(0.9)


def test_person_seen_together_with_the_best_match_is_listed_apart(store):
    add(store, 40, 0.6, "t4", "rear", "p_2")
    line, matches = search_history(store, REQUEST)
    assert line.matches == 2
    assert [(match.person_id, match.different_person) for match in matches[2:]] == [("p_2", "seen together with p_1")]


def test_false_match_rate_of_the_scene_rests_on_people_seen_together(tmp_path):
    contract = replace(CONTRACT, false_match_curve=((0.2, 0.1), (0.3, 0.01), (0.4, 0.001)))
    sightings = SightingStore(tmp_path, contract, "robot1")
    add(sightings, 0, 0.9)
    assert math.isnan(search_history(sightings, REQUEST)[0].scene_false_match_rate)
    add(sightings, 0, 0.2, "t2", person="p_2")
    line, _ = search_history(sightings, REQUEST)
    assert line.scene_pairs == 1
    assert false_match_rate(contract, 0.35).rate < line.scene_false_match_rate <= 1
    sightings.close()


def test_another_model_is_told_with_both_names(store):
    line, matches = search_history(store, replace(REQUEST, model_id="other"))
    assert line.status == MODEL_MISMATCH
    assert "net" in line.error
    assert "other" in line.error
    assert matches == ()


def test_an_invalid_request_is_an_error_line_and_no_exception(store):
    line, _ = search_history(store, replace(REQUEST, embedding=np.zeros(4)))
    assert line.status == ERROR
    assert "zeros" in line.error


def test_a_store_that_cannot_be_read_is_an_error_and_no_exception(store):
    store.close()
    line, _ = search_history(store, REQUEST)
    assert line.status == ERROR
    assert "closed" in line.error


def test_a_robots_whole_history_can_be_asked_too(tmp_path):
    history = RobotHistory(tmp_path, "robot2", CONTRACT)
    add(history.sightings, 1, 0.9)
    assert [match.robot_id for match in search_history(history.sightings, REQUEST)[1]] == ["robot2"]
    history.close()
