"""How alike different people are to each other, or to one face: mean and spread of their similarities."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

#: How many people a prior counts for in a mean, and in a spread: few similarities say little about a spread. Without a
#: prior a cohort of 5 people made searches worse than plain cosines (benchmarks/one_room_search.py).
PRIOR_PEOPLE = 5
PRIOR_PEOPLE_OF_SPREAD = 50
_NORMAL = NormalDist()


@dataclass(frozen=True)
class SimilarityLevel:
    """Mean and standard deviation of the similarity of different people.

    :param people: number of similarities behind it, each of another person or pair of people; 0: a prior.
    """

    mean: float
    deviation: float
    people: int = 0

    @classmethod
    def of_curve(cls, curve: Sequence[tuple[float, float]]) -> "SimilarityLevel | None":
        """The normal distribution whose tail is nearest to a model's false-match curve.

        A straight line through the quantiles of the rates, by least squares.

        :param curve: ``(threshold, rate)`` pairs.
        :return: None where fewer than two rates lie between 0 and 1, or they do not fall.
        """
        points = [(threshold, _NORMAL.inv_cdf(1 - rate)) for threshold, rate in curve if 0 < rate < 1]
        if len({quantile for _, quantile in points}) < 2:
            return None
        thresholds, quantiles = np.array(points, float).T
        deviation, mean = np.polyfit(quantiles, thresholds, 1)
        return cls(float(mean), float(deviation)) if deviation > 0 else None

    def updated(self, similarities: np.ndarray) -> "SimilarityLevel":
        """This level as a prior, updated with the similarities seen.

        :param similarities: ``(n,)``, each of another person or pair of people; may be empty.
        """
        count = len(similarities)
        if not count:
            return self
        seen = np.asarray(similarities, np.float64)
        mean = (float(seen.sum()) + PRIOR_PEOPLE * self.mean) / (count + PRIOR_PEOPLE)
        squares = float(((seen - seen.mean()) ** 2).sum()) + PRIOR_PEOPLE_OF_SPREAD * self.deviation**2
        return SimilarityLevel(mean, math.sqrt(squares / (count + PRIOR_PEOPLE_OF_SPREAD)), count)

    def standard(self, similarity: float) -> float:
        """A similarity in standard deviations above the mean."""
        return (similarity - self.mean) / self.deviation

    def equivalent(self, similarity: float, of: "SimilarityLevel") -> float:
        """The similarity that is as many standard deviations above the mean at another level as this one is here."""
        return of.mean + self.standard(similarity) * of.deviation
