"""Verification and identification metrics of an embedder on labelled faces."""

from dataclasses import dataclass

import numpy as np

from facetrack_ros.errors import EvaluationError
from facetrack_ros.vision.evaluation import verification
from facetrack_ros.vision.evaluation.false_match_curve import FalseMatchCurve, found_curve, measure_false_matches
from facetrack_ros.vision.evaluation.identification import OpenSet, open_set, rank_one

#: False-match rates that are reported.
RATES = (1e-2, 1e-3, 1e-4)
#: Shares of genuine pairs whose thresholds the found curve contains, beside those of the false-match curve.
FOUND_SHARES = (0.99, 0.95, 0.9, 0.8, 0.5, 0.2)


@dataclass(frozen=True)
class OperatingPoint:
    """One threshold and its error rates on these pairs.

    :param false_match_rate: the rate allowed, 0..1.
    :param threshold: the lowest at which no larger share of the impostor pairs matches.
    :param false_matches: number of impostor pairs that match at it.
    :param true_accept_rate: share of the genuine pairs that match, 0..1.
    :param shown: whether there are pairs enough to show so low a rate, by the rule of three.
    """

    false_match_rate: float
    threshold: float
    false_matches: int
    true_accept_rate: float
    shown: bool


@dataclass(frozen=True, eq=False)
class RecognitionMetrics:
    """Metrics of one set of labelled embeddings.

    :param genuine: ``(g,)`` similarities of pairs of one person.
    :param impostor: ``(i,)`` similarities of pairs of two people, see :func:`~.verification.pair_similarities`.
    :param impostor_pairs: number of pairs of two people; more than ``i`` where a sample was drawn.
    :param people: number of people.
    :param auc: 0..1.
    :param points: one for each of :data:`RATES`.
    :param rank_one: closed-set rank-1 rate, 0..1.
    :param rank_one_searches: searches behind it.
    :param fpir: the FPIR allowed, 0..1.
    :param open_set: open-set identification at it.
    :param curve: false-match curve with its intervals.
    :param found_curve: ``(threshold, share)``: pairs of one person at or above, each person counting alike.
    """

    genuine: np.ndarray
    impostor: np.ndarray
    impostor_pairs: int
    people: int
    auc: float
    points: tuple[OperatingPoint, ...]
    rank_one: float
    rank_one_searches: int
    fpir: float
    open_set: OpenSet
    curve: FalseMatchCurve
    found_curve: tuple[tuple[float, float], ...]

    @property
    def open_set_shown(self) -> bool:
        """Whether there are non-mated searches enough to show so low an FPIR, by the rule of three."""
        return verification.shows(self.open_set.non_mated_pictures, self.fpir)


def measure_recognition(
    embeddings: np.ndarray, people: np.ndarray, fpir: float = 0.01, seed: int = 0
) -> RecognitionMetrics:
    """Compute all metrics of labelled embeddings.

    :param embeddings: ``(n, d)`` unit rows.
    :param people: ``(n,)`` names or numbers.
    :param fpir: for :func:`~.identification.open_set`.
    :param seed: of every random draw.
    :raises EvaluationError: fewer than two people, or none with two pictures.
    """
    count = len(np.unique(people))
    if count < 2 or len(people) == count:
        raise EvaluationError(
            f"{len(people)} usable faces of {count} people: it takes two people, and two pictures of one"
        )
    genuine, impostor, total = verification.pair_similarities(embeddings, people, seed=seed)
    points = tuple(operating_point(genuine, impostor, rate) for rate in RATES)
    rank_1 = rank_one(embeddings, people)
    identified = open_set(embeddings, people, fpir, seed=seed)
    area = verification.auc(genuine, impostor)
    curve = measure_false_matches(embeddings, people)
    at = {threshold for threshold, _ in curve.points}
    at |= {verification.round_up(float(np.quantile(genuine, 1 - share))) for share in FOUND_SHARES}
    found = found_curve(embeddings, people, tuple(sorted(at)))
    return RecognitionMetrics(genuine, impostor, total, count, area, points, *rank_1, fpir, identified, curve, found)


def operating_point(genuine: np.ndarray, impostor: np.ndarray, rate: float) -> OperatingPoint:
    """The threshold for a false-match rate, and its error rates on these pairs."""
    threshold = verification.threshold_at(impostor, rate)
    matches = round(verification.false_match_rate(impostor, threshold) * len(impostor))
    accepted, shown = verification.true_accept_rate(genuine, threshold), verification.shows(len(impostor), rate)
    return OperatingPoint(rate, threshold, matches, accepted, shown)
