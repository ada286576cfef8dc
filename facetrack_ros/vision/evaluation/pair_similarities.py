"""Similarities of all pairs of labelled embeddings."""

import numpy as np

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
