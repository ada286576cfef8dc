"""Faces, bodies and persons of ROS4HRI: valid ids, each person once, listed as long as tracked."""

import re
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("rclpy", reason="needs ROS 2")

from facetrack_ros.core.face import Face
from facetrack_ros.core.track import Track, TrackState
from facetrack_ros.nodes.conversion.hri_state import KNOWN, HriState, facial_landmarks, hri_id, region

SECOND = 1_000_000_000
BOX = np.array([10, 20, 50, 120], np.float32)


def face(embedded=True):
    points = np.array([[20, 30], [30, 30], [25, 35], [21, 40], [np.nan, np.nan]], np.float32)
    return Face(BOX, points, 0.9, 0.8, embedding=np.ones(4, np.float32) / 2 if embedded else None)


def track(number, person="", state=TrackState.TRACKING, face=None):
    return Track(f"t_robot1_front_{number}", person, state, BOX, 0.9, face)


@given(st.text(min_size=1, max_size=20), st.sampled_from(["", "f", "b"]))
def test_every_id_starts_with_a_letter_and_can_stand_in_a_topic(text, letter):
    assert re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", hri_id(letter, text))


def test_face_and_body_are_named_after_the_track_and_the_person_keeps_its_id():
    humans = HriState()
    humans.update("front", SECOND, (track(3, "p_robot1_1", face=face()),))
    assert (humans.faces, humans.bodies, humans.persons) == (
        ("f_robot1_front_3",),
        ("b_robot1_front_3",),
        ("p_robot1_1",),
    )
    state = humans.known["p_robot1_1"]
    assert (state.face_id, state.body_id, state.anonymous, state.alias) == (
        "f_robot1_front_3",
        "b_robot1_front_3",
        False,
        "",
    )


def test_a_lost_track_counts_as_tracked_and_an_idle_one_does_not():
    humans = HriState()
    humans.update("front", SECOND, (track(1, "p_1", face=face()),))
    humans.update("front", 2 * SECOND, (track(1, "p_1", TrackState.LOST),))
    assert humans.bodies
    assert humans.faces
    assert humans.persons
    humans.update("front", 2 * SECOND + 1, (track(1, "p_1", TrackState.LOST),))
    assert humans.bodies
    assert not humans.faces
    assert humans.known["p_1"].face_id == ""
    humans.update("front", 3 * SECOND, (track(1, "p_1", TrackState.IDLE),))
    assert not humans.bodies
    assert not humans.persons
    assert humans.known["p_1"].body_id == ""


def test_without_a_face_a_person_is_anonymous_until_one_is_seen():
    humans = HriState()
    humans.update("front", SECOND, (track(1, "p_1", face=face(embedded=False)),))
    assert humans.known["p_1"].anonymous
    humans.update("front", 2 * SECOND, (track(1, "p_1", face=face()),))
    humans.update("front", 3 * SECOND, (track(1, "p_1"),))
    assert not humans.known["p_1"].anonymous


def test_a_merged_person_id_becomes_an_alias_until_it_is_split_off():
    humans = HriState()
    humans.update("front", SECOND, (track(1, "p_5", face=face()),))
    humans.update("front", 2 * SECOND, (track(1, "p_2", face=face()),))
    assert humans.persons == ("p_2",)
    assert humans.known["p_5"].alias == "p_2"
    assert humans.known["p_2"].alias == ""
    humans.update("front", 3 * SECOND, (track(1, "p_5", face=face()),))
    assert humans.persons == ("p_5",)
    assert humans.known["p_5"].alias == ""
    assert humans.known["p_2"].alias == "p_5"


def test_a_person_in_two_cameras_is_listed_once_with_two_bodies():
    humans = HriState()
    humans.update("front", SECOND, (track(1, "p_1"),))
    humans.update("rear", SECOND, (Track("t_robot1_rear_2", "p_1", TrackState.TRACKING, BOX, 0.9),))
    assert humans.persons == ("p_1",)
    assert len(humans.bodies) == 2
    humans.drop("rear")
    assert humans.bodies == ("b_robot1_front_1",)
    assert humans.known["p_1"].body_id == "b_robot1_front_1"


def test_faces_are_kept_when_a_bag_restarts():
    humans = HriState()
    humans.update("front", 100 * SECOND, (track(1, "p_1", face=face()),))
    humans.update("front", SECOND, (track(2, "p_1", face=face()),))
    assert humans.faces == ("f_robot1_front_2",)


people = st.lists(
    st.tuples(st.integers(0, 9), st.integers(0, 9), st.sampled_from(TrackState), st.booleans()),
    max_size=4,
    unique_by=lambda row: row[0],
)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.sampled_from(["front", "rear"]), people), max_size=40))
def test_the_lists_are_consistent(steps):
    humans = HriState()
    for number, (camera, rows) in enumerate(steps, 1):
        humans.update(
            camera,
            number * SECOND // 5,
            tuple(
                Track(f"t_{camera}_{n}", f"p_{person}" if person else "", state, BOX, 0.9, face() if seen else None)
                for n, person, state, seen in rows
            ),
        )
        known = humans.known
        assert set(humans.persons) <= set(known)
        for person, state in known.items():
            # libhri resolves an alias once: its target must be listed and have no alias itself.
            assert not state.alias or not known[state.alias].alias
            assert not state.face_id or state.face_id in humans.faces
            assert not state.body_id or state.body_id in humans.bodies
            assert bool(state.body_id) == (person in humans.persons)


def test_the_number_of_known_persons_is_bounded():
    humans = HriState()
    for number in range(1, 4 * KNOWN):
        humans.update("front", number * SECOND, (track(number, f"p_{number}"),))
    assert len(humans.known) <= KNOWN
    assert f"p_{4 * KNOWN - 1}" in humans.known


class _Message(SimpleNamespace):
    x = y = c = 0.0


KINDS = SimpleNamespace(
    NormalizedRegionOfInterest2D=_Message, FacialLandmarks=_Message, NormalizedPointOfInterest2D=_Message
)


@given(st.lists(st.floats(-500, 2000, width=32), min_size=4, max_size=4))
def test_a_region_lies_within_the_picture(box):
    found = region(KINDS, None, np.array(box, np.float32), (640, 480), 0.5)
    assert all(0 <= value <= 1 for value in (found.xmin, found.ymin, found.xmax, found.ymax))


def test_the_five_landmarks_have_their_rows_and_the_others_confidence_0():
    found = facial_landmarks(KINDS, None, face(), (100, 200))
    assert len(found.landmarks) == 70
    assert (found.width, found.height) == (100, 200)
    sure = {row for row, point in enumerate(found.landmarks) if point.c}
    assert sure == {68, 69, 30, 48}  # the left corner of the mouth is not known here
    assert (found.landmarks[68].x, found.landmarks[68].y) == pytest.approx((0.2, 0.15))
