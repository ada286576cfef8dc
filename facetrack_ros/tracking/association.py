"""Boxes of one frame to the tracks of the frames before."""

from collections import deque
from typing import Protocol

import numpy as np

from facetrack_ros.tracking.assignment import best_pairs
from facetrack_ros.tracking.observation import Observation
from facetrack_ros.tracking.overlap import iou, widened
from facetrack_ros.tracking.settings import SECOND_NS, TrackingSettings

# A measured speed counts fully only over a time like this: at 25 frames a second it is mostly jitter of the boxes.
_SPEED_TIME_S = 0.3
# People out of sight do not keep their speed for long.
_COAST_TIME_S = 1.0
_FACES_REMEMBERED = 5
# What it is worth that somebody is still there a frame later: people seldom leave and others come at the same moment.
_STAYED = 0.5


class Tracker(Protocol):
    """Follows boxes through the frames of one camera."""

    def update(self, stamp_ns: int, observation: Observation) -> np.ndarray:
        """The key of each row's track, ``(n,)`` int64; -1 where a row is not followed.

        :param stamp_ns: later than that of the update before; a frame without persons is an update too.
        """


class _Followed:
    """One box through time."""

    def __init__(self, key: int, stamp_ns: int, box: np.ndarray):
        self.key = key
        self.box = box
        self.last_ns = stamp_ns
        self.speed = None
        self.embeddings: "deque[np.ndarray]" = deque(maxlen=_FACES_REMEMBERED)

    def predicted(self, stamp_ns: int) -> np.ndarray:
        """The box at ``stamp_ns``, if it goes on as it went, and slows down."""
        if self.speed is None:
            return self.box
        passed_s = (stamp_ns - self.last_ns) / SECOND_NS
        moved = self.speed * _COAST_TIME_S * (1 - np.exp(-passed_s / _COAST_TIME_S))
        return self.box + np.concatenate([moved, moved]).astype(np.float32)

    def see(self, stamp_ns: int, box: np.ndarray, embedding: "np.ndarray | None") -> None:
        """Take the box found for it."""
        passed_s = (stamp_ns - self.last_ns) / SECOND_NS
        measured = ((box[:2] + box[2:]) - (self.box[:2] + self.box[2:])) / 2 / passed_s
        weight = 1.0 if self.speed is None else 1 - np.exp(-passed_s / _SPEED_TIME_S)
        self.speed = measured if self.speed is None else self.speed + weight * (measured - self.speed)
        self.box, self.last_ns = box, stamp_ns
        self.remember(embedding)

    def remember(self, embedding: "np.ndarray | None") -> None:
        """Keep the look of a face."""
        if embedding is not None:
            self.embeddings.append(embedding)


class BoxTracker:
    """Joins boxes by overlap with where each person should be by now, and by face.

    Three looks, each over what the one before left: boxes that overlap the prediction, best pairs as a whole;
    faces that match, wherever they are; boxes that are near those of the frame before. A face that is clearly another
    person's is never joined.

    :param threshold: of the embedder: lowest cosine similarity of a match.
    """

    def __init__(self, threshold: float, settings: TrackingSettings = TrackingSettings()):
        self._threshold = threshold
        self._veto = 1 - settings.veto_distance * (1 - threshold)
        self._settings = settings
        self._followed: "list[_Followed]" = []
        self._next_key = 0
        self._last_ns: "int | None" = None

    def update(self, stamp_ns: int, observation: Observation) -> np.ndarray:
        """See :class:`Tracker`."""
        self._followed = [followed for followed in self._followed
                          if stamp_ns - followed.last_ns <= self._settings.max_gap_ns]
        keys = np.full(len(observation), -1, np.int64)
        for index, row in self._pairs(stamp_ns, observation):
            self._followed[index].see(stamp_ns, observation.boxes[row], observation.embedding(row))
            keys[row] = self._followed[index].key
        for row in np.flatnonzero(keys < 0):
            followed = _Followed(self._next_key, stamp_ns, observation.boxes[row])
            followed.remember(observation.embedding(row))
            self._followed.append(followed)
            keys[row] = self._next_key
            self._next_key += 1
        self._last_ns = stamp_ns
        return keys

    def _pairs(self, stamp_ns: int, observation: Observation) -> "list[tuple[int, int]]":
        if not self._followed or not len(observation):
            return []
        predicted = np.stack([followed.predicted(stamp_ns) for followed in self._followed])
        overlap = iou(predicted, observation.boxes)
        near = self._nearness(stamp_ns, predicted, observation.boxes)
        alike = self._similarities(observation)
        # NaN, for no face on one side, compares as false.
        same, different = alike >= self._threshold, alike < self._veto
        bonus = np.where(same, 1.0, 0.0)
        # Who was there a frame ago may have gone far at few frames a second; in the place of somebody long unseen
        # there may be somebody else by now.
        fresh = np.array([followed.last_ns == self._last_ns for followed in self._followed])[:, None]
        least = np.where(fresh, self._settings.min_iou, self._settings.min_iou_lost)
        looks = ((overlap + bonus + _STAYED * fresh, (overlap >= least) & ~different),
                 (alike, same),
                 (near, fresh & (near >= self._settings.min_iou) & ~different))
        pairs = []
        free_tracks, free_rows = np.ones(len(predicted), bool), np.ones(len(observation), bool)
        for score, allowed in looks:
            allowed = allowed & free_tracks[:, None] & free_rows[None, :]
            found = best_pairs(np.where(allowed, score, -np.inf))
            for index, row in found:
                free_tracks[index] = free_rows[row] = False
            pairs += found
        return pairs

    def _nearness(self, stamp_ns: int, predicted: np.ndarray, boxes: np.ndarray) -> np.ndarray:
        """Overlap of widened boxes: the longer a person was unseen, the further off they may be."""
        rows = []
        for followed, box in zip(self._followed, predicted):
            passed_s = (stamp_ns - followed.last_ns) / SECOND_NS
            part = self._settings.reach * (1 - np.exp(-passed_s / _SPEED_TIME_S))
            rows.append(iou(widened(box[None], part), widened(boxes, part))[0])
        return np.stack(rows)

    def _similarities(self, observation: Observation) -> np.ndarray:
        """Best similarity of each track's last faces with each row's face, NaN where either has none."""
        alike = np.full((len(self._followed), len(observation)), np.nan, np.float32)
        rows = [row for row in range(len(observation)) if observation.embedding(row) is not None]
        if rows:
            probes = np.stack([observation.embedding(row) for row in rows])
            for index, followed in enumerate(self._followed):
                if followed.embeddings:
                    alike[index, rows] = (np.stack(followed.embeddings) @ probes.T).max(axis=0)
        return alike
