"""IDF1, HOTA and MOTA of tracks against ground truth, by the evaluation code of the trackers library (TrackEval's)."""

from dataclasses import dataclass

import numpy as np
from trackers.eval import compute_clear_metrics, compute_hota_metrics, compute_identity_metrics

from facetrack_ros.core.boxes import iou


@dataclass(frozen=True)
class MotScores:
    """Scores in 0..1, and how often a person changed ids."""

    idf1: float
    hota: float
    mota: float
    switches: float


def mot_scores(truth: list[tuple[np.ndarray, np.ndarray]], found: list[tuple[np.ndarray, np.ndarray]]) -> MotScores:
    """Scores of a tracker on a sequence.

    :param truth: for each frame ``(n, 4)`` boxes and ``(n,)`` ids.
    :param found: the same of a tracker.
    """
    true_ids, found_ids = dense_ids([ids for _, ids in truth]), dense_ids([ids for _, ids in found])
    overlaps = [
        iou(np.asarray(true, float).reshape(-1, 4), np.asarray(boxes, float).reshape(-1, 4))
        for (true, _), (boxes, _) in zip(truth, found)
    ]
    clear = compute_clear_metrics(true_ids, found_ids, overlaps)
    return MotScores(
        float(compute_identity_metrics(true_ids, found_ids, overlaps)["IDF1"]),
        float(np.mean(compute_hota_metrics(true_ids, found_ids, overlaps)["HOTA"])),
        float(clear["MOTA"]),
        float(clear["IDSW"]),
    )


def mean_scores(scores: list[MotScores]) -> MotScores:
    """Mean of each score over several runs."""
    return MotScores(
        *(float(np.mean([getattr(score, name) for score in scores])) for name in ("idf1", "hota", "mota", "switches"))
    )


def dense_ids(ids: list[np.ndarray]) -> list[np.ndarray]:
    """Ids of each frame as whole numbers from 0 without gaps."""
    known = np.unique(np.concatenate([np.asarray(each, np.int64) for each in ids])) if ids else np.empty(0, np.int64)
    return [np.searchsorted(known, np.asarray(each, np.int64)) for each in ids]
