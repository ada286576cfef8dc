import numpy as np

from facetrack_ros.vision.boxes import iou, suppress


def test_overlap_of_half_shifted_squares_is_a_third():
    assert np.isclose(iou(np.array([[0, 0, 10, 10.0]]), np.array([[5, 0, 15, 10.0]]))[0, 0], 1 / 3)


def test_empty_and_inside_out_boxes_overlap_nothing():
    boxes = np.array([[5, 5, 5, 5.0], [9, 9, 1, 1.0]])
    assert not iou(boxes, np.array([[0, 0, 10, 10.0]])).any()


def test_of_duplicates_the_best_scored_stays():
    boxes = np.array([[0, 0, 10, 10], [1, 0, 11, 10], [50, 50, 60, 60.0]])
    assert suppress(boxes, np.array([0.5, 0.9, 0.7]), 0.5).tolist() == [1, 2]


def test_boxes_that_are_no_numbers_are_dropped():
    boxes = np.array([[0, 0, np.nan, 10], [0, 0, 10, 10]])
    assert suppress(boxes, np.array([0.9, 0.5]), 0.5).tolist() == [1]
    assert suppress(np.empty((0, 4)), np.empty(0), 0.5).tolist() == []
