"""YOLOX person detector on onnxruntime."""

from pathlib import Path
from typing import Sequence

import numpy as np

from facetrack_ros.errors import ModelError
from facetrack_ros.vision.contract import ModelContract
from facetrack_ros.vision.detections import Detections
from facetrack_ros.vision.letterbox import Letterbox, Placement
from facetrack_ros.vision.onnx_session import OnnxSession
from facetrack_ros.vision.person_boxes import persons_of
from facetrack_ros.vision.picture import as_bgr

PERSON = 0  # of COCO's 80 classes
STRIDES = (8, 16, 32)


class YoloxPersonDetector:
    """Persons by YOLOX (Ge et al., 2021), any of its sizes, as exported without decoding.

    :param path: the ``.onnx`` file, ``contract.input_size`` its input.
    :param score: lowest confidence kept, 0..1; ``min_score``, which may be changed.
    :param max_iou: two boxes that overlap more are one person.
    :param threads: onnxruntime threads.
    :raises ModelError: the file is no such graph.
    """

    def __init__(self, path: Path, contract: ModelContract, score: float = 0.4, max_iou: float = 0.5, threads: int = 1):
        self.model_id = contract.id
        self._session = OnnxSession(path, threads)
        self._letterbox = Letterbox.of(contract)
        self.min_score = score
        self._max_iou = max_iou
        self._grid, self._stride = anchor_grid(contract.input_size)
        self._output = next(iter(self._session.output_shapes))
        probe = self._session.run_named(self._letterbox.blob([np.zeros((8, 8, 3), np.uint8)])[0], [self._output])[0]
        if probe.ndim != 3 or probe.shape[1] != len(self._grid) or probe.shape[2] < 6:
            raise ModelError(f"{path} is no undecoded YOLOX graph: its output has shape {probe.shape}, "
                             f"expected (1, {len(self._grid)}, 85)")

    def detect(self, images: Sequence[np.ndarray]) -> "list[Detections]":
        """Persons in each picture, best first; in one call where the graph leaves its batch open.

        :raises FrameError: one of them is no picture.
        """
        images = [as_bgr(image) for image in images]
        if not images:
            return []
        blob, placements = self._letterbox.blob(images)
        answers = self._session.run_named(blob, [self._output])[0]
        return [self._persons(rows, placement, image.shape) for rows, placement, image in zip(answers, placements, images)]

    def _persons(self, rows: np.ndarray, placement: Placement, shape: "tuple[int, ...]") -> Detections:
        scores = rows[:, 4] * rows[:, 5 + PERSON]
        likely = np.flatnonzero(scores >= self.min_score)  # a score that is not a number is not among them
        boxes = decode(rows[likely], self._grid[likely], self._stride[likely])
        return persons_of(placement.to_picture(boxes), scores[likely], shape, self._max_iou, self.model_id)


def anchor_grid(size: "tuple[int, int]") -> "tuple[np.ndarray, np.ndarray]":
    """Cell corners ``(n, 2)`` in cells and strides ``(n, 1)`` in pixels, in the order of the graph's rows."""
    cells, strides = [], []
    for stride in STRIDES:
        columns, rows = size[0] // stride, size[1] // stride
        xs, ys = np.meshgrid(np.arange(columns), np.arange(rows))
        cells.append(np.stack([xs.ravel(), ys.ravel()], axis=1))
        strides.append(np.full((columns * rows, 1), stride))
    return np.concatenate(cells).astype(np.float32), np.concatenate(strides).astype(np.float32)


def decode(rows: np.ndarray, grid: np.ndarray, stride: np.ndarray) -> np.ndarray:
    """Boxes ``(n, 4)`` in input pixels from raw rows ``(n, 4 or more)``, their cells ``(n, 2)`` and strides ``(n, 1)``."""
    centre = (rows[:, :2] + grid) * stride
    half = np.exp(np.minimum(rows[:, 2:4], 10.0)) * stride / 2  # e^10 cells: no box, only no overflow either
    return np.concatenate([centre - half, centre + half], axis=1).astype(np.float32)
