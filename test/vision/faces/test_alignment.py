"""Alignment maps landmarks onto the template, without aliasing."""

import numpy as np
import pytest

from facetrack_ros.vision.faces.alignment import ARCFACE_TEMPLATE, align, similarity_transform


def test_a_rotated_scaled_shifted_face_is_mapped_onto_the_template():
    angle, scale, shift = np.radians(33), 2.7, np.array([40.0, -12.0])
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    points = scale * ARCFACE_TEMPLATE @ turn.T + shift
    matrix = similarity_transform(points, ARCFACE_TEMPLATE)
    assert np.allclose(points @ matrix[:, :2].T + matrix[:, 2], ARCFACE_TEMPLATE, atol=1e-3)


def test_the_map_never_mirrors():
    mirrored = ARCFACE_TEMPLATE * (-1, 1)
    matrix = similarity_transform(mirrored, ARCFACE_TEMPLATE)
    assert np.linalg.det(matrix[:, :2]) > 0


def test_eyes_and_nose_suffice():
    points = ARCFACE_TEMPLATE * 2
    points[3:] = np.nan
    matrix = similarity_transform(points, ARCFACE_TEMPLATE)
    assert np.allclose(matrix, [[0.5, 0, 0], [0, 0.5, 0]], atol=1e-4)


@pytest.mark.parametrize("points", [np.full((5, 2), np.nan), np.full((5, 2), 7.0)])
def test_unknown_or_coinciding_landmarks_give_no_crop(points):
    assert align(np.zeros((50, 50, 3), np.uint8), points) is None


@pytest.mark.parametrize("scale", [1, 3, 8])
def test_the_crop_is_the_same_at_any_scale(scale):
    picture = np.zeros((112 * scale, 112 * scale, 3), np.uint8)
    picture[:, : 56 * scale] = 200
    crop = align(picture, ARCFACE_TEMPLATE * scale + (scale - 1) / 2)
    assert crop.shape == (112, 112, 3)
    assert crop[60, 54, 0] == 200
    assert crop[60, 57, 0] == 0


def test_a_large_face_does_not_alias():
    stripes = np.zeros((1120, 1120, 3), np.uint8)
    stripes[:, ::2] = 255
    crop = align(stripes, ARCFACE_TEMPLATE * 10)
    assert np.ptp(crop[20:90, 20:90].astype(int)) <= 4
