"""One against many: who is it, of all who are enrolled, or is it nobody?

The words are those of ISO/IEC 19795-1 and of NIST's FRVT 1:N reports (Grother et al., NISTIR 8271): a gallery of enrolled
people, a mated search shows somebody who is in it, a non-mated search somebody who is not. Embeddings are ``(n, d)`` unit
rows, people ``(n,)`` names or numbers.
"""

from dataclasses import dataclass

import numpy as np

from facetrack_ros.errors import EvaluationError
from facetrack_ros.vision.evaluation.verification import threshold_at

REPEATS = 20


def rank_one(embeddings: np.ndarray, people: np.ndarray) -> tuple[float, int]:
    """Closed set, leaving one out: how often the most alike of all other pictures shows the same person.

    Each picture whose person has another one is searched once, among all pictures but itself.

    :return: the share, and the number of searches.
    :raises EvaluationError: nobody has two pictures.
    """
    people = np.asarray(people)
    searched = np.flatnonzero(_pictures_of(people) > 1)
    if not len(searched):
        raise EvaluationError("nobody has two usable pictures: there is nothing to search for")
    right = 0
    for row in searched:
        similarity = embeddings @ embeddings[row]
        similarity[row] = -np.inf
        right += people[np.argmax(similarity)] == people[row]
    return float(right / len(searched)), len(searched)


@dataclass(frozen=True)
class OpenSet:
    """Open-set identification at one operating point.

    :param fpir: false-positive identification rate: share of non-mated searches that return anybody at all, 0..1.
    :param fnir: false-negative identification rate: share of mated searches that do not return the right person first,
        0..1: another is more alike, or the similarity stays below the threshold.
    :param threshold: the lowest at which ``fpir`` is not above what was asked for.
    :param mated: searches counted, over all repeats.
    :param non_mated: likewise.
    :param distinct_non_mated: different pictures among the non-mated searches. The same picture in another repeat
        meets another gallery, but is not another person.
    """

    fpir: float
    fnir: float
    threshold: float
    mated: int
    non_mated: int
    distinct_non_mated: int


def open_set(
    embeddings: np.ndarray, people: np.ndarray, fpir: float = 0.01, repeats: int = REPEATS, seed: int = 0
) -> OpenSet:
    """FNIR at a stated FPIR.

    In each repeat half of those who have two pictures or more, drawn by chance, are enrolled with one picture each, drawn by
    chance. Their other pictures are the mated searches; all pictures of everybody else are the non-mated ones. Of each
    search the most alike enrolled person counts. The threshold is one over all repeats. It holds for a gallery of this
    size: of a larger one more strangers are alike.

    :param fpir: the rate allowed, 0..1.
    :param seed: of the draws; the same gives the same.
    :raises EvaluationError: fewer than two people, or nobody with two pictures.
    """
    people = np.unique(np.asarray(people), return_inverse=True)[1]
    count = _pictures_of(people)
    candidates = np.unique(people[count > 1])
    if people.max(initial=0) < 1 or not len(candidates):
        raise EvaluationError("open-set identification needs two people and one of them with two usable pictures")
    chance = np.random.default_rng(seed)
    alike, right, strangers, stranger_rows = [], [], [], []
    for _ in range(repeats):
        enrolled = chance.permutation(candidates)[: max(1, len(candidates) // 2)]
        gallery = np.array([chance.choice(np.flatnonzero(people == person)) for person in enrolled])
        known = np.isin(people, enrolled)
        mated, non_mated = np.setdiff1d(np.flatnonzero(known), gallery), np.flatnonzero(~known)
        similarity = embeddings @ embeddings[gallery].T
        alike.append(similarity[mated].max(axis=1))
        right.append(people[gallery][similarity[mated].argmax(axis=1)] == people[mated])
        strangers.append(similarity[non_mated].max(axis=1))
        stranger_rows.append(non_mated)
    alike, right, strangers = (np.concatenate(parts) for parts in (alike, right, strangers))
    alike, strangers = alike.astype(np.float64), strangers.astype(np.float64)
    threshold = threshold_at(strangers, fpir)
    return OpenSet(
        fpir=float((strangers >= threshold).mean()),
        fnir=float(1.0 - (right & (alike >= threshold)).mean()),
        threshold=threshold,
        mated=len(alike),
        non_mated=len(strangers),
        distinct_non_mated=len(np.unique(np.concatenate(stranger_rows))),
    )


def _pictures_of(people: np.ndarray) -> np.ndarray:
    """How many pictures there are of the person of each picture."""
    _, row, count = np.unique(people, return_inverse=True, return_counts=True)
    return count[row]
