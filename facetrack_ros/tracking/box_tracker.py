"""Boxes of one frame to the tracks of the frames before: our own tracker."""

from collections.abc import Callable

import numpy as np

from facetrack_ros.core.boxes import iou, widened
from facetrack_ros.tracking.appearance_memory import AppearanceMemory, body_similarities, face_similarities
from facetrack_ros.tracking.kalman import BoxKalmanFilter
from facetrack_ros.tracking.linear_assignment import best_pairs
from facetrack_ros.tracking.observation import Observation
from facetrack_ros.tracking.settings import SECOND_NS, TrackingSettings

# The longer somebody is unseen, the less is known of where they are: widening settles after a time like this.
_SPREAD_S = 0.3
_BODY_SPREAD_S = 0.5
# What it is worth that somebody is still there a frame later: people seldom leave and others come at the same moment.
_STAYED = 0.3


class _Followed:
    """One box through time."""

    def __init__(self, key: int, stamp_ns: int, box: np.ndarray):
        self.key = key
        self.first_ns, self.first_box = stamp_ns, box
        self.motion = BoxKalmanFilter(stamp_ns, box)
        self.looks = AppearanceMemory()
        self.evidence = 0.0
        self.last_frame = 0


class BoxTracker:
    """Joins boxes by overlap with where each person should be by now, by face and, where it is given, by appearance.

    As in ByteTrack (Zhang et al., 2022), boxes are taken in turn: sure ones begin tracks, likely ones go on with them
    or begin one after several, unlikely ones only go on with a track that was just there. Overlap is multiplied by the
    score as in BoT-SORT, and boxes are widened as in C-BIoU (Yang et al., 2023), here by time unseen. A face that
    matches is joined wherever it is; a face, or a body, that is clearly another person's is never joined.

    :param threshold: of the face embedder: lowest cosine similarity of a match.
    :param body_threshold: of the appearance model, where the observations have appearance.
    :param camera_motion: from a picture the ``(2, 3)`` affine map from the frame before; None: the camera stands.
    """

    def __init__(
        self,
        threshold: float,
        settings: TrackingSettings | None = None,
        body_threshold: float = 0.65,
        camera_motion: Callable[[Observation], np.ndarray | None] | None = None,
    ):
        self._settings = settings or TrackingSettings()
        self._threshold = threshold
        self._veto = 1 - self._settings.veto_distance * (1 - threshold)
        self._body_threshold = body_threshold
        self._camera_motion = camera_motion
        self._followed: list[_Followed] = []
        self._next_key = 0
        self._frame = 0

    def update(self, stamp_ns: int, observation: Observation) -> np.ndarray:
        """See :class:`Tracker`."""
        settings = self._settings
        self._frame += 1
        self._followed = [
            followed
            for followed in self._followed
            if stamp_ns - followed.motion.last_ns
            <= (settings.max_gap_ns if self._believed(followed) else settings.confirm_within_ns)
        ]
        affine = self._camera_motion(observation) if self._camera_motion else None
        for followed in self._followed if affine is not None else ():
            followed.motion.shift(affine)
        # A face says more than the score: where there is one, there is somebody.
        shows_face = np.array([face is not None for face in observation.faces], bool)
        if observation.with_face is not None:
            shows_face |= observation.with_face
        scores = np.where(shows_face, np.float32(1), observation.scores)
        taken: dict[int, _Followed] = {}
        for index, row in self._pairs(stamp_ns, observation, scores):
            taken[row] = self._followed[index]
            taken[row].motion.see(stamp_ns, observation.boxes[row])
        for row in np.flatnonzero(scores >= settings.likely_score):
            if row not in taken:
                taken[int(row)] = _Followed(self._next_key, stamp_ns, observation.boxes[row])
                self._next_key += 1
                self._followed.append(taken[int(row)])
        keys = np.full(len(observation), -1, np.int64)
        for row, followed in taken.items():
            followed.evidence += settings.min_evidence if scores[row] >= settings.sure_score else float(scores[row])
            followed.last_frame = self._frame
            body = observation.body(row) if scores[row] >= settings.likely_score else None
            followed.looks.take(observation.embedding(row), body)
            if self._believed(followed):
                keys[row] = followed.key
        return keys

    def began(self, key: int) -> tuple[int, np.ndarray] | None:
        """Stamp and box of a track's first frame, which may be one before its key was told; None for one not followed."""
        return next(
            ((followed.first_ns, followed.first_box) for followed in self._followed if followed.key == key), None
        )

    def _believed(self, followed: _Followed) -> bool:
        return followed.evidence >= self._settings.min_evidence

    def _pairs(self, stamp_ns: int, observation: Observation, scores: np.ndarray) -> list[tuple[int, int]]:
        if not self._followed or not len(observation):
            return []
        settings, boxes, looks = self._settings, observation.boxes, [followed.looks for followed in self._followed]
        predicted = np.stack([followed.motion.predicted(stamp_ns) for followed in self._followed])
        unseen_s = np.array([stamp_ns - followed.motion.last_ns for followed in self._followed]) / SECOND_NS
        missed = np.array([self._frame - followed.last_frame - 1 for followed in self._followed])
        near = _near(predicted, boxes, settings.widening * (1 - np.exp(-unseen_s / _SPREAD_S)))
        weighed = near * scores
        faces = face_similarities(looks, [observation.embedding(row) for row in range(len(boxes))])
        bodies = body_similarities(looks, observation.bodies, len(boxes))
        # NaN, for no look on one side, compares as false.
        same_face, other = faces >= self._threshold, faces < self._veto
        if bodies is not None:
            other |= ~same_face & (bodies < 1 - settings.appearance_veto * (1 - self._body_threshold))
        fresh, believed = (missed == 0)[:, None], np.array([self._believed(each) for each in self._followed])[:, None]
        likely, sure = scores >= settings.likely_score, scores >= settings.sure_score
        # In the place of somebody whom many frames missed there may be somebody else by now.
        least = np.minimum(settings.min_iou_lost + settings.lost_iou_step * (missed + 1), settings.max_lost_iou)[
            :, None
        ]
        least = np.where(fresh, settings.min_iou, least)
        by_look = by_place = (weighed >= least) & ~other
        worth = 1e-3 + _STAYED * fresh + weighed + same_face
        if bodies is not None:
            worth = worth + np.where(bodies == bodies, bodies, 0)
            by_body = (bodies >= self._body_threshold) & ~fresh & ~other
            wide = settings.appearance_widening * (1 - np.exp(-unseen_s / _BODY_SPREAD_S))
            by_look = by_place | by_body & (_near(predicted, boxes, wide) > settings.min_iou_lost)
        # What a turn rests on is computed when its turn comes: mostly the first one leaves nothing.
        turns = (
            lambda: (worth, by_look & likely & believed),
            lambda: (worth, same_face),
            lambda: self._unlikely(iou(predicted, boxes), ~likely & fresh & believed & ~other),
            lambda: (worth, by_place & ~believed),
            lambda: self._far(predicted, boxes, unseen_s, fresh & believed & sure & ~other),
        )
        pairs = []
        free_tracks, free_rows = np.ones(len(predicted), bool), np.ones(len(boxes), bool)
        for turn in turns:
            if not free_tracks.any() or not free_rows.any():
                break
            score, allowed = turn()
            found = best_pairs(np.where(allowed & free_tracks[:, None] & free_rows, score, -np.inf))
            for index, row in found:
                free_tracks[index] = free_rows[row] = False
            pairs += found
        return pairs

    def _unlikely(self, overlap: np.ndarray, allowed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Boxes that are hardly persons, right where somebody is."""
        return overlap, allowed & (overlap >= self._settings.min_iou_unlikely)

    def _far(
        self, predicted: np.ndarray, boxes: np.ndarray, unseen_s: np.ndarray, allowed: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Few frames a second: whoever was there a frame ago may have gone further than any overlap."""
        near = _near(predicted, boxes, self._settings.far_widening * (1 - np.exp(-unseen_s / _SPREAD_S)))
        return near, allowed & (near >= self._settings.min_iou)


def _near(predicted: np.ndarray, boxes: np.ndarray, part: np.ndarray) -> np.ndarray:
    """Overlap of boxes, both widened by ``part`` of their size, ``(tracks,)``."""
    parts = set(part.tolist())
    if len(parts) == 1:  # mostly all are the same
        value = parts.pop()
        return iou(widened(predicted, value), widened(boxes, value)).astype(np.float32)
    near = np.empty((len(predicted), len(boxes)), np.float32)
    for value in parts:
        mine = part == value
        near[mine] = iou(widened(predicted[mine], value), widened(boxes, value))
    return near
