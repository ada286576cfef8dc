"""Projections: seeded, the same on every robot, and by principal components."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facetrack_ros.core.vectors import l2_normalized
from facetrack_ros.errors import ModelError
from facetrack_ros.vision.embedding.projection import Projection, fit_pca, seeded_projection

#: Numbers that robots in the field have: another one here makes their embeddings strangers to each other.
FIRST = (0.00904279109, 0.0262022205, -0.0246310178, -0.00159027346)
LAST = (0.00981166586, -2.73732276e-05, -0.00220750552)
SMALL = (0.145003155, 0.192069277, 0.195723623)


def test_the_seeded_projection_never_changes():
    components = seeded_projection(2048, 512).components
    assert components.shape == (512, 2048)
    assert components.dtype == np.float32
    assert np.allclose(components[0, :4], FIRST, atol=1e-7)
    assert np.allclose(components[-1, -3:], LAST, atol=1e-7)
    assert np.allclose(seeded_projection(8, 2).components[0, :3], SMALL, atol=1e-7)


@settings(deadline=None, max_examples=20)
@given(numbers_in=st.integers(1, 60), share=st.floats(0, 1))
def test_it_is_orthonormal(numbers_in, share):
    components = seeded_projection(numbers_in, max(1, round(share * numbers_in))).components
    assert np.allclose(components @ components.T, np.eye(len(components)), atol=1e-5)


def test_the_full_dimension_keeps_all_similarities():
    rows = l2_normalized(np.random.default_rng(0).normal(size=(6, 40)))
    reduced = seeded_projection(40, 40)(rows)
    assert np.allclose(reduced @ reduced.T, rows @ rows.T, atol=1e-5)


def test_a_quarter_of_the_dimensions_roughly_keeps_similarities():
    chance = np.random.default_rng(1)
    rows = l2_normalized(chance.normal(size=(30, 2048)) + 2 * chance.normal(size=(1, 2048)))
    reduced = seeded_projection(2048, 512)(rows)
    assert np.allclose(np.linalg.norm(reduced, axis=1), 1, atol=1e-5)
    assert np.abs(reduced @ reduced.T - rows @ rows.T).max() < 0.08


def test_principal_components_keep_the_directions_of_variance():
    chance = np.random.default_rng(2)
    few = chance.normal(size=(200, 3)) @ chance.normal(size=(3, 50)) + 50
    rows = l2_normalized(few + chance.normal(size=few.shape) * 1e-3)
    pca = fit_pca(rows, 3)
    centred = rows - pca.mean
    left = centred - centred @ pca.components.T @ pca.components
    assert np.linalg.norm(left) < 0.02 * np.linalg.norm(centred)
    assert np.allclose(pca.components @ pca.components.T, np.eye(3), atol=1e-5)
    assert pca.components.dtype == pca.mean.dtype == np.float32
    assert pca.dimension == 3


def test_the_sign_of_a_component_is_normalised():
    rows = l2_normalized(np.random.default_rng(3).normal(size=(40, 8)))
    first, again = fit_pca(rows, 4).components, fit_pca(rows[::-1], 4).components
    assert np.allclose(first, again, atol=1e-4)


@pytest.mark.parametrize("dimension", [0, -1, 9])
def test_an_impossible_dimension_is_an_error(dimension):
    rows = np.eye(8, dtype=np.float32)
    for reduce in (lambda: seeded_projection(8, dimension), lambda: fit_pca(rows, dimension)):
        with pytest.raises(ModelError, match="choose from 1 to 8"):
            reduce()


def test_too_few_faces_are_an_error():
    rows = l2_normalized(np.random.default_rng(4).normal(size=(10, 64)))
    with pytest.raises(ModelError, match=r"10 faces do not tell 10 components apart: .* at least 11 faces"):
        fit_pca(rows, 10)


def test_identical_faces_are_an_error():
    with pytest.raises(ModelError, match="differ in 0 directions only"):
        fit_pca(np.tile(l2_normalized(np.ones((1, 16))), (30, 1)), 4)


def test_a_row_orthogonal_to_all_components_is_an_error():
    projection = Projection(np.eye(2, 4, dtype=np.float32), np.zeros(4, np.float32))
    with pytest.raises(ModelError, match="without direction"):
        projection(np.array([[0, 0, 1, 0]], np.float32))
