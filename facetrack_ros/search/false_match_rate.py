"""How many strangers chance alone would call a match."""

import math
from bisect import bisect_right

from facetrack_ros.models.contract import ModelContract


def false_match_rate(contract: ModelContract, threshold: float) -> float:
    """The share of strangers' faces at or above a threshold.

    Between measured points the logarithm of the rate is interpolated, as these curves are nearly straight there.
    From the last point on its rate stands, an upper bound. Below the first point nothing was measured, and the only
    bound known is 1: every stranger counts.

    :returns: 0..1, NaN for a model without a measured curve.
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
    """How many of the sightings compared would match by chance if all of them showed strangers.

    :param sightings: how many were compared.
    :returns: at least 0; NaN for a model without a measured curve, unless nothing was compared.
    """
    return false_match_rate(contract, threshold) * sightings if sightings else 0.0
