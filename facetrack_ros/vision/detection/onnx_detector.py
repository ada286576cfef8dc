"""Base of the person detectors on onnxruntime."""

from abc import abstractmethod
from collections.abc import Sequence

import numpy as np

from facetrack_ros.core.detections import Detections
from facetrack_ros.core.image import as_bgr
from facetrack_ros.models.contract import ModelContract
from facetrack_ros.vision.detection.postprocess import select_persons
from facetrack_ros.vision.inference.letterbox import Letterbox, group_equal
from facetrack_ros.vision.interfaces import PersonDetector

PERSON = 0  # of COCO's 80 classes


class OnnxPersonDetector(PersonDetector):
    """Letterboxes images, runs a graph, decodes its boxes and drops duplicates.

    :param score: lowest confidence kept, 0..1; ``min_score``, which may be set.
    :param max_iou: of two boxes that overlap more the lower score is dropped.
    """

    def __init__(self, contract: ModelContract, score: float, max_iou: float):
        self.model_id = contract.id
        self.min_score: float = score
        self._max_iou = max_iou

    def detect(self, images: Sequence[np.ndarray]) -> list[Detections]:
        """Persons in each image, best first; images of equal inputs in one call where the batch is open."""
        images = [as_bgr(image) for image in images]
        found: dict[int, Detections] = {}
        for letterbox, rows in group_equal([self._letterbox_for(image.shape) for image in images]):
            blob, placements = letterbox.blob([images[row] for row in rows])
            outputs = self._run(blob)
            for number, (row, placement) in enumerate(zip(rows, placements)):
                boxes, scores = self._decode([output[number] for output in outputs], letterbox.size)
                boxes = placement.to_picture(boxes)
                found[row] = select_persons(boxes, scores, images[row].shape, self._max_iou, self.model_id)
        return [found[row] for row in range(len(images))]

    def reduction(self, width: int, height: int) -> int:
        """Factor by which an image of this size may be decoded smaller, see :meth:`.Letterbox.reduction`."""
        return self._letterbox_for((height, width)).reduction(width, height)

    @abstractmethod
    def _letterbox_for(self, shape: tuple[int, ...]) -> Letterbox:
        """The input for an image of ``shape``."""

    @abstractmethod
    def _run(self, blob: np.ndarray) -> list[np.ndarray]:
        """The graph's outputs, each with a row per image."""

    @abstractmethod
    def _decode(self, outputs: list[np.ndarray], size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
        """Boxes ``(n, 4)`` in input pixels and scores ``(n,)`` from ``min_score`` up, of one image.

        :param size: ``(width, height)`` of the input.
        """
