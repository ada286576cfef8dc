"""NanoDet person detector on onnxruntime."""

from pathlib import Path

import numpy as np

from facetrack_ros.errors import ModelError
from facetrack_ros.models.contract import ModelContract
from facetrack_ros.vision.detection.onnx_detector import PERSON, OnnxPersonDetector
from facetrack_ros.vision.inference.anchors import STRIDES, anchor_grid
from facetrack_ros.vision.inference.letterbox import Letterbox
from facetrack_ros.vision.inference.onnx_session import OnnxSession

CLASSES = 80
SIDES = 4


class NanodetPersonDetector(OnnxPersonDetector):
    """Persons by NanoDet: each side of a box is predicted as a distribution (Li et al., Generalized Focal Loss, 2020).

    Such a graph has two outputs a stride: class scores ``(1, cells, 80)``, and for the four sides of the box
    ``(1, cells, 4 * bins)`` logits over their distance from the cell's centre, in strides. They are identified by their
    shapes, since exporters order them differently.

    :raises ModelError: the file is no such graph.
    """

    def __init__(self, path: Path, contract: ModelContract, score: float = 0.4, max_iou: float = 0.5, threads: int = 1):
        super().__init__(contract, score, max_iou)
        self._session = OnnxSession(path, threads)
        self._letterbox = Letterbox.of(contract, grey=0.0)  # NanoDet's training pads with black
        self._names = _output_names(path, self._session.output_shapes, contract.input_size)
        cells, self._strides = anchor_grid(contract.input_size)
        self._centres = (cells + 0.5) * self._strides
        self.detect([np.zeros((8, 8, 3), np.uint8)])

    def _letterbox_for(self, shape: tuple[int, ...]) -> Letterbox:
        return self._letterbox

    def _run(self, blob: np.ndarray) -> list[np.ndarray]:
        return self._session.run_named(blob, self._names)

    def _decode(self, outputs: list[np.ndarray], size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
        scores = np.concatenate([classes[:, PERSON] for classes in outputs[0::2]])
        likely = np.flatnonzero(scores >= self.min_score)  # drops NaN, too
        starts = np.cumsum([0] + [len(sides) for sides in outputs[1::2]])
        logits = np.concatenate(
            [
                sides[likely[(likely >= start) & (likely < start + len(sides))] - start]
                for start, sides in zip(starts, outputs[1::2])
            ]
        )
        return decode_distributions(logits, self._centres[likely], self._strides[likely]), scores[likely]


def _output_names(path: Path, shapes: dict[str, tuple], size: tuple[int, int]) -> list[str]:
    """Names of class scores and sides, stride by stride."""
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
