"""A template keeps the best embeddings of a face, unlike each other."""

import numpy as np
import pytest

from facetrack_ros.tracking.identity.face_template import FaceTemplate


def test_the_best_thirty_stay(embedding_of):
    template = FaceTemplate()
    for side in range(30):
        template.add(embedding_of(1, 0.6, side), 0.3 + side / 100)
    template.add(embedding_of(1, 0.6, 30), 0.9)
    template.add(embedding_of(1, 0.6, 31), 0.1)
    assert len(template) == 30
    assert template.qualities.min() == pytest.approx(0.31)
    assert template.qualities.max() == pytest.approx(0.9)


def test_of_two_near_duplicates_the_better_stays(embedding_of):
    template = FaceTemplate()
    for quality in (0.5, 0.9, 0.4):
        template.add(embedding_of(1, 0.99, int(quality * 10)), quality)
    assert template.qualities.tolist() == [pytest.approx(0.9)]


def test_the_mean_is_a_unit_vector_weighted_by_quality(embedding_of):
    template = FaceTemplate()
    assert template.mean is None
    template.add(embedding_of(1), 0.9)
    template.add(embedding_of(2), 0.1)
    assert np.linalg.norm(template.mean) == pytest.approx(1)
    assert template.mean[1] > 5 * template.mean[2]


def test_opposite_embeddings_have_a_mean(embedding_of):
    template = FaceTemplate()
    template.add(embedding_of(1), 0.5)
    template.add(-embedding_of(1), 0.5)
    assert np.linalg.norm(template.mean) == pytest.approx(1)


def test_one_similar_pair_is_not_enough_for_similarity(embedding_of):
    first, second = FaceTemplate(), FaceTemplate()
    for side in range(4):
        first.add(embedding_of(1, 0.8, side), 0.9)
        second.add(embedding_of(2, 0.8, 10 + side), 0.9)
    second.add(embedding_of(1, 0.8, 0), 0.1)
    assert first.best_pair(second) == pytest.approx(1)
    assert first.similarity(second) < 0.3


def test_an_empty_template_matches_none(embedding_of):
    template = FaceTemplate()
    template.add(embedding_of(1), 1.0)
    assert template.similarity(FaceTemplate()) == FaceTemplate().similarity(template) == -1


def test_returned_arrays_do_not_change(embedding_of):
    template = FaceTemplate()
    template.add(embedding_of(1), 0.5)
    held = template.embeddings
    template.add(embedding_of(1), 0.9)
    template.add(embedding_of(2), 0.9)
    assert np.array_equal(held, embedding_of(1)[None])
