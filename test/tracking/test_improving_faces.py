import numpy as np

from facetrack_ros.tracking.improving_faces import ImprovingFaces
from facetrack_ros.tracking.track import Track, TrackState
from facetrack_ros.vision.face import Face

LEFT, RIGHT = [0, 0, 100, 300], [300, 0, 400, 300]
BOX, LANDMARKS = np.zeros(4, np.float32), np.zeros((5, 2), np.float32)


def face(quality, person=0, rejected=""):
    return Face(BOX, LANDMARKS, 0.9, quality, rejected, person)


def track(track_id, box, state=TrackState.TRACKING):
    return Track(track_id, "", state, np.array(box, np.float32), 0.9)


def choose(improving, boxes, faces, stamp_ns=5):
    return improving.choose(stamp_ns, boxes, faces)


def persons(*boxes):
    return np.array(boxes, np.float32).reshape(-1, 4)


def test_after_three_looks_only_a_better_face_is_embedded():
    improving = ImprovingFaces(looks=3)
    improving.know((track("t1", LEFT),))
    chosen = [choose(improving, persons(LEFT), [face(quality)])[0] for quality in (0.5, 0.4, 0.3, 0.5, 0.6, 0.6, 0.55, 0.7)]
    assert chosen == [True, True, True, False, True, False, False, True]


def test_who_is_followed_by_no_track_yet_is_embedded():
    improving = ImprovingFaces()
    assert choose(improving, persons(LEFT), [face(0.2)]) == [True]
    improving.know((track("t1", RIGHT),))
    assert all(choose(improving, persons(LEFT), [face(0.2)]) == [True] for _ in range(5))


def test_a_face_turned_down_or_of_nobody_does_not_count_for_a_track():
    improving = ImprovingFaces(looks=1)
    improving.know((track("t1", LEFT),))
    assert choose(improving, persons(LEFT), [face(0.9, rejected="18 px wide, needs 24")]) == [False]
    assert choose(improving, persons(LEFT), [face(0.9, person=-1), face(0.3)]) == [True, True]
    assert choose(improving, persons(LEFT), [face(0.3)]) == [False]


def test_each_of_two_people_is_known_for_itself():
    improving = ImprovingFaces(looks=1)
    improving.know((track("t1", LEFT), track("t2", RIGHT)))
    assert choose(improving, persons(RIGHT, LEFT), [face(0.9, 0), face(0.4, 1)]) == [True, True]
    assert choose(improving, persons(RIGHT, LEFT), [face(0.5, 0), face(0.5, 1)]) == [False, True]


def test_who_was_lost_is_looked_at_anew():
    improving = ImprovingFaces(looks=1)
    improving.know((track("t1", LEFT),))
    choose(improving, persons(LEFT), [face(0.9)])
    improving.know((track("t1", LEFT, TrackState.LOST),))
    improving.know((track("t1", LEFT),))
    assert choose(improving, persons(LEFT), [face(0.2)]) == [True]


def test_tracks_that_ended_are_forgotten():
    improving = ImprovingFaces(looks=1)
    improving.know((track("t1", LEFT),))
    choose(improving, persons(LEFT), [face(0.9)])
    improving.know(())
    improving.know((track("t1", LEFT),))
    assert choose(improving, persons(LEFT), [face(0.2)]) == [True]


def test_odd_boxes_belong_to_no_track():
    improving = ImprovingFaces(looks=1)
    improving.know((track("t1", [np.nan] * 4), track("t2", [5, 5, 5, 5])))
    assert all(choose(improving, persons([np.nan] * 4, [5, 5, 5, 5]), [face(0.5, 0), face(0.5, 1)]) == [True, True]
               for _ in range(3))
    assert choose(improving, persons(), []) == []


def test_once_a_second_a_face_is_embedded_all_the_same():
    improving = ImprovingFaces(looks=1)
    improving.know((track("t1", LEFT),))
    stamps = range(0, 3_000_000_000, 250_000_000)
    chosen = [choose(improving, persons(LEFT), [face(0.5)], stamp_ns)[0] for stamp_ns in stamps]
    assert chosen == [True, False, False, False] * 3


def test_a_recording_that_begins_again_is_looked_at_anew():
    improving = ImprovingFaces(looks=1)
    improving.know((track("t1", LEFT),))
    assert [choose(improving, persons(LEFT), [face(0.5)], stamp_ns) for stamp_ns in (900, 950, 100, 150)] == [
        [True], [False], [True], [False]]
