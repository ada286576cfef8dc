import numpy as np

from facetrack_ros.core.face import Face
from facetrack_ros.core.track import Track, TrackState
from facetrack_ros.tracking.face_scheduler import FRAMES_WITHOUT_PAUSE, FaceScheduler

LEFT, RIGHT = [0, 0, 100, 300], [300, 0, 400, 300]
BOX, LANDMARKS = np.zeros(4, np.float32), np.zeros((5, 2), np.float32)
STEP_NS, SECOND_NS = 10_000_000, 1_000_000_000


def face(quality, person=0, rejected="", embedding=None):
    return Face(BOX, LANDMARKS, 0.9, quality, rejected, person, embedding)


def track(track_id, box, state=TrackState.TRACKING, embedded=None):
    shown = None if embedded is None else face(embedded, embedding=np.ones(1, np.float32))
    return Track(track_id, "", state, np.array(box, np.float32), 0.9, shown)


def persons(*boxes):
    return np.array(boxes, np.float32).reshape(-1, 4)


class OnePerson:
    """Somebody at the left whose face has a quality of its own in each frame; a frame every 10 ms."""

    def __init__(self, **limits):
        self.improving = FaceScheduler(**limits)
        self.stamp_ns = 0
        self.improving.update(0, (track("t1", LEFT),))

    def frame(self, quality, step_ns=STEP_NS, rejected=""):
        """Whether the face was looked for, and whether it was embedded."""
        self.stamp_ns += step_ns
        plan = self.improving.plan(self.stamp_ns)
        (looked,) = plan.search_mask(persons(LEFT))
        (embedded,) = plan.embed_mask(persons(LEFT), [face(quality, rejected=rejected)]) if looked else [False]
        self.improving.update(self.stamp_ns, (track("t1", LEFT, embedded=quality if embedded else None),))
        return looked, embedded


def test_after_three_embeddings_only_a_clearly_better_face_is_embedded():
    person = OnePerson(min_embeddings=3, pause_ns=0)
    embedded = [person.frame(quality)[1] for quality in (0.5, 0.4, 0.3, 0.5, 0.6, 0.6, 0.63, 0.7)]
    assert embedded == [True, True, True, False, True, False, False, True]


def test_a_face_of_good_quality_is_searched_again_after_a_second():
    person = OnePerson(min_embeddings=1, pause_ns=0)
    assert person.frame(0.97) == (True, True)
    assert [person.frame(1.0) for _ in range(5)] == [(False, False)] * 5
    assert person.frame(0.5, SECOND_NS) == (True, True)


def test_a_face_is_embedded_at_least_once_a_second():
    person = OnePerson(min_embeddings=1, pause_ns=0)
    assert [person.frame(0.5, SECOND_NS // 4)[1] for _ in range(12)] == [True, False, False, False] * 3


def test_a_known_face_is_searched_at_a_bounded_rate():
    person = OnePerson(min_embeddings=1, pause_ns=10 * STEP_NS)
    assert sum(person.frame(0.5)[0] for _ in range(100)) == 10


def test_a_track_without_a_usable_face_is_searched_often_at_first_and_then_at_a_bounded_rate():
    person = OnePerson(min_embeddings=3, pause_ns=10 * STEP_NS)
    looked = [person.frame(0.1, rejected="turned away")[0] for _ in range(FRAMES_WITHOUT_PAUSE + 50)]
    assert all(looked[:FRAMES_WITHOUT_PAUSE])
    assert sum(looked[FRAMES_WITHOUT_PAUSE:]) == 5


def test_pending_frames_count_as_embeddings():
    improving = FaceScheduler(min_embeddings=3)
    improving.update(0, (track("t1", LEFT),))
    plans = [improving.plan(stamp_ns) for stamp_ns in (1, 2, 3, 4, 5)]
    assert [bool(plan.search_mask(persons(LEFT))[0]) for plan in plans] == [True, True, True, False, False]
    improving.update(1, (track("t1", LEFT, embedded=0.5),))
    improving.update(2, (track("t1", LEFT),))  # nothing came of the second
    assert bool(improving.plan(6).search_mask(persons(LEFT))[0])


def test_a_person_without_a_track_is_searched_and_embedded():
    improving = FaceScheduler()
    assert improving.plan(1).embed_mask(persons(LEFT), [face(0.2)]) == [True]
    improving.update(1, (track("t1", RIGHT),))
    for stamp_ns in range(2, 7):
        plan = improving.plan(stamp_ns)
        assert plan.search_mask(persons(LEFT)).tolist() == [True]
        assert plan.embed_mask(persons(LEFT), [face(0.2)]) == [True]


def test_a_rejected_face_is_not_embedded_and_one_without_a_person_is():
    improving = FaceScheduler(min_embeddings=1)
    improving.update(0, (track("t1", LEFT),))
    plan = improving.plan(1)
    assert plan.embed_mask(persons(LEFT), [face(0.9, rejected="18 px wide, needs 24")]) == [False]
    assert plan.embed_mask(persons(LEFT), [face(0.9, person=-1), face(0.3)]) == [True, True]


def test_two_tracks_have_records_of_their_own():
    improving = FaceScheduler(min_embeddings=1, pause_ns=0)
    improving.update(0, (track("t1", LEFT, embedded=0.4), track("t2", RIGHT, embedded=0.9)))
    plan = improving.plan(1)
    assert plan.embed_mask(persons(RIGHT, LEFT), [face(0.5, 0), face(0.5, 1)]) == [False, True]


def test_a_lost_track_starts_anew():
    improving = FaceScheduler(min_embeddings=1)
    improving.update(1, (track("t1", LEFT, embedded=0.97),))
    assert not improving.plan(2).search_mask(persons(LEFT))[0]
    improving.update(2, (track("t1", LEFT, TrackState.LOST),))
    improving.update(3, (track("t1", LEFT),))
    assert improving.plan(4).embed_mask(persons(LEFT), [face(0.2)]) == [True]


def test_tracks_that_ended_are_forgotten():
    improving = FaceScheduler(min_embeddings=1)
    improving.update(1, (track("t1", LEFT, embedded=0.97),))
    improving.update(2, ())
    improving.update(3, (track("t1", LEFT),))
    assert improving.plan(4).embed_mask(persons(LEFT), [face(0.2)]) == [True]


def test_invalid_boxes_belong_to_no_track():
    improving = FaceScheduler(min_embeddings=1)
    improving.update(1, (track("t1", [np.nan] * 4, embedded=0.97), track("t2", [5, 5, 5, 5], embedded=0.97)))
    plan = improving.plan(2)
    assert plan.search_mask(persons([np.nan] * 4, [5, 5, 5, 5])).tolist() == [True, True]
    assert plan.embed_mask(persons([np.nan] * 4, [5, 5, 5, 5]), [face(0.5, 0), face(0.5, 1)]) == [True, True]
    assert plan.search_mask(persons()).tolist() == []
    assert plan.embed_mask(persons(), []) == []


def test_a_recording_that_starts_again_is_searched_anew():
    person = OnePerson(min_embeddings=1)
    assert person.frame(0.97, 900) == (True, True)
    assert person.frame(0.97, 50) == (False, False)
    assert person.frame(0.97, -850) == (True, True)
