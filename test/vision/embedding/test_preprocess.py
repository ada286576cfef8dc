"""Faces reach a network as its contract says, whatever their size in the image."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facetrack_ros.core.face import Face
from facetrack_ros.errors import ModelError
from facetrack_ros.models.catalog import MOBILEFACENET, SFACE
from facetrack_ros.vision.embedding.preprocess import FaceInput
from facetrack_ros.vision.faces.alignment import ARCFACE_TEMPLATE, align, template_for


def face(points):
    return Face(np.zeros(4, np.float32), np.asarray(points, np.float32), 0.9, 0.9)


@pytest.mark.parametrize(
    "contract", [MOBILEFACENET, SFACE, replace(MOBILEFACENET, colour="BGR")], ids=["rgb", "plain", "bgr"]
)
def test_every_byte_is_normalised_as_the_contract_says(contract):
    crop = np.random.default_rng(0).integers(0, 256, (112, 112, 3), np.uint8)
    wanted = (crop[:, :, ::-1] if contract.colour == "RGB" else crop).astype(np.float64)
    wanted = ((wanted - contract.mean) / contract.std).transpose(2, 0, 1)
    blob = FaceInput(contract).blob([crop, crop[::-1]])
    assert blob.shape == (2, 3, 112, 112)
    assert blob.dtype == np.float32
    assert blob.flags.c_contiguous
    assert np.allclose(blob[0], wanted, atol=1e-6 * max(1, np.abs(wanted).max()))
    assert np.array_equal(blob[1], blob[0][:, ::-1])


@pytest.mark.parametrize(
    ("size", "right_eye"),
    [((112, 112), (38.2946, 51.6963)), ((96, 112), (30.2946, 51.6963)), ((224, 224), (76.5892, 103.3926))],
)
def test_the_template_grows_with_the_crop_and_stays_in_its_middle(size, right_eye):
    assert np.allclose(template_for(size)[0], right_eye, atol=1e-3)


def test_crops_have_the_size_of_the_contract():
    narrow = FaceInput(replace(MOBILEFACENET, input_size=(96, 112)))
    assert narrow.crops(np.zeros((50, 60, 3), np.uint8), [face(ARCFACE_TEMPLATE)])[0].shape == (112, 96, 3)


@pytest.mark.parametrize(
    ("change", "told"),
    [({"template": ""}, "template ''"), ({"template": "dlib"}, "template 'dlib'"), ({"input_size": (0, 0)}, "0x0 px")],
)
def test_an_unsupported_contract_is_an_error(change, told):
    with pytest.raises(ModelError, match=told):
        FaceInput(replace(MOBILEFACENET, **change))


@pytest.mark.parametrize("times", [1.5, 2.1, 3.0, 4.2, 9.0])
def test_a_large_face_gives_the_crop_of_the_small_one(times, astronaut):
    points = ARCFACE_TEMPLATE * 0.97 + (170, 60)
    large = cv2.resize(astronaut, None, fx=times, fy=times, interpolation=cv2.INTER_CUBIC)
    corner = (times - 1) / 2  # pixel centres
    difference = align(large, points * times + corner).astype(float) - align(astronaut, points)
    assert np.abs(difference).mean() < 3.0


def test_the_surroundings_of_a_large_face_do_not_change_its_crop():
    picture = np.random.default_rng(1).integers(0, 256, (700, 800, 3), np.uint8)
    points = ARCFACE_TEMPLATE * 5 + 100
    wide = cv2.copyMakeBorder(picture, 0, 400, 0, 900, cv2.BORDER_CONSTANT, value=(255, 0, 255))
    assert np.array_equal(align(picture, points)[:100, :100], align(wide, points)[:100, :100])


sides, places = st.tuples(*[st.integers(1, 60)] * 2), st.tuples(*[st.floats(-1e4, 1e4)] * 2)


@settings(deadline=None, max_examples=200)
@given(size=sides, scale=st.floats(1e-3, 1e3), place=places, turn=st.floats(-3.2, 3.2))
def test_any_landmarks_in_any_picture_give_a_crop_or_none(size, scale, place, turn):
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    crop = align(np.full((*size, 3), 200, np.uint8), ARCFACE_TEMPLATE @ rotation.T * scale + place)
    assert crop is None or (crop.shape == (112, 112, 3) and crop.dtype == np.uint8)
