"""The false matches to expect of a search."""

import math
from dataclasses import dataclass

from facetrack_ros.models.contract import ModelContract
from facetrack_ros.models.false_match_rate import false_match_rate


@dataclass(frozen=True)
class FalseMatchEstimate:
    """Expected number of matches among sightings that all show other people.

    :param expected: NaN: unknown.
    :param low: lower end of the range, 95 % where the model's curve was measured; NaN: unknown.
    :param high: upper end likewise.
    :param people: number of people that the estimate rests on; 0: unknown.
    :param pairs: number of pairs of two people that it rests on; 0: unknown.
    """

    expected: float = 0.0
    low: float = 0.0
    high: float = 0.0
    people: int = 0
    pairs: int = 0

    def plus(self, other: "FalseMatchEstimate") -> "FalseMatchEstimate":
        """The estimate of both, of robots with different models: it rests on the fewer people and pairs.

        Limits are added, which is wide: both may be off in the same direction.
        """
        parts = [part for part in (self, other) if part.expected or math.isnan(part.expected)]
        if len(parts) < 2:
            return parts[0] if parts else self
        return FalseMatchEstimate(
            self.expected + other.expected,
            self.low + other.low,
            self.high + other.high,
            min(self.people, other.people),
            min(self.pairs, other.pairs),
        )


def estimate_false_matches(contract: ModelContract, threshold: float, comparisons: int) -> FalseMatchEstimate:
    """The expected matches of one reference among sightings of other people.

    :param threshold: lowest cosine similarity of a match.
    :param comparisons: number of sightings compared.
    :return: NaN for a model without a measured curve, unless nothing was compared.
    """
    people, pairs = contract.calibration_people, contract.calibration_pairs
    if not comparisons:
        return FalseMatchEstimate(people=people, pairs=pairs)
    rate = false_match_rate(contract, threshold)
    return FalseMatchEstimate(rate.rate * comparisons, rate.low * comparisons, rate.high * comparisons, people, pairs)
