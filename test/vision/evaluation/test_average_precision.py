"""Average precision on boxes of known overlap, and as Ultralytics computes it."""

import math

import numpy as np
import pytest

from facetrack_ros.core.boxes import iou
from facetrack_ros.vision.evaluation.average_precision import TrueBoxes, precision_recall


def truth(*boxes, ignored=()):
    return TrueBoxes(np.array(boxes, float).reshape(-1, 4), np.isin(np.arange(len(boxes)), list(ignored)))


def curve_of(truths, *found):
    """The curve of detections, given as boxes and scores of each picture."""
    boxes, scores = zip(*found)
    return precision_recall(truths, [np.array(each) for each in boxes], [np.array(each) for each in scores])


A, B, C, FAR = (0, 0, 10, 20), (50, 0, 60, 20), (100, 0, 110, 20), (500, 500, 510, 520)


def test_a_perfect_detector_has_average_precision_one():
    curve = curve_of([truth(A, B), truth(C)], ([A, B], [0.9, 0.3]), ([C], [0.5]))
    assert curve.average == 1.0
    assert curve.boxes == 3


def test_false_and_missed_boxes_reduce_the_area():
    curve = curve_of([truth(A, B, C)], ([A, FAR, B, FAR], [0.9, 0.8, 0.7, 0.6]))
    assert curve.precision.tolist() == pytest.approx([1, 1 / 2, 2 / 3, 1 / 2])
    assert curve.recall.tolist() == pytest.approx([1 / 3, 1 / 3, 2 / 3, 2 / 3])
    assert curve.average == pytest.approx(1 / 3 + 1 / 3 * 2 / 3)
    assert curve.at(0.7) == pytest.approx((2 / 3, 2 / 3))
    assert curve.at(0.85) == pytest.approx((1, 1 / 3))


def test_order_over_pictures_is_by_score():
    curve = curve_of([truth(A), truth(B)], ([FAR], [0.2]), ([B], [0.9]))
    assert curve.average == 0.5
    assert curve.scores.tolist() == [0.9, 0.2]


def test_a_box_found_twice_counts_for_the_higher_score():
    curve = curve_of([truth(A)], ([A, A], [0.6, 0.9]))
    assert curve.average == 1.0
    assert curve.precision.tolist() == [1.0, 0.5]


def test_the_second_detection_takes_the_remaining_box():
    curve = curve_of([truth(A, (0, 1, 10, 21))], ([A, A], [0.9, 0.8]))
    assert curve.recall.tolist() == [0.5, 1.0]


def test_min_iou_is_the_least_overlap():
    half, score = np.array([[0, 0, 10, 10]]), np.array([0.9])
    assert precision_recall([truth(A)], [half], [score], 0.5).average == 1.0
    assert precision_recall([truth(A)], [half], [score], 0.51).average == 0.0


def test_ignored_boxes_count_neither_as_found_nor_as_missed():
    curve = curve_of([truth(A, B, ignored={1})], ([B, B, A], [0.9, 0.8, 0.7]))
    assert curve.average == 1.0
    assert curve.boxes == 1
    assert curve.scores.tolist() == [0.7]


def test_nothing_to_find_has_no_average_and_nothing_found_has_zero():
    nobody, nothing = np.empty((0, 4)), np.empty(0)
    assert math.isnan(precision_recall([truth()], [np.array([A])], [np.array([0.9])]).average)
    assert precision_recall([truth(A)], [nobody], [nothing]).average == 0.0
    assert math.isnan(precision_recall([], [], []).average)
    precision, recall = precision_recall([truth(A)], [nobody], [nothing]).at(0.4)
    assert math.isnan(precision)
    assert recall == 0.0


def test_a_picture_without_detections_is_an_error():
    with pytest.raises(ValueError, match="shorter"):
        precision_recall([truth(A), truth(B)], [np.array([A])], [np.array([0.9])])


@pytest.mark.parametrize("seed", range(3))
def test_ultralytics_computes_the_same_average_precision(yolo_weights, seed):
    """Ultralytics interpolates at 101 recalls, so that the two agree to about a hundredth."""
    from ultralytics.utils.metrics import ap_per_class

    random = np.random.default_rng(seed)
    truths, boxes, scores, hits = [], [], [], []
    for _ in range(40):
        corner = random.uniform(0, 400, (8, 2))
        expected = np.concatenate([corner, corner + random.uniform(20, 80, (8, 2))], axis=1)
        near = expected[random.random(8) < 0.7] + random.normal(0, 3, 4)
        found = np.concatenate([near, expected[:3] + random.normal(0, 60, 4)])
        sure = random.random(len(found))
        truths.append(truth(*expected)), boxes.append(found), scores.append(sure)
        overlap, free = iou(found, expected), np.ones(8, bool)
        for row in np.argsort(-sure):
            best = np.where(free, overlap[row], 0).argmax()
            hits.append((sure[row], free[best] and overlap[row, best] >= 0.5))
            free[best] &= not hits[-1][1]
    sure, hit = np.array(hits).T
    theirs = ap_per_class(hit[:, None].astype(bool), sure, np.zeros(len(sure)), np.zeros(320))[5][0, 0]
    ours = precision_recall(truths, boxes, scores).average
    assert 0.2 < ours < 0.95
    assert ours == pytest.approx(theirs, abs=0.01)
