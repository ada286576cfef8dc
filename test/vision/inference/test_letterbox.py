"""Images keep their proportions in the input, and boxes are mapped back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facetrack_ros.vision.inference.letterbox import Letterbox


def test_the_image_lies_top_left_on_grey():
    blob, (placement,) = Letterbox((416, 416)).blob([np.zeros((100, 200, 3), np.uint8)])
    assert blob.shape == (1, 3, 416, 416)
    assert blob.dtype == np.float32
    assert placement.scale == pytest.approx((2.08, 2.08))
    assert placement.corner == (0, 0)
    assert not blob[:, :, :208].any()
    assert (blob[:, :, 208:] == 114).all()


def test_or_in_the_middle():
    blob, (placement,) = Letterbox((64, 64), centred=True).blob([np.zeros((64, 33, 3), np.uint8)])
    assert placement.corner == (15, 0)
    assert not blob[..., 15:48].any()
    assert (blob[..., :15] == 114).all()
    assert (blob[..., 48:] == 114).all()


def test_channels_are_ordered_and_scaled_as_the_contract_says():
    picture = np.full((8, 8, 3), (10, 20, 30), np.uint8)
    blob, _ = Letterbox((8, 8), "RGB", mean=(1.0, 2.0, 3.0), std=(2.0, 4.0, 0.5)).blob([picture])
    assert blob[0, :, 0, 0].tolist() == [14.5, 4.5, 14.0]


def test_the_border_is_scaled_too():
    blob, _ = Letterbox((8, 8), mean=(14.0, 14.0, 14.0), std=(10.0, 10.0, 10.0)).blob([np.zeros((4, 8, 3), np.uint8)])
    assert (blob[:, :, 4:] == 10).all()


def test_a_dynamic_size_shrinks_to_the_images_needs():
    assert Letterbox((640, 640)).shrunk(1280, 720, 32).size == (640, 384)
    assert Letterbox((640, 640)).shrunk(20000, 1, 32).size == (640, 32)


@given(st.integers(1, 20000), st.integers(1, 300), st.booleans())
def test_corners_of_any_image_are_mapped_back(width, height, centred):
    letterbox = Letterbox((96, 64), centred=centred)
    _, (placement,) = letterbox.blob([np.zeros((height, width, 3), np.uint8)])
    inner = letterbox.inner_size(width, height)
    left, top = placement.corner
    assert left + inner[0] <= 96
    assert top + inner[1] <= 64
    boxes = placement.to_picture(np.array([[left, top, left + inner[0], top + inner[1]]], np.float32))
    assert boxes[0] == pytest.approx([0, 0, width, height], rel=1e-5)


@pytest.mark.parametrize(
    ("picture", "size", "factor"),
    [
        ((1280, 720), (416, 416), 2),
        ((1920, 1080), (416, 416), 4),
        ((831, 400), (416, 416), 1),
        ((832, 400), (416, 416), 2),
        ((4000, 3000), (416, 416), 8),
        ((640, 480), (640, 640), 1),
        ((1920, 1080), (640, 640), 2),
        ((20000, 1), (416, 416), 1),
    ],
)
def test_an_image_may_be_decoded_as_small_as_the_input(picture, size, factor):
    assert Letterbox(size).reduction(*picture) == factor
