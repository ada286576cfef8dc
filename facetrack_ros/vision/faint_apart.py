"""Persons the detector is hardly sure of, kept apart from those it is sure of."""

from dataclasses import replace
from typing import Sequence

import numpy as np

from facetrack_ros.vision.detections import Detections
from facetrack_ros.vision.protocols import PersonDetector


class FaintApartDetector:
    """Divides what a detector finds at a score.

    :param persons: the person detector, asked for boxes of a low score too.
    :param score: from here on a box counts as a person; those below are handed on as ``Detections.faint``.
    """

    def __init__(self, persons: PersonDetector, score: float):
        self.model_id = persons.model_id
        self._persons = persons
        self._score = score

    def detect(self, images: Sequence[np.ndarray]) -> "list[Detections]":
        """Persons in each picture.

        :raises FrameError: one of them is no picture.
        """
        return [self._divided(found) for found in self._persons.detect(images)]

    def _divided(self, found: Detections) -> Detections:
        sure = found.scores >= np.float32(self._score)
        return replace(found, boxes=found.boxes[sure], scores=found.scores[sure], faint=found.boxes[~sure])
