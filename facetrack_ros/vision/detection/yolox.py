"""YOLOX person detector on onnxruntime."""

from functools import lru_cache
from pathlib import Path

import numpy as np

from facetrack_ros.errors import ModelError
from facetrack_ros.models.contract import ModelContract
from facetrack_ros.vision.detection.onnx_detector import PERSON, OnnxPersonDetector
from facetrack_ros.vision.inference.anchors import STRIDES, anchor_grid, decode
from facetrack_ros.vision.inference.dynamic_input_shape import with_dynamic_input_shape
from facetrack_ros.vision.inference.letterbox import Letterbox
from facetrack_ros.vision.inference.onnx_session import OnnxSession

#: Input sizes whose cell grids are cached.
GRIDS_CACHED = 8
#: Twice as wide as high: tests whether the graph takes an input that is not square.
WIDE_IMAGE = np.zeros((8, 16, 3), np.uint8)


class YoloxPersonDetector(OnnxPersonDetector):
    """Persons by YOLOX (Ge et al., 2021), any of its sizes, as exported without decoding.

    The input is padded with grey as in YOLOX's training, but only up to whole cells of the largest stride and not to a
    square: a 16:9 image takes three fifths of the time.

    :param contract: the longer side of an image fills its ``input_size``.
    :raises ModelError: the file is no such graph.
    """

    def __init__(self, path: Path, contract: ModelContract, score: float = 0.4, max_iou: float = 0.5, threads: int = 1):
        super().__init__(contract, score, max_iou)
        self._letterbox = Letterbox.of(contract)
        self._grid = lru_cache(GRIDS_CACHED)(anchor_grid)
        self._session = OnnxSession(path, threads, convert=with_dynamic_input_shape)
        self._shrinks = True
        try:
            self.detect([WIDE_IMAGE])
        except ModelError:  # the graph has shapes computed for its declared size
            self._session, self._shrinks = OnnxSession(path, threads), False
            self.detect([WIDE_IMAGE])

    def _letterbox_for(self, shape: tuple[int, ...]) -> Letterbox:
        return self._letterbox.shrunk(shape[1], shape[0], STRIDES[-1]) if self._shrinks else self._letterbox

    def _run(self, blob: np.ndarray) -> list[np.ndarray]:
        outputs = self._session.run_named(blob, [next(iter(self._session.output_shapes))])
        cells = len(self._grid((blob.shape[3], blob.shape[2]))[0])
        shape = outputs[0].shape
        if len(shape) != 3 or shape[1] != cells or shape[2] < 6:
            raise ModelError(
                f"the file of {self.model_id} is no undecoded YOLOX graph: its output has shape {shape}, "
                f"expected (1, {cells}, 85)"
            )
        return outputs

    def _decode(self, outputs: list[np.ndarray], size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
        rows = outputs[0]
        scores = rows[:, 4] * rows[:, 5 + PERSON]
        likely = np.flatnonzero(scores >= self.min_score)  # drops NaN, too
        return decode(rows[likely], *(each[likely] for each in self._grid(size))), scores[likely]
