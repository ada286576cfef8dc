"""Thumbnails are small, square, and show the face."""

import cv2
import numpy as np
import pytest

from facetrack_ros.core.frame import Frame, encode_jpeg
from facetrack_ros.history.sightings.thumbnail import face_thumbnail, reduction_for


def decoded(jpeg):
    return cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)


def test_a_large_face_is_scaled_down_and_a_small_one_keeps_its_pixels():
    image = np.full((1000, 1000, 3), 128, np.uint8)
    assert decoded(face_thumbnail(image, np.array([300, 300, 500, 500]))).shape == (96, 96, 3)
    assert decoded(face_thumbnail(image, np.array([300, 300, 320, 330]))).shape == (54, 54, 3)


def test_at_the_edge_the_square_moves_inwards():
    image = np.zeros((100, 100, 3), np.uint8)
    image[:20, :20] = 255
    thumbnail = decoded(face_thumbnail(image, np.array([-5, -5, 20, 20])))
    assert thumbnail.shape == (45, 45, 3)
    assert thumbnail[5, 5].min() > 240
    assert thumbnail[40, 40].max() < 15


def test_an_image_smaller_than_the_square_is_used_whole():
    assert decoded(face_thumbnail(np.zeros((40, 60, 3), np.uint8), np.array([0, 0, 60, 40]))).shape == (40, 40, 3)


@pytest.mark.parametrize(
    "box", [(200, 0, 220, 20), (0, 0, 0, 0), (-30, -30, -5, -5), (np.nan, 0, 1, 1), (50, 50, 40, 60)]
)
def test_a_box_outside_the_image_gives_no_thumbnail(box):
    assert face_thumbnail(np.zeros((100, 100, 3), np.uint8), np.array(box)) == b""


def test_noise_is_compressed_to_a_few_kilobytes():
    noise = np.random.default_rng(0).integers(0, 255, (200, 200, 3), np.uint8)
    assert 0 < len(face_thumbnail(noise, np.array([50, 50, 150, 150]))) < 6000


def test_a_real_face_fits_into_4_kb(real_data):
    image = cv2.imread(str(real_data("images/zidane.jpg")))
    for box in ((480, 100, 650, 330), (940, 60, 1110, 300), (600, 200, 640, 250)):
        assert 500 < len(face_thumbnail(image, np.array(box))) <= 4096


def test_a_frame_decoded_at_reduced_size_gives_the_same_thumbnail():
    x, y = np.meshgrid(np.arange(1280), np.arange(720))
    picture = np.stack([x / 5, y / 3, 120 + 100 * np.sin(x / 40) * np.sin(y / 40)], axis=2).astype(np.uint8)
    frame = Frame("front", 1, 0, encode_jpeg(picture, 95))
    for box, factor in (
        ((600, 300, 640, 340), 1),
        ((500, 200, 620, 320), 2),
        ((400, 100, 630, 330), 4),
        ((300, 50, 800, 600), 8),
    ):
        box = np.array(box, np.float32)
        assert reduction_for(box) == factor
        whole, smaller = (
            decoded(face_thumbnail(picture, box)),
            decoded(face_thumbnail(frame.smaller(factor), box / factor)),
        )
        assert abs(whole.shape[0] - smaller.shape[0]) <= 6
        smaller = cv2.resize(smaller, whole.shape[:2])
        assert np.abs(whole.astype(float) - smaller).mean() < 6
    assert not Frame("front", 1, 0, frame.jpeg).decoded
    assert frame.image is not None
    assert frame.decoded
