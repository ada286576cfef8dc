"""The face of a reference picture is found in portraits, tight crops and large pictures; others are refused."""

import cv2
import numpy as np
import pytest

from facetrack_ros.errors import ReferenceFaceError


def crop_of(pipeline, picture):
    """The face alone, without any margin."""
    x1, y1, x2, y2 = pipeline.embed_reference(picture).bbox.astype(int)
    return picture[y1:y2, x1:x2]


def test_a_portrait_gives_a_unit_embedding_and_the_box_of_the_face(pipeline, astronaut):
    face = pipeline.embed_reference(astronaut)
    assert np.linalg.norm(face.embedding) == pytest.approx(1, abs=1e-5)
    assert face.bbox[0] < 224 < face.bbox[2]
    assert face.bbox[1] < 115 < face.bbox[3]
    assert face.rejected == ""
    assert 0 < face.quality <= 1
    assert face.person == -1


@pytest.mark.parametrize("scale", [1.0, 0.6, 4.0])
def test_a_crop_without_margin_is_the_same_face(pipeline, astronaut, hopper, scale):
    for picture in (astronaut, hopper):
        tight = cv2.resize(crop_of(pipeline, picture), None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        if tight.shape[1] < pipeline.min_face_px * 1.3:
            continue
        face = pipeline.embed_reference(tight)
        assert face.embedding @ pipeline.embed_reference(picture).embedding > pipeline.contract.threshold
        assert face.bbox[0] < tight.shape[1] / 2 < face.bbox[2]


def test_a_small_face_in_a_large_picture_is_found(full, astronaut, scene):
    picture = cv2.copyMakeBorder(scene(astronaut, 80, 92), 500, 500, 600, 600, cv2.BORDER_CONSTANT, value=(90, 90, 90))
    face = full.embed_reference(picture)
    assert face.embedding @ full.embed_reference(astronaut).embedding > full.contract.threshold


def test_a_small_bystander_is_ignored(full, astronaut):
    picture = cv2.resize(astronaut, None, fx=2, fy=2)
    small = cv2.resize(astronaut[:260, 100:360], (60, 60), interpolation=cv2.INTER_AREA)
    picture[20:80, 20:80] = small
    assert full.embed_reference(picture).bbox[0] > 300


def test_a_grey_picture_is_the_same_face(pipeline, astronaut):
    face = pipeline.embed_reference(cv2.cvtColor(astronaut, cv2.COLOR_BGR2GRAY))
    assert face.embedding @ pipeline.embed_reference(astronaut).embedding > pipeline.contract.threshold


def test_two_faces_are_refused_with_their_number(pipeline, astronaut, hopper):
    height = 512
    both = np.hstack([astronaut, cv2.resize(hopper, (437, height))])
    with pytest.raises(ReferenceFaceError, match="2 faces found; crop the picture to the one you mean"):
        pipeline.embed_reference(both)


@pytest.mark.parametrize("shape", [(1, 1, 3), (300, 2, 3), (200, 200, 3), (50, 60)])
def test_a_picture_without_a_face_is_refused(pipeline, shape):
    with pytest.raises(ReferenceFaceError, match="no face found"):
        pipeline.embed_reference(np.full(shape, 120, np.uint8))


def test_a_face_too_small_is_refused_with_both_numbers(full, astronaut):
    small = cv2.resize(astronaut, None, fx=0.19, fy=0.19, interpolation=cv2.INTER_AREA)
    with pytest.raises(ReferenceFaceError, match=r"1[0-9] px wide, needs 24"):
        full.embed_reference(small)
