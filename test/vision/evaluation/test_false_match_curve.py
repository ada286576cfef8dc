"""The false-match curve of labelled embeddings, and intervals that hold although pairs share people."""

from dataclasses import replace

import numpy as np
import pytest

from facetrack_ros.errors import EvaluationError
from facetrack_ros.models.catalog import MOBILEFACENET
from facetrack_ros.models.contract import ModelContract
from facetrack_ros.vision.evaluation.false_match_curve import found_curve, measure_false_matches, poisson_interval


def population(people, pictures, seed=0, spread=0.6):
    """Embeddings of people whose pictures scatter about them."""
    rng = np.random.default_rng(seed)
    rows = np.repeat(rng.normal(size=(people, 32)), pictures, axis=0)
    rows += spread * rng.normal(size=rows.shape)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows.astype(np.float32), np.repeat(np.arange(people), pictures)


def test_every_point_is_the_share_counted_at_its_threshold():
    embeddings, people = population(60, 5)
    curve = measure_false_matches(embeddings, people)
    similarity, other = embeddings @ embeddings.T, people[:, None] != people
    assert (curve.people, curve.pairs) == (60, other.sum() // 2)
    for threshold, rate in curve.points:
        assert rate == pytest.approx((similarity[other] >= np.float32(threshold)).mean(), rel=0.006)
    for (_, rate), (low, high) in zip(curve.points, curve.interval):
        assert low < rate < high


def test_a_contract_accepts_the_curve():
    curve = measure_false_matches(*population(40, 10))
    contract = replace(MOBILEFACENET, false_match_curve=curve.points, false_match_interval=curve.interval)
    assert ModelContract.from_json(contract.to_json()) == contract


def test_more_pictures_of_the_same_people_do_not_make_it_surer():
    few, many = (measure_false_matches(*population(40, pictures)) for pictures in (3, 12))
    assert many.pairs > 15 * few.pairs
    widths = [np.log(curve.interval[2][1] / curve.interval[2][0]) for curve in (few, many)]
    assert widths[1] > 0.6 * widths[0]


def test_the_interval_of_few_people_covers_the_rate_of_many():
    everyone = measure_false_matches(*population(1500, 2))
    thresholds, rates = zip(*everyone.points)
    embeddings, people = population(1500, 2)
    covered = compared = 0
    for seed in range(40):
        chosen = np.isin(people, np.random.default_rng(seed).choice(1500, 40, replace=False))
        curve = measure_false_matches(embeddings[chosen], people[chosen])
        for (threshold, _), (low, high) in zip(curve.points, curve.interval):
            true = np.exp(np.interp(threshold, thresholds, np.log(rates)))
            covered += low <= true <= high
            compared += 1
    assert compared > 120
    assert covered / compared > 0.9


@pytest.mark.parametrize(
    ("count", "low", "high"), [(0, 0, 3.69), (1, 0.025, 5.57), (10, 4.80, 18.39), (100, 81.4, 121.6)]
)
def test_the_interval_of_a_count_is_nearly_the_exact_one(count, low, high):
    assert poisson_interval(count) == (pytest.approx(low, abs=0.02, rel=0.03), pytest.approx(high, rel=0.02))


def test_each_person_counts_alike_among_those_found():
    angles = np.radians([0, 10, 20, 30, 0, 80])
    embeddings = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    people = np.array(["a"] * 4 + ["b"] * 2)
    assert found_curve(embeddings, people, (0.5, 0.97)) == ((0.5, 0.5), (0.97, 0.25))
    assert found_curve(embeddings, np.arange(6), (0.5,)) == ()


def test_one_person_is_an_error():
    with pytest.raises(EvaluationError, match="no impostor pairs"):
        measure_false_matches(np.eye(2, dtype=np.float32), np.array(["a", "a"]))
