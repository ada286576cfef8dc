"""Operating points: thresholds by name, chosen by their false-match rate."""

import math
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from facetrack_ros.errors import ModelError
from facetrack_ros.models.contract import ModelContract
from facetrack_ros.models.false_match_rate import RateRange, false_match_rate, threshold_at_rate

OperatingPointName = Literal["strict", "balanced", "wide"]
#: Names of the operating points, the fewest false matches first.
NAMES: tuple[OperatingPointName, ...] = get_args(OperatingPointName)
#: False-match rate of each: one in 100,000, 10,000 and 1,000 comparisons of different people.
RATES: dict[str, float] = {"strict": 1e-5, "balanced": 1e-4, "wide": 1e-3}


@dataclass(frozen=True)
class NamedThreshold:
    """A threshold with both error rates.

    :param threshold: lowest cosine similarity of a match.
    :param rate: false-match rate there.
    :param found: share of pairs of one person at or above it, 0..1; NaN: not measured.
    """

    name: str
    threshold: float
    rate: RateRange
    found: float


def describe(contract: ModelContract) -> list[str]:
    """The operating points of a model as aligned lines, with both rates; empty where no curve was measured."""
    if not contract.false_match_curve:
        return []
    lines = [f"{'operating point':<16} {'threshold':>9}  {'false-match rate (95 %)':<30} same person found"]
    for name in NAMES:
        point = operating_point(contract, name)
        rates = f"{point.rate.rate:.1e} ({point.rate.low:.1e} to {point.rate.high:.1e})"
        found = "not measured" if math.isnan(point.found) else f"{point.found:.1%}"
        lines.append(f"{name:<16} {point.threshold:>9.3f}  {rates:<30} {found}")
    return lines


def operating_point(contract: ModelContract, name: str) -> NamedThreshold:
    """An operating point of a model; the model's own threshold where no false-match curve was measured.

    :raises ModelError: there is no such operating point.
    """
    if name not in RATES:
        raise ModelError(f"there is no operating point {name!r}; known are {', '.join(NAMES)}")
    measured = bool(contract.false_match_curve)
    threshold = threshold_at_rate(contract, RATES[name]) if measured else contract.threshold
    return NamedThreshold(name, threshold, false_match_rate(contract, threshold), found_share(contract, threshold))


def found_share(contract: ModelContract, threshold: float) -> float:
    """Share of pairs of one person at or above a threshold, interpolated and beyond the curve its end; NaN: unknown."""
    if not contract.found_curve:
        return float("nan")
    thresholds, shares = zip(*contract.found_curve)
    return float(np.interp(threshold, thresholds, shares))
