"""IDF1, HOTA and MOTA of tracks against ground truth, by the evaluation code of the trackers library (TrackEval's)."""

from dataclasses import dataclass

import numpy as np
from trackers.eval import compute_clear_metrics, compute_hota_metrics, compute_identity_metrics

from facetrack_ros.core.boxes import iou


@dataclass(frozen=True)
class MotScores:
    """In 0..1, and how often a person changed ids."""

    idf1: float
    hota: float
    mota: float
    switches: float


def mot_scores(truth: list[tuple[np.ndarray, np.ndarray]], found: list[tuple[np.ndarray, np.ndarray]]) -> MotScores:
    """Compare frame by frame.

    :param truth: for each frame ``(n, 4)`` boxes and ``(n,)`` ids.
    :param found: the same of a tracker.
    """
    true_ids, found_ids = _dense([ids for _, ids in truth]), _dense([ids for _, ids in found])
    alike = [
        iou(np.asarray(true, float).reshape(-1, 4), np.asarray(boxes, float).reshape(-1, 4))
        for (true, _), (boxes, _) in zip(truth, found)
    ]
    clear = compute_clear_metrics(true_ids, found_ids, alike)
    return MotScores(
        float(compute_identity_metrics(true_ids, found_ids, alike)["IDF1"]),
        float(np.mean(compute_hota_metrics(true_ids, found_ids, alike)["HOTA"])),
        float(clear["MOTA"]),
        float(clear["IDSW"]),
    )


def mean_scores(scores: list[MotScores]) -> MotScores:
    """Of several runs."""
    return MotScores(
        *(float(np.mean([getattr(one, name) for one in scores])) for name in ("idf1", "hota", "mota", "switches"))
    )


def _dense(ids: list[np.ndarray]) -> list[np.ndarray]:
    """Ids as whole numbers from 0 without holes."""
    known = np.unique(np.concatenate([np.asarray(each, np.int64) for each in ids])) if ids else np.empty(0, np.int64)
    return [np.searchsorted(known, np.asarray(each, np.int64)) for each in ids]
