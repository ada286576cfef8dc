"""A still box without a face and of a low score is no person; one that moves or shows a face is."""

import numpy as np
import pytest

from facetrack_ros.core.detections import Detections
from facetrack_ros.core.event import PERSON_IN, PERSON_OUT
from facetrack_ros.tracking.box_tracker import BoxTracker
from facetrack_ros.tracking.observation import Observation
from facetrack_ros.tracking.settings import TrackingSettings
from facetrack_ros.tracking.still_boxes import StillBoxFilter

FPS = 7


def scores_of_a_post(seconds):
    """As YOLOX-nano gives them for the post of PETS09-S2L1: mostly 0.5, now and then up to 0.6."""
    return np.clip(np.random.default_rng(5).normal(0.53, 0.04, seconds * FPS), 0.45, 0.6)


def show_all(scene, seconds, score, x=lambda _: 100, face=lambda _: None):
    for number in range(seconds * FPS):
        time_s = number / FPS
        scene.show(time_s, (x(time_s), face(time_s)), score=score[number] if np.ndim(score) else score)
    scene.close()
    return [(kind, time_s) for kind, _, time_s in scene.summary()]


def test_a_post_is_never_a_person(scene):
    assert show_all(scene, 60, scores_of_a_post(60)) == []


@pytest.mark.parametrize("face_until_s", [1, 29])
def test_a_person_whose_face_was_seen_may_stand_still(scene, embedding_of, face_until_s):
    face = embedding_of(1)
    events = show_all(scene, 30, 0.5, face=lambda time_s: face if time_s < face_until_s else None)
    assert [kind for kind, _ in events] == [PERSON_IN, PERSON_OUT]
    assert events[1][1] > 29


def test_a_still_person_of_a_good_score_stays(scene):
    assert [kind for kind, _ in show_all(scene, 30, 0.62)] == [PERSON_IN, PERSON_OUT]


def test_a_walker_of_a_low_score_is_a_person_from_the_first_frame(scene):
    events = show_all(scene, 10, 0.57, x=lambda time_s: 100 + 60 * time_s)
    assert [kind for kind, _ in events] == [PERSON_IN, PERSON_OUT]
    assert events[0][1] == 0


def test_who_stops_without_a_face_at_a_low_score_is_seen_for_three_seconds_more(scene):
    events = show_all(scene, 20, 0.57, x=lambda time_s: 100 + 60 * min(time_s, 5))
    assert [kind for kind, _ in events] == [PERSON_IN, PERSON_OUT]
    unseen_s = TrackingSettings().exit_after_ns / 1e9
    assert 5 + unseen_s < events[1][1] <= 5 + 3 + 1 + unseen_s


def test_a_post_keeps_its_key_inside_and_a_start_long_ago_is_not_told():
    boxes = StillBoxFilter(BoxTracker(0.36), TrackingSettings())
    post = np.array([[100, 100, 160, 280]], np.float32)
    for number in range(10 * FPS):
        shown = Observation.of(Detections(post, np.array([0.56], np.float32), "boxes"), ())
        assert boxes.update(number * 10**9 // FPS, shown).tolist() == [-1]
    passer = Observation.of(Detections(post, np.array([0.9], np.float32), "boxes"), ())
    for number in range(10 * FPS, 12 * FPS):
        keys = boxes.update(number * 10**9 // FPS, passer).tolist()
    assert keys == [0]
    assert boxes.began(0) is None


def test_zero_lets_every_still_track_be(make_scene):
    assert [kind for kind, _ in show_all(make_scene(still_score=0.0), 10, 0.57)] == [PERSON_IN, PERSON_OUT]
