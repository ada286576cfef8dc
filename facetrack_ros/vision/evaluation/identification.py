"""One-to-many identification in the terms of ISO/IEC 19795-1 and NISTIR 8271: rank-1, and FNIR at an FPIR.

A mated search is for a person in the gallery, a non-mated one for another. Embeddings are ``(n, d)`` unit rows, people
``(n,)`` names or numbers.
"""

from dataclasses import dataclass

import numpy as np

from facetrack_ros.errors import EvaluationError
from facetrack_ros.vision.evaluation.verification import threshold_at

REPEATS = 20


def rank_one(embeddings: np.ndarray, people: np.ndarray) -> tuple[float, int]:
    """Closed-set rank-1 rate, leave-one-out: share of searches whose most similar other picture shows the same person.

    Each picture whose person has another one is searched once, among all pictures but itself.

    :return: the share, and the number of searches.
    :raises EvaluationError: no person has two pictures.
    """
    people = np.asarray(people)
    searched = np.flatnonzero(_pictures_of_person(people) > 1)
    if not len(searched):
        raise EvaluationError("no person has two usable pictures: there is nothing to search for")
    right = 0
    for row in searched:
        similarity = embeddings @ embeddings[row]
        similarity[row] = -np.inf
        right += people[np.argmax(similarity)] == people[row]
    return float(right / len(searched)), len(searched)


@dataclass(frozen=True)
class OpenSet:
    """Open-set identification at one operating point.

    :param fpir: false-positive identification rate: share of non-mated searches that return any person, 0..1.
    :param fnir: false-negative identification rate: share of mated searches that do not return the right person first,
        0..1: another is more similar, or the similarity is below the threshold.
    :param threshold: the lowest at which ``fpir`` is not above the rate allowed.
    :param mated_searches: their number over all repeats; ``non_mated_searches`` likewise.
    :param non_mated_pictures: different pictures among the non-mated searches. The same picture in another repeat
        meets another gallery, but is not another person.
    """

    fpir: float
    fnir: float
    threshold: float
    mated_searches: int
    non_mated_searches: int
    non_mated_pictures: int


def open_set(
    embeddings: np.ndarray, people: np.ndarray, fpir: float = 0.01, repeats: int = REPEATS, seed: int = 0
) -> OpenSet:
    """FNIR at a stated FPIR.

    Each repeat enrols a random half of the people with two or more pictures, with one random picture each. Their other
    pictures are the mated searches, all pictures of the other people the non-mated ones. Of each search the best match
    counts. One threshold serves all repeats. It holds for a gallery of this size: a larger one gives more false
    positives.

    :param fpir: the rate allowed, 0..1.
    :param seed: of the random draws.
    :raises EvaluationError: fewer than two people, or none with two pictures.
    """
    people = np.unique(np.asarray(people), return_inverse=True)[1]
    candidates = np.unique(people[_pictures_of_person(people) > 1])
    if people.max(initial=0) < 1 or not len(candidates):
        raise EvaluationError("open-set identification needs two people and one of them with two usable pictures")
    rng = np.random.default_rng(seed)
    parts = []
    for _ in range(repeats):
        enrolled = rng.permutation(candidates)[: max(1, len(candidates) // 2)]
        gallery = np.array([rng.choice(np.flatnonzero(people == person)) for person in enrolled])
        known = np.isin(people, enrolled)
        mated, non_mated = np.setdiff1d(np.flatnonzero(known), gallery), np.flatnonzero(~known)
        similarity = embeddings @ embeddings[gallery].T
        correct = people[gallery][similarity[mated].argmax(axis=1)] == people[mated]
        parts.append((similarity[mated].max(axis=1), correct, similarity[non_mated].max(axis=1), non_mated))
    mated_max, correct, non_mated_max, non_mated_rows = (np.concatenate(column) for column in zip(*parts))
    mated_max, non_mated_max = mated_max.astype(np.float64), non_mated_max.astype(np.float64)
    threshold = threshold_at(non_mated_max, fpir)
    reached = float((non_mated_max >= threshold).mean())
    fnir = float(1.0 - (correct & (mated_max >= threshold)).mean())
    return OpenSet(reached, fnir, threshold, len(mated_max), len(non_mated_max), len(np.unique(non_mated_rows)))


def _pictures_of_person(people: np.ndarray) -> np.ndarray:
    """``(n,)`` number of pictures of each picture's person."""
    _, row, count = np.unique(people, return_inverse=True, return_counts=True)
    return count[row]
