"""A template keeps the best looks of a face, unlike each other."""

import numpy as np
import pytest

from facetrack_ros.tracking.face_template import FaceTemplate


def test_the_best_thirty_stay(look):
    template = FaceTemplate()
    for side in range(30):
        template.add(look(1, 0.6, side), 0.3 + side / 100)
    template.add(look(1, 0.6, 30), 0.9)
    template.add(look(1, 0.6, 31), 0.1)
    assert len(template) == 30
    assert template.qualities.min() == pytest.approx(0.31)
    assert template.qualities.max() == pytest.approx(0.9)


def test_of_two_nearly_equal_looks_the_better_stays(look):
    template = FaceTemplate()
    for quality in (0.5, 0.9, 0.4):
        template.add(look(1, 0.99, int(quality * 10)), quality)
    assert template.qualities.tolist() == [pytest.approx(0.9)]


def test_the_mean_is_a_unit_vector_that_leans_to_the_better_look(look):
    template = FaceTemplate()
    assert template.mean is None
    template.add(look(1), 0.9)
    template.add(look(2), 0.1)
    assert np.linalg.norm(template.mean) == pytest.approx(1)
    assert template.mean[1] > 5 * template.mean[2]


def test_opposite_looks_have_a_mean_all_the_same(look):
    template = FaceTemplate()
    template.add(look(1), 0.5)
    template.add(-look(1), 0.5)
    assert np.linalg.norm(template.mean) == pytest.approx(1)


def test_one_lucky_pair_of_looks_is_not_enough_to_be_alike(look):
    first, second = FaceTemplate(), FaceTemplate()
    for side in range(4):
        first.add(look(1, 0.8, side), 0.9)
        second.add(look(2, 0.8, 10 + side), 0.9)
    second.add(look(1, 0.8, 0), 0.1)
    assert first.best_pair(second) == pytest.approx(1)
    assert first.similarity(second) < 0.3


def test_an_empty_template_is_like_nobody(look):
    template = FaceTemplate()
    template.add(look(1), 1.0)
    assert template.similarity(FaceTemplate()) == FaceTemplate().similarity(template) == -1


def test_arrays_handed_out_stay_as_they_were(look):
    template = FaceTemplate()
    template.add(look(1), 0.5)
    held = template.embeddings
    template.add(look(1), 0.9)
    template.add(look(2), 0.9)
    assert np.array_equal(held, look(1)[None])
