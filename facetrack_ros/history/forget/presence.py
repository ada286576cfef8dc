"""When and where a person was in view of a camera."""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable

import numpy as np

from facetrack_ros.history.sightings.coverage import merge_spans

#: How much longer than the tracker saw a person frames may show the person, before and after. Chosen by hand, as are
#: those that follow.
MARGIN_NS = 500_000_000
# Stored tracks of one person no farther apart than this are one stay: between them the person was in view.
_STAY_NS = 2_000_000_000
# A box stands for frames up to this far from its own.
_BOX_NS = 1_000_000_000
_GROWTH = 0.25


class Presence:
    """The stays of a person in view of cameras, and where in the picture the person was."""

    def __init__(self) -> None:
        self._spans: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
        self._boxes: defaultdict[str, dict[int, list[np.ndarray]]] = defaultdict(dict)
        self._sorted: dict[str, tuple[list[int], tuple[tuple[int, int], ...]]] = {}

    def add_span(self, camera_id: str, start_ns: int, end_ns: int) -> None:
        """The person was in view from a stamp to another."""
        self._spans[camera_id].append((start_ns, end_ns))
        self._sorted.pop(camera_id, None)

    def add_box(self, camera_id: str, stamp_ns: int, box: np.ndarray) -> None:
        """The person was at a place at a stamp.

        :param box: ``(4,)`` x1, y1, x2, y2 in pixels.
        """
        self.add_span(camera_id, stamp_ns, stamp_ns)
        self._boxes[camera_id].setdefault(stamp_ns, []).append(np.asarray(box, np.float32))

    def cameras(self) -> list[str]:
        """The cameras that the person was in view of, sorted."""
        return sorted(self._spans)

    def spans(self, camera_id: str) -> tuple[tuple[int, int], ...]:
        """The stays in view of a camera with their margins, in order of time."""
        return self._lists(camera_id)[1]

    def shows(self, camera_id: str, stamp_ns: int) -> bool:
        """Whether a frame of a camera may show the person."""
        spans = self.spans(camera_id)
        at = bisect_right(spans, (stamp_ns, 2**63)) - 1
        return at >= 0 and spans[at][0] <= stamp_ns <= spans[at][1]

    def shown(self, camera_id: str, stamps: Iterable[int]) -> list[int]:
        """Those of some stamps whose frames may show the person."""
        return [stamp for stamp in stamps if self.shows(camera_id, stamp)]

    def region(self, camera_id: str, stamp_ns: int) -> list[np.ndarray]:
        """Boxes that cover the person at a stamp: where the person was just before and after, joined and enlarged.

        Empty: it is not known where.
        """
        boxes, stamps = self._boxes.get(camera_id, {}), self._lists(camera_id)[0]
        at = bisect_left(stamps, stamp_ns)
        near = [stamp for stamp in stamps[max(at - 1, 0) : at + 1] if abs(stamp - stamp_ns) <= _BOX_NS]
        if stamp_ns in boxes:
            near = [stamp_ns]
        if not near:
            return []
        if max(len(boxes[stamp]) for stamp in near) > 1:  # two tracks at once: each by itself
            return [_enlarged(box) for stamp in near for box in boxes[stamp]]
        joined = np.array([box for stamp in near for box in boxes[stamp]])
        return [_enlarged(np.concatenate([joined[:, :2].min(0), joined[:, 2:].max(0)]))]

    def _lists(self, camera_id: str) -> tuple[list[int], tuple[tuple[int, int], ...]]:
        known = self._sorted.get(camera_id)
        if known is None:
            stays = merge_spans(self._spans.get(camera_id, []), _STAY_NS)
            spans = merge_spans([(start - MARGIN_NS, end + MARGIN_NS) for start, end in stays])
            known = self._sorted[camera_id] = sorted(self._boxes.get(camera_id, ())), spans
        return known


def _enlarged(box: np.ndarray) -> np.ndarray:
    more = _GROWTH * (box[2:] - box[:2])
    return np.concatenate([box[:2] - more, box[2:] + more])
