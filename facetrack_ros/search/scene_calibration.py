"""Calibration of a model's false-match curve to a scene, by faces there that are known to be of different people."""

import math
from dataclasses import dataclass, replace
from statistics import NormalDist

import numpy as np

from facetrack_ros.core.similarity_level import SimilarityLevel, closeness
from facetrack_ros.history.sightings.scene import Scene
from facetrack_ros.models.contract import ModelContract
from facetrack_ros.models.false_match_rate import false_match_rate
from facetrack_ros.search.response import RobotResponse

#: The similarity that this share of pairs reaches is compared with the model's: the highest measured rate is used, but
#: not one beyond this, where little is left of the tail.
HIGHEST_RATE = 0.2
#: Pairs of people that the model's curve counts for: with it the pairs of 5 and 10 people of a room gave 0.4 and 0.6 of
#: the true rate where the model's own curve gave 0.15 (benchmarks/one_room_search.py).
PRIOR_COUPLES = 10
#: People whom the prior stands for in the error.
PRIOR_PEOPLE = 5
#: Standard errors to the end of a 95 % interval.
Z95 = 1.96
_NORMAL = NormalDist()


@dataclass(frozen=True)
class SceneCalibration:
    """By how much different people of a scene are more alike than those behind the model's curve.

    The tail of a scene cannot be counted: a rate of one in 10,000 takes tens of thousands of pairs of people. So the
    curve keeps its form and is shifted by as much as the similarity that one pair in ten reaches is higher; few pairs
    move it little, as the model's curve counts for some too.

    :param shift: in :func:`closeness`; above 0: more alike.
    :param error: standard error of it.
    :param pairs: pairs of faces behind it.
    :param people: people behind them.
    """

    shift: float
    error: float
    pairs: int
    people: int

    @classmethod
    def of(cls, scene: Scene, contract: ModelContract) -> "SceneCalibration | None":
        """The calibration; None without pairs of different people, or without a measured curve."""
        points = [(at, rate) for at, rate in contract.false_match_curve if 0 < rate <= HIGHEST_RATE]
        level = SimilarityLevel.of_curve(contract.false_match_curve)
        if not points or level is None or not scene.similarities.size:
            return None
        at, rate = points[0]
        couples = float(scene.weights.sum())
        below = np.cumsum(scene.weights) / couples
        seen = float(scene.similarities[min(int(np.searchsorted(below, 1 - rate)), len(below) - 1)])
        shift = float(closeness(seen) - closeness(at)) * couples / (couples + PRIOR_COUPLES)
        # Of a quantile of a normal distribution; pairs share people, so that people count.
        one = level.deviation * math.sqrt(rate * (1 - rate)) / _NORMAL.pdf(_NORMAL.inv_cdf(1 - rate))
        error = one / math.sqrt(scene.different_people + PRIOR_PEOPLE)
        return cls(shift, error, len(below), scene.different_people)

    def equivalent(self, threshold: float, errors: float = 0.0) -> float:
        """The threshold at which the model's curve has the rate that this one has in the scene.

        :param errors: how many standard errors to add; :data:`Z95` gives the upper end of the 95 % interval.
        """
        return 1.0 - math.exp(-(float(closeness(threshold)) - self.shift - errors * self.error))


def calibrated_line(
    line: RobotResponse, scene: Scene, contract: ModelContract, threshold: float, references: int = 1
) -> RobotResponse:
    """A robot's line with the false matches to expect in its scene, where pairs of different people are known there.

    Of the model's rate and that of the scene the larger counts: the one rests on more people, the other on those of the
    cameras searched. A share of pairs that was counted at the threshold itself, larger than both, is the upper end.

    :param line: of a search by the contract's model.
    :param references: number of embeddings of the person asked for.
    """
    calibration = SceneCalibration.of(scene, contract)
    if calibration is None:
        return line
    model = false_match_rate(contract, threshold)
    there = false_match_rate(contract, calibration.equivalent(threshold)).rate
    counted = float(scene.weights[scene.similarities >= threshold].sum() / scene.weights.sum())
    highest = max(false_match_rate(contract, calibration.equivalent(threshold, Z95)).rate, counted)
    compared = line.sightings * references
    return replace(
        line,
        scene_pairs=calibration.pairs,
        scene_false_match_rate=highest,
        expected_false_matches=max(model.rate, there) * compared,
        expected_false_matches_low=model.low * line.sightings,
        expected_false_matches_high=max(model.high, highest) * compared,
    )
