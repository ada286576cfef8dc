"""The false matches to expect of a search."""

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
        """The sum of both; it rests on the fewer people and pairs of those known.

        Limits are added, which is wide: both may be off in the same direction.
        """
        return FalseMatchEstimate(
            self.expected + other.expected,
            self.low + other.low,
            self.high + other.high,
            min(filter(None, (self.people, other.people)), default=0),
            min(filter(None, (self.pairs, other.pairs)), default=0),
        )


def estimate_false_matches(
    contract: ModelContract, threshold: float, comparisons: int, references: int = 1
) -> FalseMatchEstimate:
    """The expected matches of a person among sightings of other people.

    :param threshold: lowest cosine similarity of a match.
    :param comparisons: number of sightings compared.
    :param references: number of embeddings of the person, of which the most similar one counts. They are alike, so that
        the rate of one is the lower limit and their sum the upper one; the sum is what is expected.
    :return: NaN for a model without a measured curve, unless nothing was compared.
    """
    people, pairs = contract.calibration_people, contract.calibration_pairs
    if not comparisons:
        return FalseMatchEstimate(people=people, pairs=pairs)
    rate = false_match_rate(contract, threshold)
    most = references * comparisons
    return FalseMatchEstimate(rate.rate * most, rate.low * comparisons, rate.high * most, people, pairs)
