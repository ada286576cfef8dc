"""Orientations of EXIF and display matrices turn images the same way."""

import cv2
import numpy as np
import pytest

from facetrack_ros.core.orientation import orientation_of_matrix, turn_of, upright
from facetrack_ros.core.pictures.decoding import decode
from facetrack_ros.core.pictures.jpeg_orientation import turned_jpeg

IMAGE = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)


@pytest.mark.parametrize(
    ("orientation", "wanted"),
    [
        (1, IMAGE),
        (2, IMAGE[:, ::-1]),
        (3, IMAGE[::-1, ::-1]),
        (4, IMAGE[::-1]),
        (5, IMAGE.swapaxes(0, 1)),
        (6, np.rot90(IMAGE, -1)),
        (7, np.rot90(IMAGE, 2).swapaxes(0, 1)),
        (8, np.rot90(IMAGE)),
    ],
)
def test_upright_undoes_each_orientation(orientation, wanted):
    assert np.array_equal(upright(IMAGE, orientation), wanted)


@pytest.mark.parametrize(
    ("matrix", "orientation"),
    [
        ([1, 0, 0, 0, 1, 0, 0, 0, 1], 1),
        ([0, 3, 0, -3, 0, 0, 0, 0, 1], 6),
        ([5, 100, 0, -100, 5, 0, 0, 0, 1], 6),
        ([0, 0, 0, 0, 0, 0, 0, 0, 0], 1),
    ],
)
def test_matrices_may_be_scaled_slanted_or_empty(matrix, orientation):
    assert orientation_of_matrix(matrix) == orientation


@pytest.mark.parametrize("orientation", range(1, 9))
def test_jpeg_data_is_turned_the_same_way(orientation):
    image = np.kron(IMAGE[:, :, :1] * 12, np.ones((32, 32, 1), np.uint8)).repeat(3, axis=2)
    data = cv2.imencode(".jpg", image)[1].tobytes()
    degrees, mirrored = turn_of(orientation)
    shown = decode(turned_jpeg(data, degrees, mirrored))
    wanted = upright(image, orientation)
    assert shown.shape == wanted.shape
    assert np.abs(shown.astype(int) - wanted).mean() < 6
