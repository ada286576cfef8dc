"""How many matches chance alone would give, from the model's measured curve."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facetrack_ros.models.contract import ModelContract
from facetrack_ros.search.false_match_rate import expected_false_matches, false_match_rate

CURVE = ((0.2, 1e-2), (0.4, 1e-4), (0.5, 1e-5))
CONTRACT = ModelContract("net", "embedding", "onnx", "net.onnx", "", 1, "MIT", false_match_curve=CURVE)


@pytest.mark.parametrize(
    ("threshold", "rate"), [(0.2, 1e-2), (0.3, 1e-3), (0.4, 1e-4), (0.45, 10**-4.5), (0.5, 1e-5), (0.9, 1e-5)]
)
def test_rates_between_points_are_interpolated_in_their_logarithm(threshold, rate):
    assert false_match_rate(CONTRACT, threshold) == pytest.approx(rate)


def test_below_what_was_measured_everyone_may_match():
    assert expected_false_matches(CONTRACT, 0.19, 50) == 50


def test_sightings_multiply():
    assert expected_false_matches(CONTRACT, 0.3, 2000) == pytest.approx(2)
    assert expected_false_matches(CONTRACT, 0.3, 0) == 0


def test_a_model_without_a_curve_says_that_it_does_not_know():
    unknown = ModelContract("net", "embedding", "onnx", "net.onnx", "", 1, "MIT")
    assert math.isnan(expected_false_matches(unknown, 0.3, 10))
    assert expected_false_matches(unknown, 0.3, 0) == 0


def test_a_measured_rate_of_zero_is_interpolated_too():
    curve = ((0.2, 0.01), (0.4, 0.0))
    contract = ModelContract("net", "embedding", "onnx", "net.onnx", "", 1, "MIT", false_match_curve=curve)
    assert false_match_rate(contract, 0.3) == pytest.approx(0.005)


@settings(deadline=None)
@given(low=st.floats(-1, 1), high=st.floats(-1, 1))
def test_a_higher_threshold_never_gives_more(low, high):
    low, high = sorted((low, high))
    assert false_match_rate(CONTRACT, low) >= false_match_rate(CONTRACT, high)
