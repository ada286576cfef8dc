"""Average precision of a detector of one class."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from facetrack_ros.core.boxes import iou


@dataclass(frozen=True, eq=False)
class TrueBoxes:
    """Ground truth of one picture.

    :param boxes: ``(n, 4)`` ``x1, y1, x2, y2`` in pixels.
    :param ignored: ``(n,)`` bool: boxes that count neither as found nor as missed.
    """

    boxes: np.ndarray
    ignored: np.ndarray


@dataclass(frozen=True, eq=False)
class PrecisionRecall:
    """Precision over recall, from the highest score to the lowest.

    :param scores: ``(n,)`` falling, of the detections that count.
    :param precision: ``(n,)`` share of true ones among all detections up to this one.
    :param recall: ``(n,)`` share of the true boxes found up to this one; 0 where there are none.
    :param boxes: number of true boxes that are not ignored.
    """

    scores: np.ndarray
    precision: np.ndarray
    recall: np.ndarray
    boxes: int

    @property
    def average(self) -> float:
        """Average precision: area under the curve, precision at each recall being the best at it or beyond it.

        All points are used, as in PASCAL VOC from 2010 on; NaN where there are no true boxes.
        """
        if not self.boxes:
            return float("nan")
        envelope = np.maximum.accumulate(self.precision[::-1])[::-1]
        return float(np.sum(np.diff(self.recall, prepend=0.0) * envelope))

    def at(self, score: float) -> tuple[float, float]:
        """Precision and recall of the detections from ``score`` up; precision is NaN where there are none."""
        count = int(np.sum(self.scores >= score))
        if not count:
            return float("nan"), 0.0
        return float(self.precision[count - 1]), float(self.recall[count - 1])


def precision_recall(
    truth: Sequence[TrueBoxes], boxes: Sequence[np.ndarray], scores: Sequence[np.ndarray], min_iou: float = 0.5
) -> PrecisionRecall:
    """Match detections to the true boxes, picture by picture.

    In order of their scores each detection takes the free true box that it overlaps most. One that finds none but
    overlaps an ignored box does not count; an ignored box takes any number of detections.

    :param boxes: ``(n, 4)`` a picture; ``scores``: ``(n,)`` a picture.
    :param min_iou: least overlap that counts as found, 0..1.
    """
    outcomes = [
        _outcome(expected, np.asarray(found).reshape(-1, 4), np.asarray(sure), min_iou)
        for expected, found, sure in zip(truth, boxes, scores, strict=True)
    ]
    counted = np.concatenate([np.empty(0), *(scores for scores, _ in outcomes)])
    hits = np.concatenate([np.empty(0, bool), *(hits for _, hits in outcomes)])
    order = np.argsort(-counted, kind="stable")
    found = np.cumsum(hits[order])
    wanted = sum(int(np.sum(~expected.ignored)) for expected in truth)
    return PrecisionRecall(counted[order], found / np.arange(1, len(order) + 1), found / max(wanted, 1), wanted)


def _outcome(truth: TrueBoxes, boxes: np.ndarray, scores: np.ndarray, min_iou: float) -> tuple[np.ndarray, np.ndarray]:
    """Scores of one picture's detections that count, and whether each is a true one."""
    overlap = iou(boxes, np.asarray(truth.boxes).reshape(-1, 4))
    free = ~truth.ignored
    counts, hits = np.ones(len(boxes), bool), np.zeros(len(boxes), bool)
    for row in np.argsort(-scores, kind="stable"):
        candidates = np.where(free, overlap[row], -1.0)
        if candidates.size and candidates.max() >= min_iou:
            free[candidates.argmax()] = False
            hits[row] = True
        elif (overlap[row, truth.ignored] >= min_iou).any():
            counts[row] = False
    return scores[counts], hits[counts]
