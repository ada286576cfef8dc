"""Similarity levels and cohorts."""

import numpy as np
import pytest

from facetrack_ros.core.cohort import Cohort
from facetrack_ros.core.similarity_level import SimilarityLevel, closeness
from facetrack_ros.models.catalog import DLIB_RESNET, MOBILEFACENET

PRIOR = SimilarityLevel(float(closeness(0.1)), 0.15)


def unit(*values: float) -> np.ndarray:
    vector = np.array(values, np.float32)
    return vector / np.linalg.norm(vector)


def test_level_of_a_curve_gives_the_rates_of_the_curve():
    quantiles = {0.1: 1.2816, 0.01: 2.3263, 0.001: 3.0902}
    level = SimilarityLevel.of_curve([(1 - np.exp(-0.1 - 0.2 * at), rate) for rate, at in quantiles.items()])
    assert (level.mean, level.deviation) == pytest.approx((0.1, 0.2), abs=1e-3)


@pytest.mark.parametrize("contract", [MOBILEFACENET, DLIB_RESNET], ids=lambda contract: contract.id)
def test_level_of_a_model_lies_below_its_threshold(contract):
    level = SimilarityLevel.of_curve(contract.false_match_curve)
    assert 3 < level.standard(contract.threshold) < 6


@pytest.mark.parametrize("curve", [(), ((0.4, 0.001),), ((0.4, 0.0), (0.5, 0.0)), ((0.3, 0.01), (0.3, 0.01))])
def test_no_level_of_a_curve_without_two_rates(curve):
    assert SimilarityLevel.of_curve(curve) is None


def test_level_moves_towards_what_is_seen():
    assert PRIOR.updated(np.empty(0)) == PRIOR
    few, many = PRIOR.updated(np.full(2, 0.3)), PRIOR.updated(np.full(200, 0.3))
    assert closeness(0.1) < few.mean < many.mean < closeness(0.3)
    assert few.deviation > many.deviation
    assert many.people == 200


def cohort(*templates: np.ndarray) -> Cohort:
    rows = np.array(templates, np.float32).reshape(-1, 3)
    return Cohort(tuple(f"p_{number}" for number in range(len(rows))), rows, PRIOR, 0.5)


def test_without_other_people_the_similarity_keeps_its_order():
    alone = cohort()
    assert alone.normalise(0.5, unit(1, 0, 0), unit(1, 1, 0)).people == 0
    assert alone.normalise(0.5, unit(1, 0, 0), unit(1, 1, 0)).value == pytest.approx(PRIOR.standard(0.5))


def test_alike_people_lower_the_normalised_similarity():
    first, second = unit(1, 0, 0), unit(0.5, 1, 0)
    alike = cohort(*[unit(0.4, 0.3, 1)] * 10)
    unlike = cohort(*[unit(-0.4, -0.3, 1)] * 10)
    similarity = float(first @ second)
    assert alike.normalise(similarity, first, second).value < PRIOR.standard(similarity)
    assert unlike.normalise(similarity, first, second).value > PRIOR.standard(similarity)


def test_faces_that_may_be_the_same_person_are_left_out():
    first, second = unit(1, 0, 0), unit(0.8, 0.6, 0)
    same, other = unit(0.9, 0.1, 0), unit(0, 0, 1)
    assert cohort(same, other).normalise(0.8, first, second).people == 1
    assert cohort(other, other).normalise(0.8, first, second, {"p_0"}).people == 1


def test_a_cohort_of_no_people_leaves_the_level_of_the_model():
    empty = Cohort((), np.empty((0, 0), np.float32), PRIOR, 0.5)
    found = empty.normalise(0.6, unit(1, 0), unit(0.6, 0.8))
    assert found.people == 0
    assert found.value == pytest.approx(PRIOR.standard(0.6))
