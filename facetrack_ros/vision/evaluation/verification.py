"""One-to-one verification in the terms of ISO/IEC 19795-1, from ``(n,)`` similarities in any order.

A genuine pair shows one person, an impostor pair two. At a threshold the false-match rate (FMR, often FAR) is the share
of impostor pairs at or above it, the true-accept rate (TAR) that of genuine pairs.
"""

import math

import numpy as np

from facetrack_ros.errors import EvaluationError

#: If none of ``n`` independent trials gave an event, its rate is below ``3 / n`` with 95 % confidence.
RULE_OF_THREE = 3.0
#: Impostor pairs beyond about this number are sampled.
MAX_IMPOSTORS = 20_000_000


def pair_similarities(
    embeddings: np.ndarray, people: np.ndarray, most: int = MAX_IMPOSTORS, seed: int = 0
) -> tuple[np.ndarray, np.ndarray, int]:
    """Cosines of every pair of pictures, genuine and impostor pairs apart.

    :param embeddings: ``(n, d)`` unit rows.
    :param people: ``(n,)`` names or numbers.
    :param most: about how many impostor pairs are kept; of more a random sample. All genuine pairs are kept.
    :param seed: of that sample.
    :return: cosines of the genuine and of the impostor pairs kept, ``(g,)`` and ``(i,)`` float32; and the number of
        impostor pairs in all.
    """
    people = np.unique(np.asarray(people), return_inverse=True)[1]
    counts = np.bincount(people)
    total = (len(people) ** 2 - int((counts.astype(np.int64) ** 2).sum())) // 2
    share, rng = most / max(total, 1), np.random.default_rng(seed)
    genuine, impostor = [np.empty(0, np.float32)], [np.empty(0, np.float32)]
    for row in range(len(people) - 1):
        similarity = embeddings[row + 1 :] @ embeddings[row]
        same = people[row + 1 :] == people[row]
        genuine.append(similarity[same])
        different = similarity[~same]
        impostor.append(different if share >= 1 else different[rng.random(len(different)) < share])
    return np.concatenate(genuine), np.concatenate(impostor), total


def auc(genuine: np.ndarray, impostor: np.ndarray) -> float:
    """Probability that a genuine pair is more similar than an impostor pair, ties counting half (Mann, Whitney, 1947).

    :return: 0..1, the area under the curve of :func:`roc`; 0.5 is guessing.
    """
    genuine, impostor = _similarities(genuine, "genuine"), np.sort(_similarities(impostor, "impostor"))
    below = np.searchsorted(impostor, genuine, "left") + np.searchsorted(impostor, genuine, "right")
    return float(below.mean() / 2 / len(impostor))


def roc(genuine: np.ndarray, impostor: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """False-match rate and true-accept rate at every threshold that makes a difference.

    :return: false-match rates and true-accept rates, both rising from 0 to 1, and their thresholds, falling from
        infinity: each similarity that occurs, once.
    """
    genuine, impostor = np.sort(_similarities(genuine, "genuine")), np.sort(_similarities(impostor, "impostor"))
    thresholds = np.concatenate([[np.inf], np.unique(np.concatenate([genuine, impostor]))[::-1]])
    rates = [1.0 - np.searchsorted(values, thresholds, "left") / len(values) for values in (impostor, genuine)]
    return rates[0], rates[1], thresholds


def threshold_at(impostor: np.ndarray, rate: float) -> float:
    """The lowest threshold whose false-match rate on these pairs is at most ``rate``.

    It lies just above a similarity that occurs. Where ``rate`` is below one in the number of pairs, that is the highest
    of all, and these pairs do not show that the rate is kept (see :func:`shows`).

    :param rate: 0..1; from 1 on the lowest similarity is returned.
    """
    # One step above in the similarities' own precision: a finer one would be lost when they are compared with it.
    precision = np.float32 if getattr(impostor, "dtype", None) == np.float32 else np.float64
    impostor = np.sort(_similarities(impostor, "impostor"))[::-1]
    count = len(impostor)
    allowed = min(count, max(0, math.floor(rate * count)))
    # rate * count may be rounded to just below a whole number.
    if allowed < count and (allowed + 1) / count <= rate:
        allowed += 1
    if allowed == count:
        return float(impostor[-1])
    return float(np.nextafter(precision(impostor[allowed]), precision(np.inf)))


def true_accept_rate(genuine: np.ndarray, threshold: float) -> float:
    """Share of genuine pairs at or above a threshold, 0..1."""
    return float((_similarities(genuine, "genuine") >= threshold).mean())


def false_match_rate(impostor: np.ndarray, threshold: float) -> float:
    """Share of impostor pairs at or above a threshold, 0..1."""
    return float((_similarities(impostor, "impostor") >= threshold).mean())


def shows(trials: int, rate: float) -> bool:
    """Whether this many trials can show that a rate is as low as ``rate``, by the rule of three.

    Trials that share pictures or people are not independent and show less than their number says.
    """
    return trials * rate >= RULE_OF_THREE


def round_up(threshold: float) -> float:
    """A threshold in three decimals, never lower, so that no more pairs match than before."""
    thousandths = math.ceil(threshold * 1000)
    return (thousandths if thousandths / 1000 >= threshold else thousandths + 1) / 1000


def _similarities(values: np.ndarray, kind: str) -> np.ndarray:
    values = np.asarray(values, np.float64).ravel()
    if not len(values):
        raise EvaluationError(f"there are no {kind} pairs to count")
    if not np.isfinite(values).all():
        raise EvaluationError(f"a similarity of the {kind} pairs is not a number: the embedder is damaged")
    return values
