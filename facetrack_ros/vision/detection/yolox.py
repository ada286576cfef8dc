"""YOLOX person detector on onnxruntime."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from facetrack_ros.core.detections import Detections
from facetrack_ros.core.image import as_bgr
from facetrack_ros.errors import ModelError
from facetrack_ros.models.contract import ModelContract
from facetrack_ros.vision.detection.postprocess import select_persons
from facetrack_ros.vision.inference.anchors import STRIDES, anchor_grid, decode
from facetrack_ros.vision.inference.letterbox import Letterbox, Placement, group_equal
from facetrack_ros.vision.inference.onnx_session import OnnxSession
from facetrack_ros.vision.interfaces import PersonDetector

PERSON = 0  # of COCO's 80 classes
#: Input sizes whose cell grids are cached.
GRIDS_CACHED = 8
#: Twice as wide as high: tests whether the graph takes an input that is not square.
WIDE_IMAGE = np.zeros((8, 16, 3), np.uint8)


class YoloxPersonDetector(PersonDetector):
    """Persons by YOLOX (Ge et al., 2021), any of its sizes, as exported without decoding.

    The input is padded with grey as in YOLOX's training, but only up to whole cells of the largest stride and not to a
    square: a 16:9 image takes three fifths of the time.

    :param path: the ``.onnx`` file; the longer side of an image fills the input of ``contract.input_size``.
    :param score: lowest confidence kept, 0..1; ``min_score``, which may be set.
    :param max_iou: of two boxes that overlap more the lower score is dropped.
    :param threads: onnxruntime threads.
    :raises ModelError: the file is no such graph.
    """

    def __init__(self, path: Path, contract: ModelContract, score: float = 0.4, max_iou: float = 0.5, threads: int = 1):
        self.model_id = contract.id
        self.min_score = score
        self._letterbox = Letterbox.of(contract)
        self._max_iou = max_iou
        self._grid = lru_cache(GRIDS_CACHED)(anchor_grid)
        self._session = OnnxSession(path, threads, dynamic_size=True)
        self._shrinks = True
        try:
            self._outputs([WIDE_IMAGE])
        except ModelError:  # the graph has shapes computed for its declared size
            self._session, self._shrinks = OnnxSession(path, threads), False
            self._outputs([WIDE_IMAGE])

    def detect(self, images: Sequence[np.ndarray]) -> list[Detections]:
        """Persons in each image, best first; images of one shape in one call where the graph leaves its batch open.

        :raises FrameError: one of them is no image.
        """
        return [self._persons(*output) for output in self._outputs([as_bgr(image) for image in images])]

    def reduction(self, width: int, height: int) -> int:
        """Factor by which an image of this size may be decoded smaller, see :meth:`.Letterbox.reduction`."""
        return self._letterbox.reduction(width, height)

    def _outputs(self, images: list[np.ndarray]) -> list[tuple]:
        """Arguments of :meth:`_persons` for each image."""
        letterboxes = [
            self._letterbox.shrunk(image.shape[1], image.shape[0], STRIDES[-1]) if self._shrinks else self._letterbox
            for image in images
        ]
        found: dict[int, tuple] = {}
        for letterbox, rows in group_equal(letterboxes):
            blob, placements = letterbox.blob([images[row] for row in rows])
            grid = self._grid(letterbox.size)
            outputs = self._session.run_named(blob, [next(iter(self._session.output_shapes))])[0]
            if outputs.ndim != 3 or outputs.shape[1] != len(grid[0]) or outputs.shape[2] < 6:
                raise ModelError(
                    f"the file of {self.model_id} is no undecoded YOLOX graph: its output has shape {outputs.shape}, "
                    f"expected (1, {len(grid[0])}, 85)"
                )
            for row, output, placement in zip(rows, outputs, placements):
                found[row] = (output, grid, placement, images[row].shape)
        return [found[row] for row in range(len(images))]

    def _persons(
        self, rows: np.ndarray, grid: tuple[np.ndarray, np.ndarray], placement: Placement, shape: tuple[int, ...]
    ) -> Detections:
        scores = rows[:, 4] * rows[:, 5 + PERSON]
        likely = np.flatnonzero(scores >= self.min_score)  # drops NaN, too
        boxes = decode(rows[likely], *(each[likely] for each in grid))
        return select_persons(placement.to_picture(boxes), scores[likely], shape, self._max_iou, self.model_id)
