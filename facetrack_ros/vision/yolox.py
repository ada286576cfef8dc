"""YOLOX person detector on onnxruntime."""

from pathlib import Path
from typing import Sequence

import cv2
import numpy as np

from facetrack_ros.errors import ModelError
from facetrack_ros.vision.boxes import clip, suppress
from facetrack_ros.vision.contract import ModelContract
from facetrack_ros.vision.detections import Detections
from facetrack_ros.vision.onnx_session import OnnxSession
from facetrack_ros.vision.picture import as_bgr

PERSON = 0  # of COCO's 80 classes
STRIDES = (8, 16, 32)


class YoloxPersonDetector:
    """Persons by YOLOX (Ge et al., 2021), any of its sizes, as exported without decoding.

    :param path: the ``.onnx`` file, ``contract.input_size`` its input.
    :param score: lowest confidence kept, 0..1.
    :param max_iou: two boxes that overlap more are one person.
    :param threads: onnxruntime threads.
    :raises ModelError: the file is no such graph.
    """

    def __init__(self, path: Path, contract: ModelContract, score: float = 0.4, max_iou: float = 0.5, threads: int = 1):
        self.model_id = contract.id
        self._session = OnnxSession(path, threads)
        self._size = contract.input_size
        self._score = score
        self._max_iou = max_iou
        self._grid, self._stride = anchor_grid(self._size)
        probe = self._session.run(np.zeros((1, 3, self._size[1], self._size[0]), np.float32))
        if probe.ndim != 3 or probe.shape[1] != len(self._grid) or probe.shape[2] < 6:
            raise ModelError(f"{path} is no undecoded YOLOX graph: its output has shape {probe.shape}, "
                             f"expected (1, {len(self._grid)}, 85)")

    def detect(self, images: Sequence[np.ndarray]) -> "list[Detections]":
        """Persons in each picture, best first. The graph takes one picture at a time.

        :raises FrameError: one of them is no picture.
        """
        return [self._detect(as_bgr(image)) for image in images]

    def _detect(self, image: np.ndarray) -> Detections:
        height, width = image.shape[:2]
        canvas, scale = letterbox(image, self._size)
        blob = np.ascontiguousarray(canvas.transpose(2, 0, 1)[None], np.float32)
        boxes, scores = decode(self._session.run(blob)[0], self._grid, self._stride)
        likely = scores >= self._score
        boxes, scores = boxes[likely] / scale, scores[likely]
        keep = suppress(boxes, scores, self._max_iou)
        return Detections(clip(boxes[keep], width, height), scores[keep], self.model_id)


def letterbox(image: np.ndarray, size: "tuple[int, int]") -> "tuple[np.ndarray, float]":
    """The picture scaled to fit ``size`` (width, height), top left on grey 114, and the scale."""
    height, width = image.shape[:2]
    scale = min(size[0] / width, size[1] / height)
    inner = (min(size[0], max(1, round(width * scale))), min(size[1], max(1, round(height * scale))))
    canvas = np.full((size[1], size[0], 3), 114, np.uint8)
    canvas[:inner[1], :inner[0]] = cv2.resize(image, inner, interpolation=cv2.INTER_LINEAR)
    return canvas, scale


def anchor_grid(size: "tuple[int, int]") -> "tuple[np.ndarray, np.ndarray]":
    """Cell corners ``(n, 2)`` in cells and strides ``(n, 1)`` in pixels, in the order of the graph's rows."""
    cells, strides = [], []
    for stride in STRIDES:
        columns, rows = size[0] // stride, size[1] // stride
        xs, ys = np.meshgrid(np.arange(columns), np.arange(rows))
        cells.append(np.stack([xs.ravel(), ys.ravel()], axis=1))
        strides.append(np.full((columns * rows, 1), stride))
    return np.concatenate(cells).astype(np.float32), np.concatenate(strides).astype(np.float32)


def decode(rows: np.ndarray, grid: np.ndarray, stride: np.ndarray) -> "tuple[np.ndarray, np.ndarray]":
    """Person boxes ``(n, 4)`` in input pixels and scores ``(n,)`` from raw rows ``(n, 5 + classes)``."""
    centre = (rows[:, :2] + grid) * stride
    half = np.exp(np.minimum(rows[:, 2:4], 10.0)) * stride / 2  # e^10 cells: no box, only no overflow either
    boxes = np.concatenate([centre - half, centre + half], axis=1).astype(np.float32)
    return boxes, (rows[:, 4] * rows[:, 5 + PERSON]).astype(np.float32)
