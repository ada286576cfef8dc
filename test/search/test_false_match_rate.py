"""How many matches chance alone would give, with the range."""

import math
from dataclasses import replace

import pytest

from facetrack_ros.models.contract import ModelContract
from facetrack_ros.search.false_match_rate import FalseMatchEstimate, estimate_false_matches

UNMEASURED = ModelContract("net", "embedding", "onnx", "net.onnx", "", 1, "MIT")
CONTRACT = replace(
    UNMEASURED,
    false_match_curve=((0.2, 1e-2), (0.4, 1e-4)),
    false_match_interval=((5e-3, 2e-2), (3e-5, 3e-4)),
    calibration_people=40,
    calibration_pairs=77610,
)


def test_sightings_multiply_the_rate_and_its_limits():
    estimate = estimate_false_matches(CONTRACT, 0.2, 2000)
    assert (estimate.expected, estimate.low, estimate.high) == pytest.approx((20, 10, 40))
    assert (estimate.people, estimate.pairs) == (40, 77610)


def test_nothing_compared_gives_no_false_match():
    estimate = estimate_false_matches(CONTRACT, 0.2, 0)
    assert (estimate.expected, estimate.low, estimate.high) == (0, 0, 0)
    assert estimate_false_matches(UNMEASURED, 0.2, 0).expected == 0


def test_a_model_without_a_curve_says_that_it_does_not_know():
    estimate = estimate_false_matches(UNMEASURED, 0.3, 10)
    assert all(map(math.isnan, (estimate.expected, estimate.low, estimate.high)))


def test_several_references_of_a_person_may_match_each_for_itself_or_together():
    estimate = estimate_false_matches(CONTRACT, 0.2, 2000, references=3)
    assert (estimate.expected, estimate.low, estimate.high) == pytest.approx((60, 10, 120))


def test_estimates_of_two_models_add_and_rest_on_the_fewer_people():
    both = estimate_false_matches(CONTRACT, 0.2, 2000).plus(FalseMatchEstimate(1, 0.5, 2, 12, 500))
    assert (both.expected, both.low, both.high) == pytest.approx((21, 10.5, 42))
    assert (both.people, both.pairs) == (12, 500)
    assert math.isnan(both.plus(FalseMatchEstimate(math.nan, math.nan, math.nan)).expected)
    assert both.plus(FalseMatchEstimate(1, 1, 1)).people == 12
