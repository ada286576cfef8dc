"""The quality gate rejects faces by size, score, position, pose and sharpness, with a reason."""

import cv2
import numpy as np
import pytest

from facetrack_ros.vision.faces.quality import QualityGate, assess, nose_turn, outside_share, sharpness

GATE = QualityGate()
NOISE = np.random.default_rng(1).integers(0, 255, (200, 200, 3), np.uint8)


def landmarks(x, y, width):
    """Of a frontal face whose box starts at x, y."""
    return np.array([[0.3, 0.4], [0.7, 0.4], [0.5, 0.6], [0.35, 0.8], [0.65, 0.8]]) * width + (x, y)


def face(x, y, width):
    return np.array([x, y, x + width, y + width], np.float32), landmarks(x, y, width)


def test_a_large_sharp_frontal_face_passes_with_high_quality():
    quality, reason = assess(NOISE, *face(50, 50, 100), 0.95, GATE)
    assert reason == ""
    assert quality > 0.9


def test_a_narrow_face_is_rejected_with_both_numbers():
    assert assess(NOISE, *face(50, 50, 18), 0.95, GATE)[1] == "18 px wide, needs 24"


def test_a_face_half_outside_is_rejected():
    assert "beyond the border" in assess(NOISE, *face(-50, 50, 100), 0.95, GATE)[1]


@pytest.mark.parametrize(("x", "y"), [(1, 50), (99, 50), (50, 99)])
def test_a_face_at_an_edge_may_be_half_a_face(x, y):
    assert assess(NOISE, *face(x, y, 100), 0.95, GATE)[1] == "cut off by the picture's edge"


def test_hair_may_be_cut_off():
    assert assess(NOISE, *face(50, 0, 100), 0.95, GATE)[1] == ""


def test_a_face_turned_to_profile_is_rejected():
    box, points = face(50, 50, 100)
    points[2] = points[1]
    assert "turned away by 0.5" in assess(NOISE, box, points, 0.95, QualityGate(max_turn=0.4))[1]


def test_a_face_without_detail_is_rejected():
    assert "sharpness 0.000" in assess(np.full((200, 200, 3), 90, np.uint8), *face(50, 50, 100), 0.95, GATE)[1]


def test_a_doubtful_detection_is_rejected():
    assert "score 0.30" in assess(NOISE, *face(50, 50, 100), 0.3, GATE)[1]


@pytest.mark.parametrize("box", [[np.nan] * 4, [0, 0, np.inf, 5], [10, 10, 5, 5], [0, 0, 0, 0]])
def test_invalid_boxes_are_rejected(box):
    assert assess(NOISE, np.array(box), landmarks(0, 0, 50), 0.9, GATE) == (0.0, "no valid box")


def test_missing_eyes_reject_and_a_missing_mouth_does_not():
    box, points = face(50, 50, 100)
    points[3:] = np.nan
    assert assess(NOISE, box, points, 0.9, GATE)[1] == ""
    points[0] = np.nan
    assert assess(NOISE, box, points, 0.9, GATE) == (0.0, "eyes or nose not located")


def test_quality_rises_with_size_and_stays_within_bounds():
    values = [assess(NOISE, *face(20, 20, width), 0.9, GATE)[0] for width in (24, 40, 64, 150)]
    assert values == sorted(values)
    assert 0 <= values[0] < values[2] <= 1


def test_sharpness_falls_with_blur_and_with_distance_but_not_with_light():
    picture = cv2.GaussianBlur(NOISE, (0, 0), 2)
    box = np.array([40, 40, 160, 160.0])
    sharp = sharpness(picture, box)
    assert sharpness(cv2.GaussianBlur(picture, (0, 0), 4), box) < sharp / 2
    assert np.isclose(sharpness((picture // 2).astype(np.uint8), box), sharp, rtol=0.1)
    assert sharpness(picture, np.array([300, 300, 400, 400.0])) == 0.0


def test_turn_and_outside_share_of_known_boxes():
    assert nose_turn(np.array([[0, 0], [10, 0], [8, 5]])) == pytest.approx(0.3)
    assert nose_turn(np.zeros((5, 2))) == float("inf")
    assert outside_share(np.array([-5, 0, 5, 10.0]), 100, 100) == pytest.approx(0.5)
