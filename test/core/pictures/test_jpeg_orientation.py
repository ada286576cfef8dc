"""EXIF orientation of JPEG images, as OpenCV and Pillow show it."""

import io

import cv2
import numpy as np
import pytest

from facetrack_ros.core.frame import encode_jpeg
from facetrack_ros.core.jpeg import whole_jpeg
from facetrack_ros.core.pictures.decoding import decode
from facetrack_ros.core.pictures.jpeg_orientation import exif_orientation, shown_size, turned_jpeg


@pytest.fixture
def image():
    corners = np.zeros((48, 80, 3), np.uint8)
    corners[:16, :16], corners[:16, -16:], corners[-16:, :16] = (255, 0, 0), (0, 255, 0), (0, 0, 255)
    return corners


def by_pillow(orientation, image, byte_order):
    """A JPEG whose EXIF data comes from another program."""
    pillow = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
    exif = pillow.Exif()
    exif.endian = byte_order
    exif[0x010F] = "a maker"
    if orientation is not None:
        exif[0x0112] = orientation
    data = io.BytesIO()
    pillow.fromarray(image[:, :, ::-1]).save(data, "JPEG", quality=95, exif=exif)
    return data.getvalue()


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("degrees", [0, 90, 180, 270, 450, -90])
@pytest.mark.parametrize("orientation", [0, None, *range(1, 9)])
@pytest.mark.parametrize("byte_order", ["<", ">"])
def test_an_image_is_shown_turned_after_its_own_orientation(image, orientation, byte_order, degrees, mirrored):
    stored = encode_jpeg(image, 95) if orientation == 0 else by_pillow(orientation, image, byte_order)
    shown = decode(stored)
    expected = np.rot90(shown[:, ::-1] if mirrored else shown, -degrees // 90)
    turned = turned_jpeg(stored, degrees, mirrored)
    assert whole_jpeg(turned) == turned
    assert shown_size(turned) == expected.shape[1::-1]
    assert np.abs(decode(turned).astype(int) - expected).max() <= 2
    assert np.array_equal(decode(turned, cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION), decode(stored, 129))


def test_pillow_shows_what_opencv_shows(image):
    pillow = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
    ops = pytest.importorskip("PIL.ImageOps")
    turned = turned_jpeg(encode_jpeg(image, 95), 90)
    shown = np.asarray(ops.exif_transpose(pillow.open(io.BytesIO(turned))))[:, :, ::-1]
    assert np.abs(decode(turned).astype(int) - shown).max() <= 4


@pytest.mark.parametrize("cut", range(4, 120, 7))
def test_damaged_exif_data_states_no_orientation(image, cut):
    data = by_pillow(6, image, "<")[:cut]
    assert 1 <= exif_orientation(data) <= 8


def test_png_has_no_orientation(image):
    with pytest.raises(ValueError, match="JPEG"):
        turned_jpeg(cv2.imencode(".png", image)[1].tobytes(), 90)
