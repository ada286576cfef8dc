"""Boxes at the picture's side edges that the detector is hardly sure of, kept apart from the persons it is sure of."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from facetrack_ros.core.detections import Detections
from facetrack_ros.vision.interfaces import PersonDetector

# A box that ends so close to the edge, in parts of the picture's width, ends at it.
_AT_EDGE = 0.005


class LowScoreEdgeDetector(PersonDetector):
    """Divides what a detector finds at a score.

    Below it only boxes at the left or right edge are kept: there somebody who comes or goes is half seen. Elsewhere in the
    picture such a box is mostly no person (all three of those that tracking would have used on TUD-Campus were none).

    :param persons: the person detector, asked for boxes of a low score too.
    :param score: from here on a box counts as a person; those below are handed on as ``Detections.low_score_edge_boxes``.
    """

    def __init__(self, persons: PersonDetector, score: float):
        self.model_id = persons.model_id
        #: From here on a box counts as a person; may be set.
        self.min_score = score
        self.batches = persons.batches
        self._persons = persons

    def reduction(self, width: int, height: int) -> int:
        """How much smaller a picture of this size may be decoded; see :class:`.interfaces.PersonDetector`."""
        return self._persons.reduction(width, height)

    def detect(self, images: Sequence[np.ndarray]) -> list[Detections]:
        """Persons in each picture.

        :raises FrameError: one of them is no picture.
        """
        return [self._divided(found, image.shape[1]) for found, image in zip(self._persons.detect(images), images)]

    def _divided(self, found: Detections, width: int) -> Detections:
        sure = found.scores >= np.float32(self.min_score)
        margin = max(1.0, _AT_EDGE * width)
        at_edge = (found.boxes[:, 0] <= margin) | (found.boxes[:, 2] >= width - margin)
        return replace(
            found, boxes=found.boxes[sure], scores=found.scores[sure], low_score_edge_boxes=found.boxes[~sure & at_edge]
        )
