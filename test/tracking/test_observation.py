"""Invalid boxes, scores and embeddings of a frame are left out."""

import numpy as np
import pytest

from facetrack_ros.core.boxes import iou, widened
from facetrack_ros.core.detections import Detections
from facetrack_ros.core.face import Face
from facetrack_ros.tracking.observation import Observation

BOX = (10, 10, 50, 90)


def face(person=0, embedding=None, quality=0.8, rejected=""):
    box, landmarks = np.array([20, 15, 40, 40], np.float32), np.zeros((5, 2), np.float32)
    return Face(box, landmarks, 0.9, quality, rejected, person, embedding)


def observe(boxes, faces=(), scores=None, dimension=None):
    boxes = np.array(boxes, np.float32)
    scores = np.ones(len(boxes), np.float32) if scores is None else np.array(scores, np.float32)
    return Observation.of(Detections(boxes, scores, "boxes"), faces, dimension)


@pytest.mark.parametrize(
    "bad",
    [
        (np.nan, 10, 50, 90),
        (10, 10, np.inf, 90),
        (50, 10, 10, 90),
        (10, 10, 10, 90),
        (-50, 10, -1, 90),
        (10, -90, 50, 0),
    ],
)
def test_invalid_boxes_are_left_out_and_faces_stay_with_their_persons(embedding_of, bad):
    seen = observe([bad, BOX], [face(1, embedding_of(3)), face(0, embedding_of(2))])
    assert seen.boxes.tolist() == [list(BOX)]
    assert np.array_equal(seen.embedding(0), embedding_of(3))


def test_arrays_of_unequal_length_show_no_person():
    assert len(observe([BOX], scores=[0.5, 0.5])) == 0
    assert len(observe([(1, 2, 3)])) == 0
    assert len(observe([], scores=[])) == 0


def test_scores_stay_between_0_and_1_and_must_be_numbers():
    assert observe([BOX, BOX, BOX], scores=[1.5, np.nan, -1]).scores.tolist() == [1, 0]


@pytest.mark.parametrize(
    "embedding",
    [np.full(64, np.nan, np.float32), np.zeros(64, np.float32), np.ones(64, np.float32), np.ones((1, 1), np.float32)],
)
def test_an_invalid_embedding_is_dropped_and_its_face_kept(embedding):
    seen = observe([BOX], [face(0, embedding)])
    assert seen.faces[0] is not None
    assert seen.embedding(0) is None


def test_an_embedding_of_another_length_is_none(embedding_of):
    assert observe([BOX], [face(0, embedding_of(1))], dimension=128).embedding(0) is None
    seen = observe([BOX, BOX], [face(0, embedding_of(1)), face(1, embedding_of(1)[:16])])
    assert seen.dimension == 64
    assert seen.embedding(1) is None


def test_a_rejected_face_has_no_embedding(embedding_of):
    assert observe([BOX], [face(0, embedding_of(1), rejected="18 px wide, needs 24")]).embedding(0) is None


def test_the_better_of_two_faces_counts_and_faces_without_a_person_do_not(embedding_of):
    rows = ((0, 1, 0.3), (0, 2, 0.9), (-1, 3, 1.0), (7, 4, 1.0))
    seen = observe([BOX], [face(person, embedding_of(front), quality) for person, front, quality in rows])
    assert np.array_equal(seen.embedding(0), embedding_of(2))


def test_overlap_is_the_shared_part_of_both():
    boxes = np.array([[0, 0, 10, 10], [5, 0, 15, 10], [20, 20, 30, 30], [5, 5, 5, 5]], np.float32)
    assert iou(boxes[:1], boxes) == pytest.approx(np.array([[1, 1 / 3, 0, 0]]))
    assert iou(boxes[3:], boxes[3:]).tolist() == [[0]]
    assert widened(boxes[:1], 0.5).tolist() == [[-5, -5, 15, 15]]
