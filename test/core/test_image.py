import numpy as np
import pytest

from facetrack_ros.core.image import as_bgr, resize
from facetrack_ros.errors import FrameError


@pytest.mark.parametrize("shape", [(4, 6), (4, 6, 1), (4, 6, 3), (4, 6, 4), (1, 1)])
def test_grey_and_alpha_pictures_become_bgr(shape):
    assert as_bgr(np.full(shape, 9, np.uint8)).shape == (*shape[:2], 3)


@pytest.mark.parametrize(
    "image",
    [None, np.zeros((4, 6, 3)), np.zeros((0, 6, 3), np.uint8), np.zeros((4, 6, 2), np.uint8), np.zeros(5, np.uint8)],
)
def test_what_is_no_picture_is_refused_with_a_sentence(image):
    with pytest.raises(FrameError, match="picture"):
        as_bgr(image)


def test_shrinking_ends_at_one_pixel():
    assert resize(np.zeros((3, 300, 3), np.uint8), 0.01).shape == (1, 3, 3)


@pytest.mark.parametrize("width", [240, 241, 242, 243])
def test_shrunk_things_stay_in_their_place_whether_the_sides_divide_or_not(width):
    """A ramp: each pixel's brightness says which column it is."""
    ramp = np.tile(np.arange(width, dtype=np.uint8)[None, :, None], (60, 1, 3))
    small = resize(ramp, 0.3)
    expected = (np.arange(small.shape[1]) + 0.5) * width / small.shape[1] - 0.5
    off = small[small.shape[0] // 2, 2:-2, 0] - expected[2:-2]
    assert np.abs(off).max() < 3, f"off by up to {np.abs(off).max():.1f} columns"
