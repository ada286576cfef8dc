"""NanoDet person detector on onnxruntime."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from facetrack_ros.core.detections import Detections
from facetrack_ros.core.image import as_bgr
from facetrack_ros.errors import ModelError
from facetrack_ros.models.contract import ModelContract
from facetrack_ros.vision.detection.postprocess import select_persons
from facetrack_ros.vision.inference.anchors import STRIDES, anchor_grid
from facetrack_ros.vision.inference.letterbox import Letterbox, Placement
from facetrack_ros.vision.inference.onnx_session import OnnxSession
from facetrack_ros.vision.interfaces import PersonDetector

PERSON = 0  # of COCO's 80 classes
CLASSES = 80
SIDES = 4


class NanodetPersonDetector(PersonDetector):
    """Persons by NanoDet: each side of a box is predicted as a distribution (Li et al., Generalized Focal Loss, 2020).

    Such a graph has two outputs a stride: class scores ``(1, cells, 80)``, and for the four sides of the box
    ``(1, cells, 4 * bins)`` logits over their distance from the cell's centre, in strides. They are identified by their
    shapes, since exporters order them differently.

    :param path: the ``.onnx`` file; its input is ``contract.input_size``.
    :param score: lowest confidence kept, 0..1; ``min_score``, which may be set.
    :param max_iou: of two boxes that overlap more the lower score is dropped.
    :param threads: onnxruntime threads.
    :raises ModelError: the file is no such graph.
    """

    def __init__(self, path: Path, contract: ModelContract, score: float = 0.4, max_iou: float = 0.5, threads: int = 1):
        self.model_id = contract.id
        self.min_score = score
        self._session = OnnxSession(path, threads)
        self._letterbox = Letterbox.of(contract, grey=0.0)  # NanoDet's training pads with black
        self._max_iou = max_iou
        self._names = _output_names(path, self._session.output_shapes, contract.input_size)
        cells, self._strides = anchor_grid(contract.input_size)
        self._centres = (cells + 0.5) * self._strides
        self.detect([np.zeros((8, 8, 3), np.uint8)])

    def detect(self, images: Sequence[np.ndarray]) -> list[Detections]:
        """Persons in each image, best first; in one call where the graph leaves its batch open.

        :raises FrameError: one of them is no image.
        """
        if not len(images):
            return []
        images = [as_bgr(image) for image in images]
        blob, placements = self._letterbox.blob(images)
        outputs = self._session.run_named(blob, self._names)
        return [
            self._persons([output[row] for output in outputs], placements[row], image.shape)
            for row, image in enumerate(images)
        ]

    def reduction(self, width: int, height: int) -> int:
        """Factor by which an image of this size may be decoded smaller, see :meth:`.Letterbox.reduction`."""
        return self._letterbox.reduction(width, height)

    def _persons(self, outputs: list[np.ndarray], placement: Placement, shape: tuple[int, ...]) -> Detections:
        scores = np.concatenate([classes[:, PERSON] for classes in outputs[0::2]])
        likely = np.flatnonzero(scores >= self.min_score)  # drops NaN, too
        starts = np.cumsum([0] + [len(sides) for sides in outputs[1::2]])
        logits = np.concatenate(
            [
                sides[likely[(likely >= start) & (likely < start + len(sides))] - start]
                for start, sides in zip(starts, outputs[1::2])
            ]
        )
        boxes = decode_distributions(logits, self._centres[likely], self._strides[likely])
        return select_persons(placement.to_picture(boxes), scores[likely], shape, self._max_iou, self.model_id)


def _output_names(path: Path, shapes: dict[str, tuple], size: tuple[int, int]) -> list[str]:
    """Names of class scores and sides, stride by stride.

    :raises ModelError: the graph has other outputs.
    """
    names = []
    for stride in STRIDES:
        cells = (size[0] // stride) * (size[1] // stride)
        widths = {name: shape[2] for name, shape in shapes.items() if len(shape) == 3 and shape[1] == cells}
        classes = [name for name, width in widths.items() if width == CLASSES]
        sides = [
            name
            for name, width in widths.items()
            if isinstance(width, int) and width != CLASSES and width % SIDES == 0 and width > SIDES
        ]
        if len(classes) != 1 or len(sides) != 1:
            raise ModelError(
                f"{path} is no NanoDet graph: for stride {stride} it needs the outputs (1, {cells}, {CLASSES}) "
                f"and (1, {cells}, 32), it has {', '.join(map(str, shapes.values()))}"
            )
        names += [classes[0], sides[0]]
    return names


def decode_distributions(logits: np.ndarray, centres: np.ndarray, strides: np.ndarray) -> np.ndarray:
    """Boxes ``(n, 4)`` in input pixels: each side lies at the mean of its distribution.

    :param logits: ``(n, 4 * bins)``: left, top, right, bottom.
    :param centres: ``(n, 2)`` of the cells, input pixels; ``strides``: ``(n, 1)``.
    """
    logits = logits.reshape(len(logits), SIDES, logits.shape[1] // SIDES).astype(np.float32)
    weights = np.exp(logits - logits.max(axis=2, keepdims=True))
    distance = weights @ np.arange(logits.shape[2], dtype=np.float32) / weights.sum(axis=2) * strides
    return np.concatenate([centres - distance[:, :2], centres + distance[:, 2:]], axis=1).astype(np.float32)
