import numpy as np
import pytest

from facetrack_ros.core.boxes import height_iou, iou, nms


def test_iou_of_half_shifted_squares_is_a_third():
    assert np.isclose(iou(np.array([[0, 0, 10, 10.0]]), np.array([[5, 0, 15, 10.0]]))[0, 0], 1 / 3)


def test_empty_and_swapped_boxes_have_no_overlap():
    boxes = np.array([[5, 5, 5, 5.0], [9, 9, 1, 1.0]])
    assert not iou(boxes, np.array([[0, 0, 10, 10.0]])).any()


def test_height_iou_is_of_the_vertical_spans_alone():
    boxes = np.array([[0, 0, 10, 100], [50, 50, 60, 100], [0, 200, 10, 300], [0, 5, 9, 5.0]])
    assert np.allclose(height_iou(boxes[:1], boxes), [[1, 0.5, 0, 0]])


def test_nms_keeps_the_highest_score_of_duplicates():
    boxes = np.array([[0, 0, 10, 10], [1, 0, 11, 10], [50, 50, 60, 60.0]])
    assert nms(boxes, np.array([0.5, 0.9, 0.7]), 0.5).tolist() == [1, 2]


def test_nms_drops_boxes_that_are_not_finite():
    boxes = np.array([[0, 0, np.nan, 10], [0, 0, 10, 10]])
    assert nms(boxes, np.array([0.9, 0.5]), 0.5).tolist() == [1]
    assert nms(np.empty((0, 4)), np.empty(0), 0.5).tolist() == []


@pytest.mark.parametrize("count", [2, 9, 120])
def test_nms_equals_the_greedy_algorithm(count):
    random = np.random.default_rng(count)
    boxes = np.repeat(random.uniform(0, 200, (count, 2)), 2, axis=0).reshape(count, 4) + np.array([0, 0, 40, 60])
    boxes += random.normal(0, 5, boxes.shape)
    scores = random.integers(0, 5, count) / 4  # with ties, and with 0
    kept = []
    for row in np.argsort(-scores, kind="stable"):
        if not kept or iou(boxes[row][None], boxes[kept]).max() <= 0.4:
            kept.append(row)
    assert nms(boxes, scores, 0.4).tolist() == kept


def test_nms_keeps_one_of_several_empty_boxes():
    boxes = np.array([[3, 3, 3, 3], [0, 0, 10, 10], [8, 2, 5, 1.0]])
    assert nms(boxes, np.array([0.2, 0.9, 0.4]), 0.5).tolist() == [1, 2]
