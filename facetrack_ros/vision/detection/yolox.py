"""YOLOX person detector on onnxruntime."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from facetrack_ros.core.detections import Detections
from facetrack_ros.core.image import as_bgr
from facetrack_ros.errors import ModelError
from facetrack_ros.models.contract import ModelContract
from facetrack_ros.vision.detection.postprocess import persons_of
from facetrack_ros.vision.inference.letterbox import Letterbox, Placement, alike
from facetrack_ros.vision.inference.onnx_session import OnnxSession

PERSON = 0  # of COCO's 80 classes
STRIDES = (8, 16, 32)
#: Input sizes whose cells are not counted anew for each picture.
SIZES_KEPT = 8
#: Twice as wide as high: whether a graph takes an input that is no square is tried on it.
FLAT = np.zeros((8, 16, 3), np.uint8)


class YoloxPersonDetector:
    """Persons by YOLOX (Ge et al., 2021), any of its sizes, as exported without decoding.

    Like YOLOX's own training it fills what a picture leaves of a square with grey, but no more of it than the network's cells
    ask for: a picture of 16:9 takes three fifths of the time.

    :param path: the ``.onnx`` file, ``contract.input_size`` its input; a picture's longer side fills it.
    :param score: lowest confidence kept, 0..1; ``min_score``, which may be changed.
    :param max_iou: two boxes that overlap more are one person.
    :param threads: onnxruntime threads.
    :raises ModelError: the file is no such graph.
    """

    def __init__(self, path: Path, contract: ModelContract, score: float = 0.4, max_iou: float = 0.5, threads: int = 1):
        self.model_id = contract.id
        self._letterbox = Letterbox.of(contract)
        self.min_score = score
        self._max_iou = max_iou
        self._grid = lru_cache(SIZES_KEPT)(anchor_grid)
        self._session = OnnxSession(path, threads, open_size=True)
        self._shrinks = True
        try:
            self._answers([FLAT])
        except ModelError:  # something in it was counted out for one size
            self._session, self._shrinks = OnnxSession(path, threads), False
            self._answers([FLAT])

    def detect(self, images: Sequence[np.ndarray]) -> list[Detections]:
        """Persons in each picture, best first; those of one shape in one call where the graph leaves its batch open.

        :raises FrameError: one of them is no picture.
        """
        images = [as_bgr(image) for image in images]
        return [self._persons(*answer) for answer in self._answers(images)]

    def reduction(self, width: int, height: int) -> int:
        """How much smaller a picture of this size may be decoded for it, see :meth:`.Letterbox.reduction`."""
        return self._letterbox.reduction(width, height)

    def _answers(self, images: list[np.ndarray]) -> list[tuple]:
        boxes = [
            self._letterbox.shrunk(image.shape[1], image.shape[0], STRIDES[-1]) if self._shrinks else self._letterbox
            for image in images
        ]
        answers: dict[int, tuple] = {}
        for letterbox, rows in alike(boxes):
            blob, placements = letterbox.blob([images[row] for row in rows])
            grid = self._grid(letterbox.size)
            outputs = self._session.run_named(blob, [next(iter(self._session.output_shapes))])[0]
            if outputs.ndim != 3 or outputs.shape[1] != len(grid[0]) or outputs.shape[2] < 6:
                raise ModelError(
                    f"{self.model_id} is read from no undecoded YOLOX graph: its output has shape {outputs.shape}, "
                    f"expected (1, {len(grid[0])}, 85)"
                )
            answers.update(
                (row, (output, grid, placement, images[row].shape))
                for row, output, placement in zip(rows, outputs, placements)
            )
        return [answers[row] for row in range(len(images))]

    def _persons(
        self, rows: np.ndarray, grid: tuple[np.ndarray, np.ndarray], placement: Placement, shape: tuple[int, ...]
    ) -> Detections:
        scores = rows[:, 4] * rows[:, 5 + PERSON]
        likely = np.flatnonzero(scores >= self.min_score)  # a score that is not a number is not among them
        boxes = decode(rows[likely], *(each[likely] for each in grid))
        return persons_of(placement.to_picture(boxes), scores[likely], shape, self._max_iou, self.model_id)


def anchor_grid(size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
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
