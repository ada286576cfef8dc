"""False-match rate of a model at a threshold, from its contract's curve, with the range it may lie in."""

import math
from bisect import bisect_right
from dataclasses import dataclass
from statistics import NormalDist

from facetrack_ros.models.contract import ModelContract

#: Factor of the range either way where a contract does not say how many people are behind its curve. Between halves of
#: ORL's 40 people rates of 1 in 1,000 differ by it (benchmarks/recognition.py, held-out people).
UNKNOWN_FACTOR = 10.0
#: Beyond the last measured point the limits fall with these shares of the slope before it. From curves of 20, 40 and
#: 100 people the rates of 5,716 at thresholds up to two decades further lie within them in 95 % of the draws or more,
#: and the rate told is 0.3 to 1.5 times the true one in the median (benchmarks/calibrate_catalog.py, tail).
HIGH_SLOPE, LOW_SLOPE = 0.75, 2.0
#: Decrease of the rate, in powers of e, over which the slope before the last measured point is taken: a factor of ten.
SLOPE_SPAN = math.log(10)
#: Relative error of a rate interpolated in logarithms.
ROUNDING = 1e-9
_NORMAL = NormalDist()
_LEAST = 1e-300
_LOG_LEAST = math.log(_LEAST)


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
    curve is continued as the tail of a normal distribution, whose quantile grows linearly with the threshold; its
    limits drift apart with the distance, along :data:`HIGH_SLOPE` and :data:`LOW_SLOPE`. Below, the upper limit is 1.
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
    rate, low, high = (0.0 if value <= _LOG_LEAST else min(1.0, math.exp(value)) for value in logs)
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
    first, second = points[0], points[min(1, len(points) - 1)]
    return _normal_tail(second, first, threshold), first.low, 0.0


def _above(points: list[_Point], threshold: float) -> tuple[float, ...]:
    last = points[-1]
    before = next((each for each in reversed(points) if each.rate - last.rate >= SLOPE_SPAN), points[0])
    if before is last:
        return last.rate, -math.inf, last.high
    drop = (last.rate - before.rate) / (last.threshold - before.threshold) * (threshold - last.threshold)
    return _normal_tail(before, last, threshold), last.low + LOW_SLOPE * drop, last.high + HIGH_SLOPE * drop


def _normal_tail(before: _Point, end: _Point, threshold: float) -> float:
    """Logarithm of the rate beyond ``end``, its normal quantile continued along the line through both points."""
    if before is end or min(before.rate, end.rate) <= _LOG_LEAST or max(before.rate, end.rate) >= 0:
        return end.rate
    from_quantile, to_quantile = (_NORMAL.inv_cdf(math.exp(point.rate)) for point in (before, end))
    slope = (to_quantile - from_quantile) / (end.threshold - before.threshold)
    rate = _NORMAL.cdf(to_quantile + slope * (threshold - end.threshold))
    return math.log(rate) if rate > 0 else -math.inf
