"""False-match rate of a model, and the false matches to expect of a search."""

import math
from bisect import bisect_right

from facetrack_ros.models.contract import ModelContract


def false_match_rate(contract: ModelContract, threshold: float) -> float:
    """The share of comparisons of different people with a similarity at or above a threshold.

    Between measured points the logarithm of the rate is interpolated: measured curves are nearly straight there. Above
    the last point its rate is used, an upper bound. Below the first point the only known bound is 1.

    :returns: 0..1; NaN for a model without a measured curve.
    """
    curve = contract.false_match_curve
    if not curve:
        return math.nan
    at = bisect_right([point for point, _ in curve], threshold)
    if at == 0:
        return 1.0
    if at == len(curve):
        return curve[-1][1]
    (low, low_rate), (high, high_rate) = curve[at - 1], curve[at]
    share = (threshold - low) / (high - low)
    if min(low_rate, high_rate) <= 0:
        return low_rate + share * (high_rate - low_rate)
    return math.exp((1 - share) * math.log(low_rate) + share * math.log(high_rate))


def expected_false_matches(contract: ModelContract, threshold: float, sightings: int) -> float:
    """Expected number of matches among sightings that all show other people.

    :param sightings: number of sightings compared.
    :returns: at least 0; NaN for a model without a measured curve, unless nothing was compared.
    """
    return false_match_rate(contract, threshold) * sightings if sightings else 0.0
