"""Persons and tracks as ``vision_msgs`` and back. The optional package's message classes are arguments."""

import math
from collections.abc import Iterable
from types import ModuleType
from typing import Any

import numpy as np

from facetrack_ros import msg
from facetrack_ros.core.detections import Detections
from facetrack_ros.core.track import TrackState

#: Class id of all detections.
PERSON = "person"


def detections_array(kinds: ModuleType, message: msg.Detections) -> object:
    """The persons found in a frame, without ids, as a ``Detection2DArray``.

    :param kinds: ``vision_msgs.msg``.
    """
    return _array(kinds, message, ((found.bbox, found.confidence, "") for found in message.detections))


def tracks_array(kinds: ModuleType, message: msg.Tracks) -> object:
    """The tracks seen in a frame, with track ids, which are stable within one camera."""
    seen = (track for track in message.tracks if track.state == TrackState.TRACKING)
    return _array(kinds, message, ((track.bbox, track.confidence, track.track_id) for track in seen))


def persons_array(kinds: ModuleType, message: msg.Tracks) -> object:
    """The persons seen in a frame, with person ids, which are stable over cameras, visits and robots."""
    seen = (track for track in message.tracks if track.state == TrackState.TRACKING and track.person_id)
    return _array(kinds, message, ((track.bbox, track.confidence, track.person_id) for track in seen))


def _array(kinds: ModuleType, message: msg.Detections | msg.Tracks, rows: Iterable[tuple]) -> object:
    array, detections = kinds.Detection2DArray(), []
    for box, score, name in rows:
        x1, y1, x2, y2 = (float(value) for value in box)
        detection, result = kinds.Detection2D(), kinds.ObjectHypothesisWithPose()
        detection.header, detection.id = message.header, name
        detection.bbox.center.position.x, detection.bbox.center.position.y = (x1 + x2) / 2, (y1 + y2) / 2
        detection.bbox.size_x, detection.bbox.size_y = x2 - x1, y2 - y1
        result.hypothesis.class_id, result.hypothesis.score = PERSON, float(score)
        detection.results = [result]
        detections.append(detection)
    array.header, array.detections = message.header, detections
    return array


def persons_of(array: Any, classes: frozenset[str], min_score: float, model_id: str) -> Detections:
    """The persons in another detector's ``Detection2DArray``; empty and infinite boxes are dropped.

    A rotated box is replaced by its axis-aligned bounding box.

    :param classes: class ids that are persons.
    :param min_score: lowest score that counts.
    """
    boxes, scores = [], []
    for detection in array.detections:
        hypotheses = (result.hypothesis for result in detection.results)
        score = max((float(each.score) for each in hypotheses if each.class_id in classes), default=-math.inf)
        box = detection.bbox
        turn, width, height = box.center.theta, box.size_x, box.size_y
        half_x = (abs(width * math.cos(turn)) + abs(height * math.sin(turn))) / 2
        half_y = (abs(width * math.sin(turn)) + abs(height * math.cos(turn))) / 2
        x, y = box.center.position.x, box.center.position.y
        if score >= min_score and math.isfinite(x + y + half_x + half_y) and half_x > 0 and half_y > 0:
            boxes.append((x - half_x, y - half_y, x + half_x, y + half_y))
            scores.append(min(score, 1.0))
    return Detections(np.array(boxes, np.float32).reshape(-1, 4), np.array(scores, np.float32), model_id)
