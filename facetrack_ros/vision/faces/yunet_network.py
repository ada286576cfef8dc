"""YuNet's network on onnxruntime: one forward pass and its decoding."""

from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np

from facetrack_ros.core.boxes import nms
from facetrack_ros.core.detections import FaceDetections
from facetrack_ros.errors import ModelError
from facetrack_ros.vision.inference.anchors import STRIDES, anchor_grid, decode
from facetrack_ros.vision.inference.dynamic_input_shape import with_dynamic_input_shape
from facetrack_ros.vision.inference.onnx_session import OnnxSession

#: Outputs, one a stride, and numbers a cell: face and object probabilities, box, landmarks.
OUTPUTS = {"cls": 1, "obj": 1, "bbox": 4, "kps": 10}
NAMES = [f"{name}_{stride}" for name in OUTPUTS for stride in STRIDES]
#: In an input smaller than two of the largest cells YuNet finds faces where there are none.
MIN_INPUT_PX = 64
#: Cells of the highest scores that are decoded, as in OpenCV's FaceDetectorYN; it bounds the time for textured images.
MAX_CELLS = 500
#: Input sizes whose cell grids are cached; that of the refinement's crops is always among them.
GRIDS_CACHED = 8


class YunetNetwork:
    """Faces in images of any size. Thread-safe.

    It finds what OpenCV's ``FaceDetectorYN`` finds in 0.57 of its time (benchmarks/yunet.py, OpenCV 5.0, one thread of
    a Xeon: 2.3 for 4.1 ms at 320x180, 9.8 for 17.3 at 640x360), and OpenCV's is not thread-safe.

    :raises ModelError: onnxruntime cannot read the file, or it is no YuNet.
    """

    def __init__(self, path: Path, threads: int = 1):
        self._path = path
        self._grid = lru_cache(GRIDS_CACHED)(anchor_grid)
        try:
            self._session = OnnxSession(path, threads, convert=with_dynamic_input_shape)
            if missing := [name for name in NAMES if name not in self._session.output_shapes]:
                raise ModelError(f"it has no output {missing[0]}")
            self.detect(np.zeros((8, 8, 3), np.uint8), 0.5, 0.5)
        except ModelError as error:
            raise ModelError(f"{path} cannot be opened as a YuNet model: {error}") from error

    def detect(self, image: np.ndarray, score: float, max_iou: float) -> FaceDetections:
        """Faces, best first.

        :param image: ``(height, width, 3)`` uint8 BGR.
        :param score: lowest confidence, 0..1.
        :param max_iou: two boxes that overlap more are one face.
        :raises ModelError: the network fails.
        """
        blob = _blob(image)
        outputs = self._session.run_named(blob, NAMES)
        counts = [(blob.shape[2] // stride) * (blob.shape[3] // stride) for stride in STRIDES]
        if [output.shape for output in outputs] != [(1, cells, size) for size in OUTPUTS.values() for cells in counts]:
            raise ModelError(f"{self._path} gives outputs of other shapes than a YuNet does")
        faces, objects, boxes, points = (np.concatenate(outputs[row : row + 3], axis=1)[0] for row in range(0, 12, 3))
        both = (faces * objects)[:, 0]
        likely = np.flatnonzero(both >= score * score)  # drops NaN, too
        if not len(likely):
            return FaceDetections.none()
        if len(likely) > MAX_CELLS:
            likely = likely[np.argsort(-both[likely], kind="stable")[:MAX_CELLS]]
        scores = np.sqrt(np.minimum(both[likely], 1))
        grid, strides = self._grid((blob.shape[3], blob.shape[2]))
        corner, stride = grid[likely], strides[likely]
        found = decode(boxes[likely], corner, stride)
        keep = nms(found, scores, max_iou)
        landmarks = (points[likely[keep]].reshape(-1, 5, 2) + corner[keep, None]) * stride[keep, None]
        return FaceDetections(found[keep], landmarks, scores[keep])


def _blob(image: np.ndarray) -> np.ndarray:
    """The image as ``(1, 3, height, width)`` float32, padded below and right with black to whole cells."""
    height, width = image.shape[:2]
    rows, columns = (max(MIN_INPUT_PX, -(-side // STRIDES[-1]) * STRIDES[-1]) for side in (height, width))
    blob = (np.empty if (rows, columns) == (height, width) else np.zeros)((1, 3, rows, columns), np.float32)
    for plane, channel in zip(blob[0], cv2.split(image)):  # plane by plane: faster than a transpose of the whole
        plane[:height, :width] = channel
    return blob
