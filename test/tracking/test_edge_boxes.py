"""Faint boxes at the edge tell when somebody came and went, and nothing else."""

import numpy as np
import pytest

from facetrack_ros.core.detections import Detections
from facetrack_ros.core.event import PERSON_IN, PERSON_OUT
from facetrack_ros.core.face import Face
from facetrack_ros.tracking.edge_boxes import EdgeBoxHistory
from facetrack_ros.tracking.id_allocator import IdAllocator
from facetrack_ros.tracking.people_tracker import PeopleTracker
from facetrack_ros.tracking.settings import TrackingSettings

MS = 1_000_000


def frame(people, number, x=None, faint=(), look=None, step_ms=100, score=0.9):
    """Show somebody at ``x`` (None: nobody) and faint boxes ``(x1, x2)``, all of one height."""
    boxes = np.array([] if x is None else [[max(0, x), 50, x + 120, 350]], np.float32).reshape(-1, 4)
    faces = (
        []
        if look is None or x is None
        else [
            Face(
                np.array([x + 30, 60, x + 80, 120], np.float32),
                np.zeros((5, 2), np.float32),
                0.9,
                0.8,
                person=0,
                embedding=look,
            )
        ]
    )
    faint = np.array([[x1, 50, x2, 350] for x1, x2 in faint], np.float32).reshape(-1, 4)
    return people.update(
        "front",
        number * step_ms * MS,
        number,
        Detections(boxes, np.full(len(boxes), score, np.float32), "boxes", low_score_edge_boxes=faint),
        faces,
    )[1]


@pytest.fixture
def people():
    return PeopleTracker("robot1", IdAllocator(), TrackingSettings(), 0.36, "a-model")


def visit(people, look, glimpses, after=()):
    """Frames 0 to 9 show ``glimpses`` by number, 10 to 19 the person, those from 20 on ``after`` by number."""
    events = []
    for number in range(50):
        shown = 10 <= number < 20
        events += frame(
            people,
            number,
            10 * (number - 10) if shown else None,
            () if shown else {**glimpses, **dict(after)}.get(number, ()),
            look(1) if shown else None,
        )
    return {event.event: event for event in events}


def test_somebody_comes_with_the_first_glimpse_and_goes_with_the_last(people, look):
    told = visit(
        people,
        look,
        {number: [(0, 10 * (number - 4))] for number in range(5, 10)},
        {20: [(90, 200)], 21: [(95, 200)], 22: [(100, 200)]},
    )
    came, left = told[PERSON_IN], told[PERSON_OUT]
    assert (came.stamp_ns, came.frame_number, came.bbox) == (500 * MS, 5, (0, 50, 10, 350))
    assert (left.last_seen_ns, left.last_bbox) == (2200 * MS, (100, 50, 200, 350))
    assert left.stamp_ns == 4200 * MS
    assert left.duration_ns == 1700 * MS


def test_without_faint_boxes_it_is_the_track_that_tells(people, look):
    told = visit(people, look, {})
    assert (told[PERSON_IN].stamp_ns, told[PERSON_OUT].last_seen_ns) == (1000 * MS, 1900 * MS)


def test_what_is_faint_elsewhere_or_long_before_is_not_theirs(people, look):
    told = visit(people, look, {1: [(0, 20)], 9: [(500, 640)]}, {20: [(500, 640)], 26: [(90, 200)]})
    assert (told[PERSON_IN].stamp_ns, told[PERSON_OUT].last_seen_ns) == (1000 * MS, 1900 * MS)


def test_faint_boxes_alone_are_nobody(people):
    assert not any(frame(people, number, faint=[(0, 60)]) for number in range(60))
    assert not people.close()


def test_a_shadow_that_stays_keeps_nobody_in_view_for_more_than_a_second(people, look):
    told = visit(
        people, look, {number: [(0, 60)] for number in range(10)}, {number: [(90, 200)] for number in range(20, 50)}
    )
    assert told[PERSON_IN].stamp_ns == 0
    assert told[PERSON_OUT].last_seen_ns == 2900 * MS


def test_two_who_leave_together_do_not_share_a_glimpse():
    faint = EdgeBoxHistory(10**10)
    box = np.array([0, 50, 60, 350], np.float32)
    faint.add(0, 0, None, box[None])
    faint.add(100 * MS, 1, box[None], np.empty((0, 4)))
    assert faint.after(box, 0).stamp_ns == 100 * MS
    assert faint.after(box, 0) is None


def test_a_part_of_somebody_followed_is_no_glimpse():
    faint = EdgeBoxHistory(10**10)
    faint.add(0, 0, np.array([[0, 200, 30, 350]], np.float32), np.array([[0, 50, 120, 350]], np.float32))
    assert faint.before(np.array([0, 50, 60, 350], np.float32), 100 * MS) is None


def test_at_few_frames_a_second_the_frame_before_counts(people, look):
    events = []
    for number, (x, shown) in enumerate([(None, [(0, 40)]), (0, ()), (40, ()), (80, ()), (None, ())]):
        events += frame(people, number, x, shown, look(1), step_ms=500)
    assert events[0].stamp_ns == 0


def test_memory_is_bounded():
    faint = EdgeBoxHistory(1000 * MS)
    for number in range(1000):
        faint.add(number * 10 * MS, number, np.tile(np.array([0, 0, 9, 9], np.float32), (500, 1)), np.empty((0, 4)))
    assert len(faint._frames) <= 102
    assert all(len(boxes) <= EdgeBoxHistory.MOST for _, _, boxes in faint._frames)
