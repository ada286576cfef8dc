"""Filter of tracks that are probably no person: still, without a face, and of a low score."""

from collections import deque

import numpy as np

from facetrack_ros.core.boxes import iou
from facetrack_ros.tracking.interfaces import Tracker
from facetrack_ros.tracking.observation import Observation
from facetrack_ros.tracking.settings import TrackingSettings

# Chosen on PETS09-S2L1 of MOT15, where a post is detected at 0.47 to 0.60: highest IoU of the mean boxes of the older
# and the newer half of the last seconds at which a track has moved. Means, because boxes of low scores jitter.
_MOVED_IOU = 0.8
# Boxes needed for the two means.
_MIN_BOXES = 4


class _RecentBoxes:
    """Boxes and scores of one track in the last seconds.

    :ivar has_face: whether a face was ever found in it.
    :ivar complete: whether the track began within this time.
    :ivar withheld: whether the last frame was withheld.
    """

    def __init__(self):
        self.has_face, self.complete, self.withheld = False, True, False
        self._seen: deque[tuple[int, np.ndarray, float]] = deque()
        self._sum = 0.0

    @property
    def first(self) -> tuple[int, np.ndarray]:
        """Stamp and box of the oldest one."""
        return self._seen[0][:2]

    @property
    def last_ns(self) -> int:
        """Stamp of the newest one."""
        return self._seen[-1][0]

    def add(self, stamp_ns: int, box: np.ndarray, score: float, keep_ns: int) -> None:
        """Add a box, and drop those older than ``keep_ns``."""
        self._seen.append((stamp_ns, box, score))
        self._sum += score
        while self._seen[0][0] < stamp_ns - keep_ns:
            self._sum -= self._seen.popleft()[2]
            self.complete = False

    def mean_score(self) -> float:
        """Mean of the scores."""
        return self._sum / len(self._seen)

    def moved(self) -> bool:
        """Whether the box moved or changed its size."""
        if len(self._seen) < _MIN_BOXES:
            return False
        boxes = np.array([box for _, box, _ in self._seen])
        half = len(boxes) // 2
        return bool(iou(boxes[:half].mean(axis=0)[None], boxes[half:].mean(axis=0)[None])[0, 0] < _MOVED_IOU)


class StillBoxFilter(Tracker):
    """Withholds the tracks of another tracker while nothing speaks for a person.

    A track is reported if a face was ever found in it, or if within the last ``still_for_ns`` it moved or had a mean
    score of ``still_score``. Others keep their key inside, so that a post is not a new track over and over.
    """

    def __init__(self, tracker: Tracker, settings: TrackingSettings):
        self._tracker, self._settings = tracker, settings
        self._recent: dict[int, _RecentBoxes] = {}

    def update(self, stamp_ns: int, observation: Observation) -> np.ndarray:
        """See :class:`Tracker`."""
        keys = np.array(self._tracker.update(stamp_ns, observation))
        for row in np.flatnonzero(keys >= 0).tolist():
            key = int(keys[row])
            recent = self._recent.setdefault(key, _RecentBoxes())
            recent.has_face |= observation.shows_face(row)
            score = float(observation.scores[row])
            recent.add(stamp_ns, observation.boxes[row], score, self._settings.still_for_ns)
            recent.withheld = not self._speaks_for_person(recent)
            if recent.withheld:
                keys[row] = -1
        oldest_ns = stamp_ns - self._settings.still_for_ns - self._settings.max_gap_ns
        self._recent = {key: recent for key, recent in self._recent.items() if recent.last_ns >= oldest_ns}
        return keys

    def began(self, key: int) -> tuple[int, np.ndarray] | None:
        """See :class:`Tracker`; None for a track that was withheld for long."""
        recent = self._recent.get(key)
        if recent is None or not recent.complete:
            return None
        return self._tracker.began(key) or recent.first

    def _speaks_for_person(self, recent: _RecentBoxes) -> bool:
        return recent.has_face or recent.mean_score() >= self._settings.still_score or recent.moved()
