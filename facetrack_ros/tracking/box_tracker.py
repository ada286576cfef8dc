"""Our own tracker: links boxes to tracks by motion, face and body appearance."""

from collections.abc import Callable

import numpy as np

from facetrack_ros.core.boxes import height_iou, iou, widened
from facetrack_ros.tracking.appearance_memory import AppearanceMemory, body_similarities, face_similarities
from facetrack_ros.tracking.kalman import BoxKalmanFilter
from facetrack_ros.tracking.linear_assignment import best_pairs
from facetrack_ros.tracking.observation import Observation
from facetrack_ros.tracking.settings import SECOND_NS, TrackingSettings

# Chosen like the defaults of TrackingSettings.
# Power of the overlap of heights that overlap is multiplied by: people at other distances end at other heights.
_HEIGHT_POWER = 0.5
# Time constants with which the widening of boxes grows with the time unseen.
_WIDENING_S = 0.15
_BODY_WIDENING_S = 0.5
# Bonus of a track seen in the previous frame: people seldom leave just when others come.
_FRESH_BONUS = 0.3

Scores = tuple[np.ndarray, np.ndarray]


class _BoxTrack:
    """One box through time."""

    def __init__(self, key: int, stamp_ns: int, box: np.ndarray):
        self.key = key
        self.first_ns, self.first_box = stamp_ns, box
        self.motion = BoxKalmanFilter(stamp_ns, box)
        self.appearance = AppearanceMemory()
        self.evidence = 0.0
        self.last_frame = 0


