"""False-match rate of a model at a threshold, from its contract's curve, with the range it may lie in."""

import math
from bisect import bisect_right
from dataclasses import dataclass
from itertools import pairwise

from facetrack_ros.models.contract import ModelContract

#: Factor of the range either way where a contract does not say how many people are behind its curve. Between halves of
#: ORL's 40 people rates of 1 in 1,000 differ by it (benchmarks/recognition.py, held-out people).
UNKNOWN_FACTOR = 10.0
#: Beyond the last measured point the upper limit falls with this share of the slope before it.
HIGH_SLOPE = 0.5
#: Beyond the last measured point the lower limit falls with this multiple of the slope before it.
LOW_SLOPE = 2.0
#: Decrease of the rate, in powers of e, over which the slope before the last measured point is taken: a factor of ten.
SLOPE_SPAN = math.log(10)
#: Relative error of a rate interpolated in logarithms.
ROUNDING = 1e-9
_LEAST = 1e-300


@dataclass(frozen=True)
class RateRange:
    """A false-match rate and its range, 95 % where the curve was measured; all NaN where there is no curve."""

    rate: float
    low: float
    high: float


@dataclass(frozen=True)
class _Point:
    """A measured point of a curve; logarithms of the rate and its limits."""

    threshold: float
    rate: float
    low: float
    high: float


def false_match_rate(contract: ModelContract, threshold: float) -> RateRange:
    """The share of comparisons of different people with a similarity at or above a threshold.

    Between measured points the logarithm is interpolated: measured curves are nearly straight there. Beyond them the
    curve is continued along its slope, which overestimates, since measured curves bend downwards; the limits drift
    apart with the distance, by :data:`HIGH_SLOPE` and :data:`LOW_SLOPE`. Below them the upper limit is 1.
    """
    points = _points(contract)
    if not points:
        return RateRange(math.nan, math.nan, math.nan)
    at = bisect_right([point.threshold for point in points], threshold)
    if at == 0:
        logs = _below(points, threshold)
    elif at == len(points):
        logs = _above(points, threshold)
    else:
        before, after = points[at - 1], points[at]
        share = (threshold - before.threshold) / (after.threshold - before.threshold)
        names = ("rate", "low", "high")
        logs = tuple((1 - share) * getattr(before, name) + share * getattr(after, name) for name in names)
    rate, low, high = (0.0 if value <= math.log(_LEAST) else min(1.0, math.exp(value)) for value in logs)
    return RateRange(rate, min(low, rate), max(high, rate))


def threshold_at_rate(contract: ModelContract, rate: float) -> float:
    """The lowest threshold in thousandths whose false-match rate is at most ``rate``; 1 where none below 1 keeps it.

    :raises ValueError: the contract has no curve.
    """
    if not contract.false_match_curve:
        raise ValueError(f"{contract.id} has no false-match curve")
    low, high = -1000, 1000
    while low < high:
        middle = (low + high) // 2
        if false_match_rate(contract, middle / 1000).rate <= rate * (1 + ROUNDING):
            high = middle
        else:
            low = middle + 1
    return low / 1000


def _points(contract: ModelContract) -> list[_Point]:
    curve, interval = contract.false_match_curve, contract.false_match_interval
    if not interval:
        interval = tuple((rate / UNKNOWN_FACTOR, min(1.0, rate * UNKNOWN_FACTOR)) for _, rate in curve)
    return [_Point(at, _log(rate), _log(low), _log(high)) for (at, rate), (low, high) in zip(curve, interval)]


def _log(rate: float) -> float:
    return math.log(max(rate, _LEAST))


def _below(points: list[_Point], threshold: float) -> tuple[float, ...]:
    first = points[0]
    slope = (points[1].rate - first.rate) / (points[1].threshold - first.threshold) if len(points) > 1 else 0.0
    return min(0.0, first.rate + slope * (threshold - first.threshold)), first.low, 0.0


def _above(points: list[_Point], threshold: float) -> tuple[float, ...]:
    last = points[-1]
    slope, beyond = _last_slope(points), threshold - last.threshold
    return (last.rate + slope * beyond, last.low + LOW_SLOPE * slope * beyond, last.high + HIGH_SLOPE * slope * beyond)


def _last_slope(points: list[_Point]) -> float:
    """Change of the logarithm of the rate with the threshold before the last point; 0 where there is one point."""
    last = points[-1]
    for before, _ in reversed(list(pairwise(points))):
        if before.rate - last.rate >= SLOPE_SPAN or before is points[0]:
            return (last.rate - before.rate) / (last.threshold - before.threshold)
    return 0.0
