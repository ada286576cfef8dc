"""Boxes at the edges of one camera's picture that are hardly persons, kept for a moment: they tell when somebody came and went."""

from collections import deque
from typing import NamedTuple

import numpy as np

from facetrack_ros.core.boxes import area, intersection, iou
from facetrack_ros.tracking.settings import SECOND_NS

# How far back from a track's first box, and on from its last, a chain of faint boxes may reach. What is only a shadow where
# somebody was then keeps nobody in view for longer.
REACH_NS = SECOND_NS
# A chain goes on over frames that show nothing for so long, or to the very next frame.
_GAP_NS = SECOND_NS * 3 // 10
# Which part of the smaller of two boxes lies in the other, for them to be of one person. As somebody crosses the picture's
# edge their box grows or shrinks fast, and overlap over union says little.
_SHARED = 0.7


class EdgeSighting(NamedTuple):
    """One faint box."""

    stamp_ns: int
    number: int
    box: np.ndarray


class EdgeBoxHistory:
    """The faint boxes of the last frames that lie in no track's; at most ``MOST`` of each frame.

    :param keep_ns: how long they are kept.
    """

    MOST = 32

    def __init__(self, keep_ns: int):
        self._keep_ns = keep_ns
        self._frames: deque[tuple[int, int, np.ndarray]] = deque()

    def add(self, stamp_ns: int, number: int, boxes: np.ndarray | None, followed: np.ndarray) -> None:
        """Take a frame's.

        :param boxes: ``(n, 4)``; None: none.
        :param followed: ``(m, 4)`` boxes of that frame's tracks; what lies in one of them is a part of that person.
        """
        boxes = np.empty((0, 4), np.float32) if boxes is None else boxes[: self.MOST]
        if len(boxes) and len(followed):
            boxes = boxes[(_shared(boxes, followed) < _SHARED).all(axis=1)]
        self._frames.append((stamp_ns, number, boxes))
        while self._frames[0][0] < stamp_ns - self._keep_ns:
            self._frames.popleft()

    def after(self, box: np.ndarray, shown_ns: int) -> EdgeSighting | None:
        """Where somebody last shown in ``box`` is in the newest frame; it is theirs then, and nobody else's."""
        stamp_ns, number, boxes = self._frames[-1]
        before_ns = self._frames[-2][0] if len(self._frames) > 1 else stamp_ns
        row = _most_alike(boxes, box) if shown_ns >= min(before_ns, stamp_ns - _GAP_NS) else None
        if row is None:
            return None
        self._frames[-1] = (stamp_ns, number, np.delete(boxes, row, axis=0))
        return EdgeSighting(stamp_ns, number, boxes[row])

    def before(self, box: np.ndarray, first_ns: int) -> EdgeSighting | None:
        """The earliest glimpse of somebody whose first box was ``box``, at ``first_ns``; None: there is none before that."""
        earliest, shown_ns, later_ns = None, first_ns, first_ns
        for stamp_ns, number, boxes in reversed(self._frames):
            if stamp_ns >= first_ns:
                continue
            near = stamp_ns >= shown_ns - _GAP_NS or later_ns == shown_ns
            if not near or stamp_ns < first_ns - REACH_NS:
                break
            row = _most_alike(boxes, box)
            if row is not None:
                earliest = EdgeSighting(stamp_ns, number, boxes[row])
                box, shown_ns = earliest.box, stamp_ns
            later_ns = stamp_ns
        return earliest


def _most_alike(boxes: np.ndarray, box: np.ndarray) -> int | None:
    """Of the boxes that share enough with ``box`` the row of the one that overlaps most."""
    if not len(boxes):
        return None
    overlap = np.where(_shared(boxes, box[None])[:, 0] >= _SHARED, iou(boxes, box[None])[:, 0], 0)
    return int(np.argmax(overlap)) if overlap.max() > 0 else None


def _shared(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Shared part of the smaller one of two boxes, all pairs, ``(n, m)``."""
    return intersection(first, second) / np.maximum(np.minimum(area(first)[:, None], area(second)[None]), 1e-9)
