"""A track is judged by all its good faces, and by how alike other people of the store are."""

import math

import numpy as np
import pytest

from facetrack_ros.history.sightings.queries import TrackHit
from facetrack_ros.history.sightings.scene import Scene
from facetrack_ros.history.sightings.sighting import Sighting
from facetrack_ros.models.contract import ModelContract
from facetrack_ros.search.request import SearchRequest
from facetrack_ros.search.track_judgement import TrackJudge

CURVE = ((0.2, 0.1), (0.3, 0.01), (0.4, 0.001), (0.5, 0.0001))
MODEL = ("net", "embedding", "onnx", "net.onnx", "", 1, "MIT")
CONTRACT = ModelContract(*MODEL, dimension=4, threshold=0.5, false_match_curve=CURVE)
REFERENCE = np.array([1, 0, 0, 0], np.float32)
BOX = np.zeros(4, np.float32)


def face(cosine, axis=1):
    vector = np.zeros(4, np.float32)
    vector[0], vector[axis] = cosine, np.sqrt(1 - cosine**2)
    return vector


def hit(cosine, person="p_1", track="t1"):
    place = ("robot1", "front", 0, 0, 1, 1, track, person, BOX, BOX, 0.5, face(cosine), "net")
    return TrackHit(Sighting(*place), cosine, 0, 1)


def scene(*templates, **merged):
    people = tuple(f"p_{number}" for number in range(10, 10 + len(templates)))
    rows = np.array(templates, np.float32).reshape(-1, 4)
    return Scene(merged, people, rows, np.empty(0), np.empty(0), 0)


def judge(found, *faces, people=(), contract=CONTRACT, **request):
    embeddings = np.array(faces or [found.sighting.embedding], np.float32)
    request = SearchRequest("s1", REFERENCE, "net", **request)
    known = {found.sighting.track_id: (embeddings, np.full(len(embeddings), 0.5, np.float32))}
    (track,) = TrackJudge(scene(*people), request, contract, 0.5).judge([found], lambda tracks: known)
    return track


def test_similarity_is_that_of_the_mean_of_the_faces():
    found = judge(hit(0.6), face(0.6, 1), face(0.55, 2), face(0.5, 3))
    assert found.apart == ""
    assert found.similarity == pytest.approx(1.65 / np.linalg.norm(face(0.6, 1) + face(0.55, 2) + face(0.5, 3)), 1e-4)


def test_single_alike_face_among_others_is_no_match():
    found = judge(hit(0.55), face(0.55), face(0.2), face(0.15, 2), face(0.1, 3))
    assert "1 of" in found.apart
    assert found.similarity == 0.55


def test_track_of_one_face_is_judged_by_it():
    assert judge(hit(0.51)).similarity == pytest.approx(0.51)
    assert judge(hit(0.51, track="")).apart == ""


def test_further_references_count():
    assert judge(hit(0.5), face(0.1, 2), more_embeddings=face(0.1, 2)[None]).apart == ""
    assert judge(hit(0.5), face(0.1, 2)).apart


# 0.45 like the reference, 0.40 like the track.
ALIKE = [np.array([0.45, 0.2, 0.8, 0.343], np.float32) for _ in range(12)]
UNLIKE = [face(-0.1, 2), face(0.0, 2), face(0.1, 3), face(0.05, 3)]


def test_match_no_more_alike_than_other_people_there_is_none():
    assert "standard deviations" in judge(hit(0.51), people=ALIKE).apart
    assert judge(hit(0.51), people=UNLIKE).apart == ""


def test_normalised_similarity_is_told_where_there_are_other_people():
    alone, among = judge(hit(0.51)), judge(hit(0.51), people=UNLIKE)
    assert math.isnan(alone.normalised)
    assert among.normalised > 3


def test_few_other_people_refuse_nobody():
    assert judge(hit(0.51), people=ALIKE[:2]).apart == ""


def test_same_person_under_other_ids_is_no_other_person():
    request = {"person_ids": ("p_10", "p_11")}
    found = judge(hit(0.51, person="p_12"), people=UNLIKE[:3], **request)
    assert math.isnan(found.normalised)


def test_model_without_a_curve_is_not_normalised():
    contract = ModelContract(*MODEL, dimension=4, threshold=0.5)
    assert math.isnan(judge(hit(0.51), people=ALIKE, contract=contract).normalised)


def test_person_asked_for_matches_whatever_the_faces():
    found = judge(hit(0.3), face(0.3), face(0.1, 2), person_ids=("p_1",))
    assert found.apart == ""


def test_matches_stand_before_what_is_set_apart():
    judged = TrackJudge(scene(), SearchRequest("s1", REFERENCE, "net"), CONTRACT, 0.5).judge(
        [hit(0.9, track="lone"), hit(0.6, track="t2"), hit(0.7, track="t3")],
        lambda tracks: {"lone": (np.array([face(0.9), face(0.0), face(-0.2, 2)]), np.full(3, 0.5))},
    )
    assert [track.hit.sighting.track_id for track in judged] == ["t3", "t2", "lone"]
