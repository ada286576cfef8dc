"""Person detector that reports boxes of a low score at the picture's edges apart from the persons."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from facetrack_ros.core.detections import Detections
from facetrack_ros.vision.interfaces import PersonDetector

#: Distance from the edge within which a box ends at it, as part of the image's width or height. Chosen by hand.
EDGE_MARGIN = 0.005


class LowScoreEdgeDetector(PersonDetector):
    """Splits a detector's boxes at a score.

    Below it only boxes at an edge are kept, where a person who enters or leaves is half visible: at the sides, at the
    lower edge where people come close, at the upper one if the camera looks down. Elsewhere such a box is mostly no
    person (all three of those that tracking would have used on TUD-Campus were none).

    :param persons: has a lower ``min_score``.
    :param score: a box counts as a person from here; those below become ``Detections.low_score_edge_boxes``. It is
        ``min_score``, which may be set.
    """

    def __init__(self, persons: PersonDetector, score: float):
        self.model_id = persons.model_id
        self.min_score = score
        self.batches = persons.batches
        self._persons = persons

    def reduction(self, width: int, height: int) -> int:
        """Factor by which an image of this size may be decoded smaller, see :meth:`.PersonDetector.reduction`."""
        return self._persons.reduction(width, height)

    def detect(self, images: Sequence[np.ndarray]) -> list[Detections]:
        """Persons in each image."""
        return [self._split(found, *image.shape[:2]) for found, image in zip(self._persons.detect(images), images)]

    def _split(self, found: Detections, height: int, width: int) -> Detections:
        boxes, persons = found.boxes, found.scores >= np.float32(self.min_score)
        size = np.array([width, height], np.float32)
        margin = np.maximum(1.0, EDGE_MARGIN * size)
        edge = ~persons & ((boxes[:, :2] <= margin) | (boxes[:, 2:] >= size - margin)).any(axis=1)
        return replace(found, boxes=boxes[persons], scores=found.scores[persons], low_score_edge_boxes=boxes[edge])