class BoxTracker:
    """Links boxes by overlap with the predicted box of each track, by face and, where given, by body appearance.

    As in ByteTrack (Zhang et al., 2022), boxes are matched in turn: sure ones start tracks, likely ones continue them
    or start one after several, unlikely ones only continue a track of the previous frame. Overlap is multiplied by the
    score as in BoT-SORT (Aharon et al., 2022) and by the overlap of heights as in Hybrid-SORT (Yang et al., 2024), and
    boxes are widened as in C-BIoU (Yang et al., 2023), here by the time unseen. A matching face links a box anywhere in
    the picture; a face or a body clearly of another person never does.

    :param threshold: of the face embedder: lowest cosine similarity of a match.
    :param body_threshold: of the appearance model, where the observations have appearance.
    :param camera_motion: returns the ``(2, 3)`` affine map from the previous frame; None: the camera stands.
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
        self._tracks: list[_BoxTrack] = []
        self._next_key = 0
        self._frame = 0

    def update(self, stamp_ns: int, observation: Observation) -> np.ndarray:
        """See :class:`Tracker`."""
        settings = self._settings
        self._frame += 1
        self._tracks = [
            track
            for track in self._tracks
            if stamp_ns - track.motion.last_ns
            <= (settings.max_gap_ns if self._established(track) else settings.confirm_within_ns)
        ]
        affine = self._camera_motion(observation) if self._camera_motion else None
        if affine is not None:
            for track in self._tracks:
                track.motion.shift(affine)
        # A face proves a person, whatever the detector's score.
        with_face = np.array([face is not None for face in observation.faces], bool)
        if observation.with_face is not None:
            with_face |= observation.with_face
        scores = np.where(with_face, np.float32(1), observation.scores)
        matched: dict[int, _BoxTrack] = {}
        for index, row in self._pairs(stamp_ns, observation, scores):
            matched[row] = self._tracks[index]
            matched[row].motion.update(stamp_ns, observation.boxes[row])
        for row in np.flatnonzero(scores >= settings.likely_score).tolist():
            if row not in matched:
                matched[row] = _BoxTrack(self._next_key, stamp_ns, observation.boxes[row])
                self._next_key += 1
                self._tracks.append(matched[row])
        keys = np.full(len(observation), -1, np.int64)
        for row, track in matched.items():
            track.evidence += settings.min_evidence if scores[row] >= settings.sure_score else float(scores[row])
            track.last_frame = self._frame
            body = observation.body(row) if scores[row] >= settings.likely_score else None
            track.appearance.add(observation.embedding(row), body)
            if self._established(track):
                keys[row] = track.key
        return keys

    def began(self, key: int) -> tuple[int, np.ndarray] | None:
        """See :class:`Tracker`."""
        return next(((track.first_ns, track.first_box) for track in self._tracks if track.key == key), None)

    def _established(self, track: _BoxTrack) -> bool:
        return track.evidence >= self._settings.min_evidence

    def _pairs(self, stamp_ns: int, observation: Observation, scores: np.ndarray) -> list[tuple[int, int]]:
        """Match tracks and rows: ``(index of the track, row)``."""
        if not self._tracks or not len(observation):
            return []
        settings, boxes = self._settings, observation.boxes
        appearances = [track.appearance for track in self._tracks]
        predicted = np.stack([track.motion.predicted(stamp_ns) for track in self._tracks])
        unseen_s = np.array([stamp_ns - track.motion.last_ns for track in self._tracks]) / SECOND_NS
        missed = np.array([self._frame - track.last_frame - 1 for track in self._tracks])
        overlap = _widened_iou(predicted, boxes, settings.widening * (1 - np.exp(-unseen_s / _WIDENING_S))) * scores
        overlap *= height_iou(predicted, boxes) ** np.float32(_HEIGHT_POWER)
        faces = face_similarities(appearances, [observation.embedding(row) for row in range(len(boxes))])
        bodies = body_similarities(appearances, observation.bodies, len(boxes))
        # NaN, where either side has none, compares as false.
        same_face, different = faces >= self._threshold, faces < self._veto
        if bodies is not None:
            different |= ~same_face & (bodies < 1 - settings.appearance_veto * (1 - self._body_threshold))
        fresh = (missed == 0)[:, None]
        established = np.array([self._established(track) for track in self._tracks])[:, None]
        likely, sure = scores >= settings.likely_score, scores >= settings.sure_score
        # The more frames missed a person, the likelier another one is in that place.
        min_iou = np.minimum(settings.min_iou_lost + settings.lost_iou_step * (missed + 1), settings.max_lost_iou)
        by_place = (overlap >= np.where(fresh, settings.min_iou, min_iou[:, None])) & ~different
        by_appearance = by_place
        weight = 1e-3 + _FRESH_BONUS * fresh + overlap + same_face
        if bodies is not None:
            weight = weight + np.where(np.isnan(bodies), 0, bodies)
            by_body = (bodies >= self._body_threshold) & ~fresh & ~different
            part = settings.appearance_widening * (1 - np.exp(-unseen_s / _BODY_WIDENING_S))
            by_appearance = by_place | by_body & (_widened_iou(predicted, boxes, part) > settings.min_iou_lost)
        # Computed in turn, because mostly the first one leaves nothing unmatched.
        turns: tuple[Callable[[], Scores], ...] = (
            lambda: (weight, by_appearance & likely & established),
            lambda: (weight, same_face),
            lambda: self._unlikely(predicted, boxes, ~likely & fresh & established & ~different),
            lambda: (weight, (overlap >= settings.min_iou_new) & ~different & ~established),
            lambda: self._far(predicted, boxes, unseen_s, fresh & established & sure & ~different),
        )
        pairs: list[tuple[int, int]] = []
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

    def _unlikely(self, predicted: np.ndarray, boxes: np.ndarray, allowed: np.ndarray) -> Scores:
        """Scores and allowed pairs of boxes that are hardly persons, at the predicted place of a track."""
        overlap = iou(predicted, boxes)
        return overlap, allowed & (overlap >= self._settings.min_iou_unlikely)

    def _far(self, predicted: np.ndarray, boxes: np.ndarray, unseen_s: np.ndarray, allowed: np.ndarray) -> Scores:
        """Scores and allowed pairs over a long way, for low frame rates."""
        part = self._settings.far_widening * (1 - np.exp(-unseen_s / _WIDENING_S))
        overlap = _widened_iou(predicted, boxes, part)
        return overlap, allowed & (overlap >= self._settings.min_iou_far)


def _widened_iou(predicted: np.ndarray, boxes: np.ndarray, part: np.ndarray) -> np.ndarray:
    """IoU of boxes, each pair widened by the ``part`` of its track, ``(tracks,)``; ``(tracks, rows)`` float32."""
    overlap = np.empty((len(predicted), len(boxes)), np.float32)
    for value in set(part.tolist()):  # mostly all are the same
        tracks = part == value
        overlap[tracks] = iou(widened(predicted[tracks], value), widened(boxes, value))
    return overlap
