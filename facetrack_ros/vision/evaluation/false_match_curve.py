"""False-match curve of labelled embeddings, with intervals that respect that pairs share people."""

from dataclasses import dataclass

import numpy as np

from facetrack_ros.errors import EvaluationError
from facetrack_ros.vision.evaluation import verification

#: False-match rates whose thresholds a curve contains, as far as there are pairs enough.
CURVE_RATES = (0.3, 0.1, 0.03, 0.01, 3e-3, 1e-3, 3e-4, 1e-4, 3e-5, 1e-5, 3e-6, 1e-6)
#: Fewest pairs at or above a threshold that make a point of the curve. Chosen by hand.
FEWEST_PAIRS = 10
#: Fewest independent pairs, see :attr:`FalseMatchCurve.interval`, that make a point of the curve. Chosen by hand.
FEWEST_INDEPENDENT = 1.5
#: Standard normal quantile of a two-sided 95 % interval.
Z_95 = 1.96


@dataclass(frozen=True)
class FalseMatchCurve:
    """Share of pairs of two people at or above thresholds.

    :param points: ``(threshold, rate)``, thresholds rising.
    :param interval: ``(low, high)`` of each rate, 95 %. Pairs share people, so fewer of them are independent than there
        are: as many as would give the variance that leaving people out gives (infinitesimal jackknife over people).
        From that number follows the exact Poisson interval, in Byar's approximation. A bootstrap over people gives the
        same where there are many matches; where there are few it cannot show more than the few it draws from.
    :param people: number of people.
    :param pairs: number of pairs of two people.
    """

    points: tuple[tuple[float, float], ...]
    interval: tuple[tuple[float, float], ...]
    people: int
    pairs: int


def measure_false_matches(embeddings: np.ndarray, people: np.ndarray) -> FalseMatchCurve:
    """Measure the curve on all pairs of two people.

    :param embeddings: ``(n, d)`` unit rows.
    :param people: ``(n,)`` names or numbers.
    :raises EvaluationError: fewer than two people.
    """
    _, impostor, total = verification.pair_similarities(embeddings, people)
    names, people = np.unique(np.asarray(people), return_inverse=True)
    if not total:
        raise EvaluationError("there are no impostor pairs to count")
    thresholds = sorted({verification.round_up(verification.threshold_at(impostor, rate)) for rate in CURVE_RATES})
    counts = _matches_by_person(embeddings, people, thresholds)
    sizes = np.bincount(people)
    partners = sizes * (len(people) - sizes)  # pairs of two people that each person is in
    points, interval = [], []
    for threshold, matches in zip(thresholds, counts):
        rate = matches.sum() / 2 / total
        # Derivative of the rate by each person's weight, times the number of pairs.
        influence = matches - rate * partners
        variance = float((influence**2).sum()) / total**2
        independent = rate**2 / variance if variance > 0 else matches.sum() / 2
        if matches.sum() < 2 * FEWEST_PAIRS or independent < FEWEST_INDEPENDENT:
            break
        points.append((threshold, float(f"{rate:.3g}")))
        low, high = poisson_interval(independent)
        interval.append((float(f"{rate * low / independent:.2g}"), min(1.0, float(f"{rate * high / independent:.2g}"))))
    return FalseMatchCurve(tuple(points), tuple(interval), len(names), total)


def poisson_interval(count: float) -> tuple[float, float]:
    """95 % interval of the expected number where ``count`` events were counted, by Byar's approximation.

    Within 2 % of the exact limits from one event on (Breslow and Day, 1987); at none the upper limit is 3.7.
    """
    low = 0.0 if count <= 0 else max(0.0, 1 - 1 / (9 * count) - Z_95 / (3 * count**0.5)) ** 3 * count
    above = count + 1
    return low, (1 - 1 / (9 * above) + Z_95 / (3 * above**0.5)) ** 3 * above


def found_curve(
    embeddings: np.ndarray, people: np.ndarray, thresholds: tuple[float, ...]
) -> tuple[tuple[float, float], ...]:
    """Share of the pairs of one person at or above thresholds, each person counting alike.

    :return: ``(threshold, share)``, thresholds rising.
    """
    people = np.unique(np.asarray(people), return_inverse=True)[1]
    shares = []
    for person in np.flatnonzero(np.bincount(people) > 1):
        rows = embeddings[people == person]
        own = (rows @ rows.T)[np.triu_indices(len(rows), 1)]
        shares.append([(own >= threshold).mean() for threshold in thresholds])
    if not shares:
        return ()
    return tuple((at, float(f"{share:.4f}")) for at, share in zip(thresholds, np.mean(shares, axis=0)))


def _matches_by_person(embeddings: np.ndarray, people: np.ndarray, thresholds: list[float]) -> np.ndarray:
    """``(thresholds, people)``: the pairs with another person at or above each threshold that each person is in."""
    count = int(people.max()) + 1
    steps = np.zeros((len(thresholds) + 1, count), np.int64)
    limits = np.asarray(thresholds, embeddings.dtype)
    for row in range(len(people) - 1):
        similarity = embeddings[row + 1 :] @ embeddings[row]
        other = people[row + 1 :]
        chosen = (similarity >= limits[0]) & (other != people[row])
        level = np.searchsorted(limits, similarity[chosen], "right")
        np.add.at(steps, (level, other[chosen]), 1)
        np.add.at(steps[:, people[row]], level, 1)
    return steps[::-1].cumsum(axis=0)[::-1][1:]
