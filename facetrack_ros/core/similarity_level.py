"""How alike different people are to each other, or to one face: mean and spread of their similarities."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

#: How many people a prior counts for in a mean, and in a spread: few similarities say little about a spread. Without a
#: prior a cohort of 5 people made searches worse than plain cosines (benchmarks/one_room_search.py).
PRIOR_PEOPLE = 10
PRIOR_PEOPLE_OF_SPREAD = 50
_LEAST_DISTANCE = 1e-3
_NORMAL = NormalDist()


@dataclass(frozen=True)
class SimilarityLevel:
    """Mean and standard deviation of the similarity of different people, in :func:`closeness`.

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
        points = [(float(closeness(at)), _NORMAL.inv_cdf(1 - rate)) for at, rate in curve if 0 < rate < 1]
        if len({quantile for _, quantile in points}) < 2:
            return None
        levels, quantiles = np.array(points, float).T
        deviation, mean = np.polyfit(quantiles, levels, 1)
        return cls(float(mean), float(deviation)) if deviation > 0 else None

    def updated(self, similarities: np.ndarray) -> "SimilarityLevel":
        """This level as a prior, updated with the similarities seen.

        :param similarities: ``(n,)`` cosines, each of another person or pair of people; may be empty.
        """
        count = len(similarities)
        if not count:
            return self
        seen = closeness(similarities)
        total = float(seen.sum())
        mean = (total + PRIOR_PEOPLE * self.mean) / (count + PRIOR_PEOPLE)
        apart = seen - total / count
        squares = float(apart @ apart) + PRIOR_PEOPLE_OF_SPREAD * self.deviation**2
        return SimilarityLevel(mean, math.sqrt(squares / (count + PRIOR_PEOPLE_OF_SPREAD)), count)

    def standard(self, similarity: float) -> float:
        """A cosine in standard deviations above the mean."""
        return (float(closeness(similarity)) - self.mean) / self.deviation


def closeness(similarity: np.ndarray | float) -> np.ndarray:
    """``-log(1 - cosine)``: minus the logarithm of half the squared distance of unit vectors.

    In it a similarity to other people may be subtracted: cosines near 1 are crowded, so that a face close to all people
    would lose all of its margin (benchmarks/one_room_search.py: worse than plain cosines with dlib's embedder).
    """
    return -np.log(np.maximum(1.0 - np.asarray(similarity, np.float64), _LEAST_DISTANCE))
