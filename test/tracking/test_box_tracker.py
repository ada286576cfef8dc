"""Boxes are linked to tracks by motion, face and body."""

import numpy as np
import pytest

from facetrack_ros.core.detections import Detections
from facetrack_ros.core.face import Face
from facetrack_ros.tracking.box_tracker import BoxTracker
from facetrack_ros.tracking.observation import Observation

THRESHOLD = 0.36


def observation(*persons):
    """Of ``(x, embedding or None)`` rows."""
    boxes = np.array([[x, 100, x + 60, 280] for x, _ in persons], np.float32).reshape(-1, 4)
    faces = [
        Face(box, np.zeros((5, 2), np.float32), 0.9, 0.8, person=row, embedding=persons[row][1])
        for row, box in enumerate(boxes)
    ]
    return Observation.of(Detections(boxes, np.ones(len(boxes), np.float32), "boxes"), faces)


class Clock:
    def __init__(self):
        self.tracker = BoxTracker(THRESHOLD)

    def __call__(self, time_s, *persons):
        return self.tracker.update(round(time_s * 1e9), observation(*persons)).tolist()


@pytest.fixture
def see():
    return Clock()


def test_each_new_box_is_a_new_track_and_stays_one(see):
    assert see(0, (0, None), (300, None)) == [0, 1]
    assert see(0.1, (302, None), (2, None), (600, None)) == [1, 0, 2]


def test_the_best_pairs_are_taken_as_a_whole(see):
    see(0, (100, None), (130, None))
    # The first box lies nearest to the second track, but then nothing would be left for the second box.
    assert see(0.1, (120, None), (150, None)) == [0, 1]


def test_speed_is_measured_in_real_time(see):
    see(0, (0, None))
    see(0.1, (20, None))
    assert see(0.9, (150, None)) == [0]  # 200 px a second, slowing down


def test_a_lost_track_is_kept_for_two_seconds(see):
    assert see(0, (100, None)) == [0]
    assert see(1) == []
    assert see(2, (100, None)) == [0]
    assert see(3) == []
    assert see(4.1, (100, None)) == [1]


def test_a_long_lost_track_needs_more_overlap(see):
    see(0, (100, None))
    for step in range(1, 15):
        see(0.1 * step)
    assert see(1.5, (168, None)) == [1]


def test_a_track_missed_by_one_frame_may_have_moved_further(see):
    see(0, (100, None))
    see(0.1)
    assert see(0.4, (152, None)) == [0]


def test_a_clearly_different_face_is_never_joined(see, embedding_of):
    assert see(0, (100, embedding_of(1))) == [0]
    assert see(0.1, (100, embedding_of(2))) == [1]


def test_a_face_of_middling_similarity_does_not_split_a_track(see, embedding_of):
    assert see(0, (100, embedding_of(1))) == [0]
    assert see(0.1, (102, embedding_of(1, 0.2))) == [0]


def test_a_face_that_matches_is_joined_without_overlap_within_the_gap(see, embedding_of):
    assert see(0, (100, embedding_of(1)), (300, embedding_of(2))) == [0, 1]
    see(0.1)
    assert see(1.9, (500, embedding_of(2, 0.8)), (700, embedding_of(1, 0.8))) == [1, 0]


def test_where_boxes_overlap_equally_the_face_decides(see, embedding_of):
    see(0, (100, embedding_of(1)), (130, embedding_of(2)))
    assert see(0.1, (115, embedding_of(2)), (115, embedding_of(1))) == [1, 0]


def test_two_faces_that_swap_in_an_overlap_do_not_swap_tracks(see, embedding_of):
    for step in range(5):
        see(0.1 * step, (100 + 10 * step, embedding_of(1)), (200 - 10 * step, embedding_of(2)))
    assert see(0.5, (140, embedding_of(2)), (160, embedding_of(1))) == [1, 0]


@pytest.mark.parametrize("frames", [1, 3])
def test_frames_without_persons_age_all_tracks(see, frames):
    see(0, (100, None))
    for row in range(frames):
        see(0.1 + row * 0.1)
    assert see(2.5, (100, None)) == [1]


@pytest.mark.parametrize(
    ("every", "first", "bound"),
    [(1, 0, 0), (3, 0, 0), (3, 1, 0), (3, 2, 0), (6, 0, 2), (6, 1, 6), (6, 2, 2), (6, 4, 7)],
)
def test_real_walkers_seldom_change_tracks(real_data, every, first, bound):
    """TUD-Campus at 25, 8 and 4 frames a second, the true boxes as detections: 8 people who hide each other.

    Measured: none at 25 and 8 frames a second; 0, 4, 0 and 6 at 4 frames a second.
    """
    truth = np.loadtxt(real_data("tracking/TUD-Campus/gt/gt.txt"), delimiter=",")
    tracker, last, switches = BoxTracker(THRESHOLD), {}, 0
    for frame in range(1 + first, 72, every):
        rows = truth[truth[:, 0] == frame]
        boxes = np.concatenate([rows[:, 2:4], rows[:, 2:4] + rows[:, 4:6]], axis=1).astype(np.float32)
        shown = Observation.of(Detections(boxes, np.ones(len(boxes), np.float32), "truth"), ())
        for person, key in zip(rows[:, 1], tracker.update(frame * 40_000_000, shown)):
            switches += last.get(person, key) != key
            last[person] = key
    print(f"TUD-Campus, every {every}. frame from {first}: {switches} switches over {len(last)} people")
    assert len(last) == 8
    assert switches <= bound


def test_persons_taken_from_faces_are_followed_whatever_their_score():
    """dlib's scores of clear faces begin at 0.5, and the embedder may pass a frame over."""
    boxes = np.array([[100, 100, 160, 280]], np.float32)
    scores = np.array([0.5], np.float32)
    for model_id, keys in (("persons_from_dlib_hog", [0]), ("yolox_nano", [-1])):
        shown = Observation.of(Detections(boxes, scores, model_id), ())
        assert BoxTracker(THRESHOLD).update(0, shown).tolist() == keys
