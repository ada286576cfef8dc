"""False-match rates between and beyond the measured points, their ranges, and thresholds by rate."""

import math
from dataclasses import replace
from statistics import NormalDist

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facetrack_ros.errors import ModelError
from facetrack_ros.models.catalog import MOBILEFACENET
from facetrack_ros.models.contract import ModelContract
from facetrack_ros.models.false_match_rate import false_match_rate, threshold_at_rate
from facetrack_ros.models.operating_points import NAMES, RATES, found_share, operating_point

CURVE = ((0.2, 1e-2), (0.4, 1e-4), (0.5, 1e-5))
INTERVAL = ((5e-3, 2e-2), (3e-5, 3e-4), (1e-6, 5e-5))
UNMEASURED = ModelContract("net", "embedding", "onnx", "net.onnx", "", 1, "MIT", threshold=0.3)
CONTRACT = replace(UNMEASURED, false_match_curve=CURVE, false_match_interval=INTERVAL)
#: A record of an older version.
OLD = replace(UNMEASURED, false_match_curve=CURVE)


@pytest.mark.parametrize(("threshold", "rate"), [(0.2, 1e-2), (0.3, 1e-3), (0.4, 1e-4), (0.45, 10**-4.5), (0.5, 1e-5)])
def test_rates_between_points_are_interpolated_in_their_logarithm(threshold, rate):
    assert false_match_rate(CONTRACT, threshold).rate == pytest.approx(rate)


def test_limits_are_interpolated_likewise():
    between = false_match_rate(CONTRACT, 0.3)
    assert between.low == pytest.approx(math.sqrt(5e-3 * 3e-5))
    assert between.high == pytest.approx(math.sqrt(2e-2 * 3e-4))


@pytest.mark.parametrize("contract", [CONTRACT, OLD], ids=["measured", "older"])
def test_the_rate_falls_beyond_the_last_point_and_its_range_widens(contract):
    near, far = false_match_rate(contract, 0.55), false_match_rate(contract, 0.7)
    assert far.rate < near.rate < 1e-5
    assert far.high < near.high
    assert far.high / far.low > near.high / near.low


def test_a_normal_distribution_is_continued_exactly():
    normal = NormalDist(0.0, 0.12)
    curve = tuple((at, 1 - normal.cdf(at)) for at in (0.2, 0.3, 0.4))
    contract = replace(UNMEASURED, false_match_curve=curve)
    for threshold in (0.1, 0.5, 0.6):
        assert false_match_rate(contract, threshold).rate == pytest.approx(normal.cdf(-threshold), rel=1e-6)


def test_below_what_was_measured_all_may_match():
    below = false_match_rate(CONTRACT, 0.1)
    assert 0.01 < below.rate < 0.2
    assert (below.low, below.high) == (pytest.approx(5e-3), 1.0)
    assert false_match_rate(CONTRACT, -1.0).rate == pytest.approx(1)


def test_a_model_without_a_curve_says_that_it_does_not_know():
    assert all(map(math.isnan, vars(false_match_rate(UNMEASURED, 0.3)).values()))
    with pytest.raises(ValueError, match="no false-match curve"):
        threshold_at_rate(UNMEASURED, 1e-3)


@settings(deadline=None)
@given(low=st.floats(-1, 1), high=st.floats(-1, 1))
def test_a_higher_threshold_never_gives_more(low, high):
    low, high = sorted((low, high))
    for contract in (CONTRACT, OLD, MOBILEFACENET):
        lower, higher = false_match_rate(contract, low), false_match_rate(contract, high)
        assert lower.rate >= higher.rate
        assert 0 <= higher.low <= higher.rate <= higher.high <= 1


@pytest.mark.parametrize("contract", [CONTRACT, OLD, MOBILEFACENET], ids=["measured", "older", "catalog"])
@pytest.mark.parametrize("rate", [1e-3, 1e-4, 1e-5])
def test_the_threshold_of_a_rate_is_the_lowest_that_keeps_it(contract, rate):
    threshold = threshold_at_rate(contract, rate)
    assert false_match_rate(contract, threshold).rate <= rate * (1 + 1e-9)
    assert false_match_rate(contract, threshold - 0.001).rate > rate


def test_operating_points_have_names_and_both_rates():
    contract = replace(CONTRACT, found_curve=((0.2, 0.99), (0.5, 0.9)))
    points = [operating_point(contract, name) for name in NAMES]
    assert [point.name for point in points] == ["strict", "balanced", "wide"]
    assert [point.threshold for point in points] == [0.5, 0.4, 0.3]
    assert [point.rate.rate for point in points] == [pytest.approx(RATES[name]) for name in NAMES]
    assert [point.found for point in points] == [pytest.approx(share) for share in (0.9, 0.93, 0.96)]
    assert math.isnan(found_share(CONTRACT, 0.3))
    with pytest.raises(ModelError, match="strict, balanced, wide"):
        operating_point(contract, "lax")


def test_a_model_without_a_curve_has_its_own_threshold_only():
    assert [operating_point(UNMEASURED, name).threshold for name in NAMES] == [0.3] * 3
