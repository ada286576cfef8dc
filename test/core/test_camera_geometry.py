"""Bearing and distance of a person from the box, with an uncertainty that covers the error."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facetrack_ros.core.camera_geometry import CameraModel, locate_person

WIDTH, HEIGHT = 1280, 720
NONE = np.zeros(0)
BARREL = np.array([-0.2, 0.03, 0.001, -0.001, 0.0])


def lens(focal=600.0, distortion=NONE, model="plumb_bob"):
    matrix = np.array([[focal, 0, WIDTH / 2], [0, focal, HEIGHT / 2], [0, 0, 1.0]])
    return CameraModel(matrix, distortion, WIDTH, HEIGHT, model)


def box_of(camera, x, z, height_m, camera_height_m, width_m=0.5):
    """The box of somebody upright whose feet are on the floor, before a level camera."""
    bottom, top = camera_height_m, camera_height_m - height_m
    corners = np.array([[x + side * width_m / 2, y, z] for side in (-1, 0, 1) for y in (top, bottom)])
    project = cv2.fisheye.projectPoints if camera.model == "equidistant" else cv2.projectPoints
    pixels = project(corners[:, None], np.zeros(3), np.zeros(3), camera.matrix, camera.distortion)[0].reshape(-1, 2)
    middle = pixels[2:4]
    return np.array([pixels[:, 0].min(), middle[0, 1], pixels[:, 0].max(), middle[1, 1]])


def inside(box):
    return box[0] > 15 and box[1] > 8 and box[2] < WIDTH - 15 and box[3] < HEIGHT - 8


BEFORE_CAMERA = {"x": st.floats(-3, 3), "z": st.floats(3, 25), "camera_height_m": st.floats(0.5, 1.6)}
PLACES = BEFORE_CAMERA | {"height_m": st.floats(1.4, 2.0)}


@settings(deadline=None, max_examples=150)
@given(**PLACES)
def test_a_person_of_known_height_is_located_exactly(x, z, height_m, camera_height_m):
    box = box_of(lens(), x, z, height_m, camera_height_m)
    if not inside(box):
        return
    found = locate_person(box, lens(), height_m, 0.1)
    assert found.mean == pytest.approx([x, camera_height_m - height_m / 2, z], rel=1e-3, abs=0.02)
    assert found.bearing[0] == pytest.approx(np.arctan2(x, z), abs=1e-3)
    assert found.distance_m == pytest.approx(np.linalg.norm(found.mean))
    assert not found.cut


@settings(deadline=None, max_examples=80)
@given(**PLACES)
def test_lens_distortion_is_removed(x, z, height_m, camera_height_m):
    for camera in (lens(distortion=BARREL), lens(400.0, np.array([0.02, -0.01, 0.0, 0.0]), "equidistant")):
        box = box_of(camera, x, z, height_m, camera_height_m)
        if inside(box):
            # The box's edges are those of a bent body: close, not exact.
            mean = locate_person(box, camera, height_m, 0.1).mean
            assert mean == pytest.approx([x, camera_height_m - height_m / 2, z], rel=0.06, abs=0.08)


@settings(deadline=None, max_examples=100)
@given(true_height_m=st.floats(1.5, 1.9), **BEFORE_CAMERA)
def test_the_error_of_an_unusual_height_stays_within_the_covariance(x, z, true_height_m, camera_height_m):
    box = box_of(lens(), x, z, true_height_m, camera_height_m)
    if inside(box):
        found = locate_person(box, lens(), 1.7, 0.1)
        off = found.mean - (x, camera_height_m - true_height_m / 2, z)
        # Two standard deviations of height are two of the distance, a little less for the box's own.
        assert off @ np.linalg.solve(found.covariance, off) <= 3.0**2


@settings(deadline=None, max_examples=100)
@given(shown=st.floats(0.3, 0.95), **PLACES)
def test_the_larger_covariance_of_a_person_cut_by_the_border_covers_the_error(shown, x, z, height_m, camera_height_m):
    whole = box_of(lens(), x, z, height_m, camera_height_m)
    if not inside(whole):
        return
    # The same person, seen by a camera whose picture ends at the hips.
    low = CameraModel(lens().matrix, NONE, WIDTH, int(whole[1] + shown * (whole[3] - whole[1])))
    box = np.array([*whole[:3], low.height])
    if box[1] <= 8 or box[3] - box[1] < 8:
        return
    found, sure = locate_person(box, low, height_m, 0.1), locate_person(whole, lens(), height_m, 0.1)
    assert found.cut
    assert found.distance_sd_m / found.distance_m > 3 * sure.distance_sd_m / sure.distance_m
    off = found.mean - sure.mean
    assert off @ np.linalg.solve(found.covariance, off) <= 3.5**2


@settings(deadline=None, max_examples=200)
@given(box=st.tuples(*[st.floats(-100, 1500, width=32)] * 4))
def test_any_box_gives_a_finite_position_with_a_valid_covariance_or_none(box):
    found = locate_person(np.array(box), lens(distortion=BARREL))
    if found is not None:
        assert found.mean[2] > 0
        assert np.isfinite(found.mean).all()
        assert np.linalg.eigvalsh(found.covariance).min() > -1e-9


def test_an_uncalibrated_camera_or_an_empty_box_gives_no_position():
    zeros = CameraModel(np.zeros((3, 3)), NONE, WIDTH, HEIGHT)
    assert not zeros.known
    assert locate_person(np.array([10, 100, 60, 300]), zeros) is None
    assert locate_person(np.array([10, 300, 60, 100]), lens()) is None
    assert locate_person(np.array([np.nan, 0, 1, 1]), lens()) is None


def test_the_standard_deviation_grows_with_the_distance():
    near, far = (locate_person(box_of(lens(), 0, z, 1.7, 1.0), lens()) for z in (4, 16))
    assert far.distance_sd_m == pytest.approx(4 * near.distance_sd_m, rel=0.1)
    assert near.distance_sd_m == pytest.approx(4 * np.hypot(0.1 / 1.7, 0.025 * 2**0.5), rel=0.05)
