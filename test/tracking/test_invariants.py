"""Invariants of events for any sequence of frames."""

import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from facetrack_ros.core.detections import Detections
from facetrack_ros.core.event import FACE_MATCHED, PERSON_IN, PERSON_OUT
from facetrack_ros.core.face import Face
from facetrack_ros.core.track import TrackState
from facetrack_ros.tracking.id_allocator import IdAllocator
from facetrack_ros.tracking.people_tracker import PeopleTracker
from facetrack_ros.tracking.settings import TrackingSettings

LOOKS = np.eye(8, dtype=np.float32)
PERSONS = st.lists(
    st.tuples(st.sampled_from([0, 20, 60, 200, 400, float("nan")]), st.sampled_from([None, 0, 1, 2, "mixed", "nan"])),
    max_size=4,
)
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["front", "back"]),
        st.sampled_from([0.1, 0.1, 0.3, 0.5, 1.1, 2.0, 2.5, 0.0]),
        st.sampled_from(["frame", "frame", "frame", "frame", "time", "ahead", "close"]),
        PERSONS,
    ),
    max_size=40,
)


def embedding(what):
    if what == "mixed":
        return (LOOKS[0] + LOOKS[1]) / np.sqrt(np.float32(2))
    return np.full(8, np.nan, np.float32) if what == "nan" else None if what is None else LOOKS[what]


def frame(persons):
    boxes = np.array([[x, 0, x + 60, 180] for x, _ in persons], np.float32).reshape(-1, 4)
    faces = [
        Face(box, np.zeros((5, 2), np.float32), 0.9, 0.7, person=row, embedding=embedding(persons[row][1]))
        for row, box in enumerate(boxes)
    ]
    return Detections(boxes, np.full(len(boxes), 0.8, np.float32), "boxes"), faces


def play(steps, back=False):
    """Returns all events by camera, and checks what each call gives. ``back``: time may jump back by a second."""
    people = PeopleTracker("robot1", IdAllocator(), TrackingSettings(), 0.36, "a-model")
    now, number, events = {"front": 10**18, "back": 10**18}, 0, []
    for camera, passed_s, what, persons in steps:
        passed_s = -1.0 if back and passed_s == 0 else passed_s
        now[camera] += round(passed_s * 1e9)
        if what == "time":
            new = people.advance(camera, now[camera])
        elif what == "ahead":  # of frames that are still on their way
            new = people.advance(camera, now[camera] + 300_000_000)
        elif what == "close":
            new = people.close(camera)
        else:
            tracks, new = people.update(camera, now[camera], number, *frame(persons))
            number += 1
            assert all(0 <= track.confidence <= 1 and np.isfinite(track.bbox).all() for track in tracks)
            shown = [track.person_id for track in tracks if track.state is TrackState.TRACKING and track.person_id]
            assert len(shown) == len(set(shown))
            assert len({track.track_id for track in tracks}) == len(tracks)
        events += new
    return events + list(people.close())


def visits_of(events):
    """Events by camera and person, in the order reported."""
    stays = {}
    for event in events:
        stays.setdefault((event.camera_id, event.person_id), []).append(event)
    return stays


def check(stay):
    """In, then at most one match, then out, over and over."""
    kinds = [event.event for event in stay]
    assert kinds[0] == PERSON_IN
    assert kinds[-1] == PERSON_OUT
    for before, after in itertools.pairwise(stay):
        assert (before.event, after.event) in {
            (PERSON_IN, FACE_MATCHED),
            (PERSON_IN, PERSON_OUT),
            (FACE_MATCHED, PERSON_OUT),
            (PERSON_OUT, PERSON_IN),
        }
    ends = [event for event in stay if event.event == PERSON_OUT]
    assert all(event.duration_ns >= 0 and event.last_seen_ns <= event.stamp_ns for event in ends)
    assert all(0 <= event.confidence <= 1 for event in stay if event.event == PERSON_IN)
    assert all(0.36 <= event.similarity <= 1.001 for event in stay if event.event == FACE_MATCHED)


@settings(max_examples=200, deadline=None)
@given(STEPS)
def test_each_visit_has_one_beginning_one_end_and_stamps_in_order(steps):
    for stay in visits_of(play(steps)).values():
        check(stay)
        stamps = [event.stamp_ns for event in stay]
        assert stamps == sorted(stamps)


@settings(max_examples=100, deadline=None)
@given(STEPS)
def test_time_that_jumps_back_breaks_no_visit(steps):
    for stay in visits_of(play(steps, back=True)).values():
        check(stay)


@settings(max_examples=30, deadline=None)
@given(STEPS)
def test_the_same_frames_give_the_same_events(steps):
    assert play(steps) == play(steps)
