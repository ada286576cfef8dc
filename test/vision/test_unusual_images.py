"""Any image, box and face gives an error, an empty result, or faces with unit vectors."""

import contextlib
import math

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from facetrack_ros.core.detections import Detections
from facetrack_ros.core.frame import Frame
from facetrack_ros.errors import FrameError, ReferenceFaceError
from facetrack_ros.vision.faces.alignment import align
from facetrack_ros.vision.faces.quality import QualityGate, assess

SHAPES = [(1, 1), (1, 2), (2, 1), (3, 5), (1, 20_000), (20_000, 3), (40, 20_000), (37, 53), (90, 160), (240, 320)]
CHANNELS = [(), (1,), (2,), (3,), (4,), (5,)]
KINDS = [np.uint8, np.uint8, np.uint8, np.uint16, np.float32, bool]
FILLS = ["black", "white", "noise", "face"]
ANY = st.one_of(
    st.floats(allow_nan=True, allow_infinity=True, width=32),
    st.floats(-50, 700, width=32),
    st.sampled_from([0.0, -1.0, 639.0, 1e30, -1e30, math.nan, math.inf]),
)
some = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
many = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def filled(shape, channels, kind, fill, face):
    """A picture of that shape and type."""
    high = np.iinfo(kind).max if np.issubdtype(kind, np.integer) else 1.0
    if fill == "face":
        picture = cv2.resize(face, (shape[1], shape[0])).astype(np.float64) / 255
    else:
        picture = {"black": np.zeros, "white": np.ones, "noise": np.random.default_rng(1).random}[fill]((*shape, 3))
    depth = {(): 1}.get(channels, channels[0] if channels else 1)
    picture = np.concatenate([picture] * 2, axis=2)[:, :, :depth]
    return (picture.reshape((*shape, *channels)) * high).astype(kind)


def check(pipeline, faces):
    for face in faces:
        assert 0 <= face.quality <= 1
        if face.embedding is not None:
            assert not face.rejected
            assert face.embedding.shape == (pipeline.contract.dimension,)
            assert abs(np.linalg.norm(face.embedding) - 1) < 1e-4


@given(st.sampled_from(SHAPES), st.sampled_from(CHANNELS), st.sampled_from(KINDS), st.sampled_from(FILLS))
@some
def test_any_array_is_analysed_or_rejected(pipeline, astronaut, shape, channels, kind, fill):
    picture = filled(shape, channels, kind, fill, astronaut[20:260, 100:360])
    try:
        detections = pipeline.detect([picture])[0]
    except FrameError:
        assert kind is not np.uint8 or channels in ((2,), (5,))
        return
    assert kind is np.uint8
    assert channels in ((), (1,), (3,), (4,))
    assert np.isfinite(detections.boxes).all()
    assert detections.boxes.shape == (len(detections), 4)
    check(pipeline, pipeline.faces(picture, detections))
    whole = Detections(np.array([[0, 0, shape[1], shape[0]]], np.float32), np.ones(1, np.float32), "whole")
    check(pipeline, pipeline.faces(picture, whole))
    with contextlib.suppress(ReferenceFaceError):
        check(pipeline, [pipeline.embed_reference(picture)])


@given(boxes=st.lists(st.tuples(ANY, ANY, ANY, ANY), max_size=4))
@some
def test_any_person_boxes_are_accepted(full, astronaut, boxes):
    boxes = np.array(boxes, np.float32).reshape(-1, 4)
    check(full, full.faces(astronaut, Detections(boxes, np.ones(len(boxes), np.float32), "wire")))


@given(box=st.tuples(ANY, ANY, ANY, ANY), landmarks=st.lists(ANY, min_size=10, max_size=10), score=ANY)
@many
def test_any_face_is_assessed_and_one_that_passes_can_be_aligned(box, landmarks, score):
    picture = np.random.default_rng(2).integers(0, 255, (480, 640, 3), np.uint8)
    landmarks = np.array(landmarks, np.float32).reshape(5, 2)
    quality, reason = assess(picture, np.array(box, np.float32), landmarks, score, QualityGate())
    assert 0 <= quality <= 1
    crop = align(picture, landmarks)
    assert crop is None or (crop.shape == (112, 112, 3) and crop.dtype == np.uint8)
    if not reason:
        assert crop is not None


@pytest.mark.parametrize(("kind", "channels"), [(np.uint16, 3), (np.uint16, 1), (np.uint8, 4), (np.uint8, 1)])
def test_sixteen_bit_grey_and_transparent_files_give_the_same_face(full, astronaut, kind, channels):
    picture = astronaut.astype(np.uint16) * 257 if kind is np.uint16 else astronaut
    if channels == 1:
        picture = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    elif channels == 4:
        picture = cv2.cvtColor(picture, cv2.COLOR_BGR2BGRA)
    frame = Frame("front", 0, 0, cv2.imencode(".png", picture)[1].tobytes())
    same = full.embed_reference(astronaut).embedding @ full.embed_reference(frame.image).embedding
    assert same > (0.99 if channels > 1 else 0.8)


def test_a_face_cut_by_the_border_is_rejected_with_a_reason(full, astronaut):
    half = np.ascontiguousarray(astronaut[:, 222:])
    whole = Detections(np.array([[0, 0, half.shape[1], half.shape[0]]], np.float32), np.ones(1, np.float32), "whole")
    for face in full.faces(half, whole):
        assert face.embedding is None
        assert face.rejected
