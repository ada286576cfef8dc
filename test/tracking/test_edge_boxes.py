"""Edge boxes lengthen visits and do nothing else."""

import numpy as np
import pytest

from facetrack_ros.core.detections import Detections
from facetrack_ros.core.event import PERSON_IN, PERSON_OUT
from facetrack_ros.core.face import Face
from facetrack_ros.tracking.edge_boxes import EdgeBoxHistory, EdgeSighting
from facetrack_ros.tracking.id_allocator import IdAllocator
from facetrack_ros.tracking.people_tracker import PeopleTracker
from facetrack_ros.tracking.settings import TrackingSettings

MS = 1_000_000


def frame(people, number, x=None, faint=(), embedding=None, step_ms=100):
    """Show a person at ``x`` (None: no person) and edge boxes ``(x1, x2)``, all of one height."""
    boxes = np.array([] if x is None else [[max(0, x), 50, x + 120, 350]], np.float32).reshape(-1, 4)
    faces = []
    if embedding is not None and x is not None:
        box, landmarks = np.array([x + 30, 60, x + 80, 120], np.float32), np.zeros((5, 2), np.float32)
        faces.append(Face(box, landmarks, 0.9, 0.8, person=0, embedding=embedding))
    faint = np.array([[x1, 50, x2, 350] for x1, x2 in faint], np.float32).reshape(-1, 4)
    scores = np.full(len(boxes), 0.9, np.float32)
    detections = Detections(boxes, scores, "boxes", low_score_edge_boxes=faint)
    return people.update("front", number * step_ms * MS, number, detections, faces)[1]


@pytest.fixture
def people():
    return PeopleTracker("robot1", IdAllocator(), TrackingSettings(), 0.36, "a-model")


def visit(people, embedding_of, edge_boxes, after=()):
    """Frames 0 to 9 show ``edge_boxes`` by number, 10 to 19 the person, those from 20 on ``after`` by number."""
    events = []
    for number in range(50):
        if 10 <= number < 20:
            events += frame(people, number, 10 * (number - 10), embedding=embedding_of(1))
        else:
            events += frame(people, number, faint={**edge_boxes, **dict(after)}.get(number, ()))
    return {event.event: event for event in events}


def test_edge_boxes_lengthen_a_visit_at_both_ends(people, embedding_of):
    before = {number: [(0, 10 * (number - 4))] for number in range(5, 10)}
    events = visit(people, embedding_of, before, {20: [(90, 200)], 21: [(95, 200)], 22: [(100, 200)]})
    came, left = events[PERSON_IN], events[PERSON_OUT]
    assert (came.stamp_ns, came.frame_number, came.bbox) == (500 * MS, 5, (0, 50, 10, 350))
    assert (left.last_seen_ns, left.last_bbox) == (2200 * MS, (100, 50, 200, 350))
    assert left.stamp_ns == 4200 * MS
    assert left.duration_ns == 1700 * MS


def test_without_edge_boxes_the_visit_is_as_long_as_the_track(people, embedding_of):
    events = visit(people, embedding_of, {})
    assert (events[PERSON_IN].stamp_ns, events[PERSON_OUT].last_seen_ns) == (1000 * MS, 1900 * MS)


def test_edge_boxes_elsewhere_or_too_early_do_not_lengthen_a_visit(people, embedding_of):
    events = visit(people, embedding_of, {1: [(0, 20)], 9: [(500, 640)]}, {20: [(500, 640)], 26: [(90, 200)]})
    assert (events[PERSON_IN].stamp_ns, events[PERSON_OUT].last_seen_ns) == (1000 * MS, 1900 * MS)


def test_edge_boxes_alone_are_no_person(people):
    assert not any(frame(people, number, faint=[(0, 60)]) for number in range(60))
    assert not people.close()


def test_a_static_edge_box_lengthens_a_visit_by_one_second_at_most(people, embedding_of):
    before = {number: [(0, 60)] for number in range(10)}
    events = visit(people, embedding_of, before, {number: [(90, 200)] for number in range(20, 50)})
    assert events[PERSON_IN].stamp_ns == 0
    assert events[PERSON_OUT].last_seen_ns == 2900 * MS


def test_two_persons_do_not_share_an_edge_box():
    history = EdgeBoxHistory(10**10)
    box = np.array([0, 50, 60, 350], np.float32)
    history.add(0, 0, None, box[None])
    history.add(100 * MS, 1, box[None], np.empty((0, 4)))
    last = EdgeSighting(0, 0, box)
    assert history.extend_forward(last).stamp_ns == 100 * MS
    assert history.extend_forward(last) is None


def test_an_edge_box_inside_a_tracked_box_does_not_count():
    history = EdgeBoxHistory(10**10)
    history.add(0, 0, np.array([[0, 200, 30, 350]], np.float32), np.array([[0, 50, 120, 350]], np.float32))
    first = EdgeSighting(100 * MS, 1, np.array([0, 50, 60, 350], np.float32))
    assert history.extend_backward(first) is first


def test_the_previous_frame_counts_at_a_low_frame_rate(people, embedding_of):
    events = []
    for number, (x, shown) in enumerate([(None, [(0, 40)]), (0, ()), (40, ()), (80, ()), (None, ())]):
        events += frame(people, number, x, shown, embedding_of(1), step_ms=500)
    assert events[0].stamp_ns == 0


def test_memory_is_bounded():
    history = EdgeBoxHistory(1000 * MS)
    for number in range(1000):
        history.add(number * 10 * MS, number, np.tile(np.array([0, 0, 9, 9], np.float32), (500, 1)), np.empty((0, 4)))
    assert len(history) <= 102 * EdgeBoxHistory.MAX_PER_FRAME
