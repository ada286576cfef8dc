"""Low-score boxes at the edges of the picture, which lengthen tracks while a person enters or leaves."""

from collections import deque
from typing import NamedTuple

import numpy as np

from facetrack_ros.core.boxes import area, intersection, iou
from facetrack_ros.tracking.settings import SECOND_NS

# Chosen by hand. Longest time that edge boxes lengthen a track by at either end: a shadow where a person was must not
# keep them in view for longer.
MAX_EXTENSION_NS = SECOND_NS
# Longest gap in a chain of edge boxes; the very next frame always continues it.
_MAX_GAP_NS = SECOND_NS * 3 // 10
# Lowest shared part of the smaller of two boxes of one person. While a person crosses the picture's edge the box grows
# or shrinks fast, so IoU says little.
_MIN_SHARED = 0.6


class EdgeSighting(NamedTuple):
    """One box of a person in a frame."""

    stamp_ns: int
    number: int
    box: np.ndarray


class EdgeBoxHistory:
    """The edge boxes of the last frames that lie in no track's box, at most ``MAX_PER_FRAME`` of a frame.

    :param keep_ns: time span kept.
    """

    MAX_PER_FRAME = 32

    def __init__(self, keep_ns: int):
        self._keep_ns = keep_ns
        self._frames: deque[tuple[int, int, np.ndarray]] = deque()

    def __len__(self) -> int:
        """How many boxes are kept."""
        return sum(len(boxes) for _, _, boxes in self._frames)

    def add(self, stamp_ns: int, number: int, boxes: np.ndarray | None, tracked: np.ndarray) -> None:
        """Add a frame's boxes.

        :param boxes: ``(n, 4)`` or None.
        :param tracked: ``(m, 4)`` boxes of that frame's tracks; an edge box inside one is part of that person.
        """
        boxes = np.empty((0, 4), np.float32) if boxes is None else boxes[: self.MAX_PER_FRAME]
        if len(boxes) and len(tracked):
            boxes = boxes[(_shared_part(boxes, tracked) < _MIN_SHARED).all(axis=1)]
        self._frames.append((stamp_ns, number, boxes))
        while self._frames[0][0] < stamp_ns - self._keep_ns:
            self._frames.popleft()

    def extend_forward(self, last: EdgeSighting) -> EdgeSighting | None:
        """Take the newest frame's box of a person last seen as ``last`` out of the history; None without one."""
        stamp_ns, number, boxes = self._frames[-1]
        previous_ns = self._frames[-2][0] if len(self._frames) > 1 else stamp_ns
        row = _best_overlap(boxes, last.box) if last.stamp_ns >= min(previous_ns, stamp_ns - _MAX_GAP_NS) else None
        if row is None:
            return None
        self._frames[-1] = (stamp_ns, number, np.delete(boxes, row, axis=0))
        return EdgeSighting(stamp_ns, number, boxes[row])

    def extend_backward(self, first: EdgeSighting) -> EdgeSighting:
        """The earliest sighting of a person first tracked as ``first``; ``first`` itself where there is none before."""
        earliest, later_ns = first, first.stamp_ns
        for stamp_ns, number, boxes in reversed(self._frames):
            if stamp_ns >= first.stamp_ns:
                continue
            linked = stamp_ns >= earliest.stamp_ns - _MAX_GAP_NS or later_ns == earliest.stamp_ns
            if not linked or stamp_ns < first.stamp_ns - MAX_EXTENSION_NS:
                break
            row = _best_overlap(boxes, earliest.box)
            if row is not None:
                earliest = EdgeSighting(stamp_ns, number, boxes[row])
            later_ns = stamp_ns
        return earliest


def _best_overlap(boxes: np.ndarray, box: np.ndarray) -> int | None:
    """Row of the box that shares enough with ``box`` and has the highest IoU."""
    if not len(boxes):
        return None
    overlap = np.where(_shared_part(boxes, box[None])[:, 0] >= _MIN_SHARED, iou(boxes, box[None])[:, 0], 0)
    return int(np.argmax(overlap)) if overlap.max() > 0 else None


def _shared_part(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Shared part of the smaller box of each pair, ``(n, m)``."""
    return intersection(first, second) / np.maximum(np.minimum(area(first)[:, None], area(second)[None]), 1e-9)
