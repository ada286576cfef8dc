import numpy as np
import pytest

from facetrack_ros.core.face import Face
from facetrack_ros.core.vectors import l2_normalized
from facetrack_ros.errors import ModelError
from facetrack_ros.vision.faces.alignment import ARCFACE_TEMPLATE


def face(shift=0.0, scale=1.0):
    points = (ARCFACE_TEMPLATE * scale + shift).astype(np.float32)
    return Face(np.array([shift, shift, 112 * scale + shift, 112 * scale + shift], np.float32), points, 0.9, 0.9)


def test_embeddings_are_unit_rows_one_for_each_face(pipeline):
    picture = np.random.default_rng(2).integers(0, 255, (240, 240, 3), np.uint8)
    rows = pipeline._embedder.embed(picture, [face(), face(60.0), face(-80.0), face(10.0, 3.0)])
    assert rows.shape == (4, 128)
    assert rows.dtype == np.float32
    assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)


def test_no_faces_give_no_rows(pipeline):
    assert pipeline._embedder.embed(np.zeros((9, 9, 3), np.uint8), []).shape == (0, 128)


@pytest.mark.parametrize("shape", [(1, 1, 3), (50, 60), (112, 112, 4)])
def test_tiny_and_grey_images_give_unit_rows(pipeline, shape):
    row = pipeline._embedder.embed(np.full(shape, 77, np.uint8), [face()])
    assert np.allclose(np.linalg.norm(row), 1, atol=1e-5)


def test_a_face_that_cannot_be_aligned_is_an_error(full):
    lost = Face(np.zeros(4, np.float32), np.full((5, 2), np.nan, np.float32), 0.9, 0.9)
    with pytest.raises(ModelError, match="quality gate"):
        full._embedder.embed(np.zeros((50, 50, 3), np.uint8), [lost])


@pytest.mark.parametrize("rows", [np.zeros((1, 4)), np.full((1, 4), np.nan)])
def test_a_vector_without_direction_is_an_error(rows):
    with pytest.raises(ModelError, match="without direction"):
        l2_normalized(rows)
