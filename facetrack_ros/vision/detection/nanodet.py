"""NanoDet person detector on onnxruntime."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from facetrack_ros.core.detections import Detections
from facetrack_ros.core.image import as_bgr
from facetrack_ros.errors import ModelError
from facetrack_ros.models.contract import ModelContract
from facetrack_ros.vision.detection.postprocess import persons_of
from facetrack_ros.vision.inference.letterbox import Letterbox, Placement
from facetrack_ros.vision.inference.onnx_session import OnnxSession

PERSON = 0  # of COCO's 80 classes
CLASSES = 80
STRIDES = (8, 16, 32)
SIDES = 4


class NanodetPersonDetector:
    """Persons by NanoDet, which predicts each side of a box as a distribution (Li et al., Generalized Focal Loss, 2020).

    A graph of this kind has a pair of outputs a stride: class scores ``(1, cells, 80)``, and for the four sides
    of the box ``(1, cells, 4 * bins)`` logits over their distance from the cell's centre, in strides. Pairs are found
    by their shapes, since the order of outputs differs between exporters.

    :param path: the ``.onnx`` file, ``contract.input_size`` its input.
    :param score: lowest confidence kept, 0..1; ``min_score``, which may be changed.
    :param max_iou: two boxes that overlap more are one person.
    :param threads: onnxruntime threads.
    :raises ModelError: the file is no such graph.
    """

    def __init__(self, path: Path, contract: ModelContract, score: float = 0.4, max_iou: float = 0.5, threads: int = 1):
        self.model_id = contract.id
        self._session = OnnxSession(path, threads)
        self._letterbox = Letterbox.of(contract, grey=0.0)  # as NanoDet's own training fills borders
        self.min_score = score
        self._max_iou = max_iou
        self._names = _paired_outputs(path, self._session.output_shapes, contract.input_size)
        self._centres, self._stride = anchor_centres(contract.input_size)
        self._persons(*self._run([np.zeros((8, 8, 3), np.uint8)])[0])

    def detect(self, images: Sequence[np.ndarray]) -> list[Detections]:
        """Persons in each picture, best first; in one call where the graph leaves its batch open.

        :raises FrameError: one of them is no picture.
        """
        images = [as_bgr(image) for image in images]
        return [self._persons(*answer) for answer in self._run(images)] if images else []

    def reduction(self, width: int, height: int) -> int:
        """How much smaller a picture of this size may be decoded for it, see :meth:`.Letterbox.reduction`."""
        return self._letterbox.reduction(width, height)

    def _run(self, images: list[np.ndarray]) -> list[tuple]:
        blob, placements = self._letterbox.blob(images)
        outputs = self._session.run_named(blob, self._names)
        return [([output[row] for output in outputs], placements[row], image.shape) for row, image in enumerate(images)]

    def _persons(self, outputs: list[np.ndarray], placement: Placement, shape: tuple[int, ...]) -> Detections:
        scores = np.concatenate([classes[:, PERSON] for classes in outputs[0::2]])
        likely = np.flatnonzero(scores >= self.min_score)  # a score that is not a number is not among them
        logits = np.concatenate(
            [
                sides[likely[(likely >= start) & (likely < start + len(sides))] - start]
                for start, sides in zip(np.cumsum([0] + [len(sides) for sides in outputs[1::2]]), outputs[1::2])
            ]
        )
        boxes = decode(logits, self._centres[likely], self._stride[likely])
        return persons_of(placement.to_picture(boxes), scores[likely], shape, self._max_iou, self.model_id)


def _paired_outputs(path: Path, shapes: dict[str, tuple], size: tuple[int, int]) -> list[str]:
    """Names of class scores and sides, stride by stride.

    :raises ModelError: the outputs are others.
    """
    names = []
    for stride in STRIDES:
        cells = (size[0] // stride) * (size[1] // stride)
        here = {name: shape for name, shape in shapes.items() if len(shape) == 3 and shape[1] == cells}
        classes = [name for name, shape in here.items() if shape[2] == CLASSES]
        sides = [
            name
            for name, shape in here.items()
            if isinstance(shape[2], int) and shape[2] != CLASSES and shape[2] % SIDES == 0 and shape[2] > SIDES
        ]
        if len(classes) != 1 or len(sides) != 1:
            raise ModelError(
                f"{path} is no NanoDet graph: for stride {stride} it needs the outputs (1, {cells}, {CLASSES}) "
                f"and (1, {cells}, 32), it has {', '.join(map(str, shapes.values()))}"
            )
        names += [classes[0], sides[0]]
    return names


def anchor_centres(size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Cell centres ``(n, 2)`` and strides ``(n, 1)`` in input pixels, in the order of the graph's rows."""
    centres, strides = [], []
    for stride in STRIDES:
        columns, rows = size[0] // stride, size[1] // stride
        xs, ys = np.meshgrid(np.arange(columns), np.arange(rows))
        centres.append(np.stack([xs.ravel(), ys.ravel()], axis=1) * stride + stride / 2)
        strides.append(np.full((columns * rows, 1), stride))
    return np.concatenate(centres).astype(np.float32), np.concatenate(strides).astype(np.float32)


def decode(logits: np.ndarray, centres: np.ndarray, stride: np.ndarray) -> np.ndarray:
    """Boxes ``(n, 4)`` in input pixels: each side lies at the mean of its distribution.

    :param logits: ``(n, 4 * bins)``: left, top, right, bottom.
    """
    logits = logits.reshape(len(logits), SIDES, logits.shape[1] // SIDES).astype(np.float32)
    weights = np.exp(logits - logits.max(axis=2, keepdims=True))
    distance = weights @ np.arange(logits.shape[2], dtype=np.float32) / weights.sum(axis=2) * stride
    return np.concatenate([centres - distance[:, :2], centres + distance[:, 2:]], axis=1).astype(np.float32)
