"""The frame with the best face of each visit, in memory until the visit ends."""

import numpy as np

from facetrack_ros.core.face import Face
from facetrack_ros.core.frame import Frame
from facetrack_ros.core.track import Track, TrackState
from facetrack_ros.history.frames.visit_frames import MOST_TRACKS, VisitFrames

BOX = np.array([0, 0, 9, 9], np.float32)


def track(name, person, quality=None, kept=True):
    embedding = np.array([1, 0], np.float32)
    face = None if quality is None else Face(BOX, np.zeros((5, 2), np.float32), 0.9, quality, embedding=embedding)
    return Track(name, person, TrackState.TRACKING, BOX, 0.9, face, kept=kept)


def add(visits, stamp_ns, *tracks, camera="front"):
    visits.add(camera, tracks, lambda: Frame(camera, stamp_ns, stamp_ns, b"jpeg"))


def test_the_frame_with_the_best_face_is_held_until_the_visit_ends():
    visits = VisitFrames()
    for stamp, quality in ((1, 0.4), (2, 0.8), (3, 0.6)):
        add(visits, stamp, track("t_1", "", quality))
    add(visits, 4, track("t_1", "p_1"))
    add(visits, 5, track("t_1", "p_1", 0.9), camera="rear")
    best = visits.end("front", "p_1")
    assert (best.frame.stamp_ns, best.quality) == (2, 0.8)
    assert [each.track_id for each in best.tracks] == ["t_1"]
    assert visits.end("front", "p_1") is None
    assert visits.end("rear", "p_1").frame.stamp_ns == 5


def test_a_visit_of_several_tracks_has_one_frame():
    visits = VisitFrames()
    add(visits, 1, track("t_1", "p_1", 0.7), track("t_2", "p_2", 0.3))
    add(visits, 9, track("t_3", "p_1", 0.5))
    assert visits.end("front", "p_1").frame.stamp_ns == 1
    assert [best.frame.stamp_ns for best in visits.end_all()] == [1]
    assert visits.end_all() == []


def test_without_a_face_or_what_may_be_kept_nothing_is_held():
    visits = VisitFrames()
    add(visits, 1, track("t_1", "p_1"), track("t_2", "p_2", 0.9, kept=False))
    visits.add("front", (track("t_3", "p_3", 0.9),), lambda: None)
    assert [visits.end("front", f"p_{number}") for number in (1, 2, 3)] == [None] * 3


def test_what_is_held_is_bounded_and_can_be_dropped():
    visits = VisitFrames()
    for number in range(MOST_TRACKS + 1):
        add(visits, number, track(f"t_{number}", f"p_{number}", 0.9))
    assert visits.end("front", "p_0") is None
    visits.drop(lambda frame: frame.stamp_ns == 7)
    assert visits.end("front", "p_7") is None
    assert visits.end("front", "p_8").frame.stamp_ns == 8
