"""The network of YuNet on onnxruntime, without anything around it."""

from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np

from facetrack_ros.core.boxes import nms
from facetrack_ros.core.detections import FaceDetections
from facetrack_ros.errors import ModelError
from facetrack_ros.vision.inference.anchors import STRIDES, anchor_grid, decode
from facetrack_ros.vision.inference.onnx_session import OnnxSession

#: Of each there is one a stride: is it a face, is it an object, its box, its landmarks; numbers a cell.
OUTPUTS = {"cls": 1, "obj": 1, "bbox": 4, "kps": 10}
NAMES = [f"{name}_{stride}" for name in OUTPUTS for stride in STRIDES]
#: In a smaller input than two of the largest cells YuNet sees faces where there is nothing.
SMALLEST_INPUT_PX = 64
#: Likeliest cells that count, as in OpenCV's reading of YuNet, so that a picture full of texture takes no longer.
MOST_CELLS = 500
#: Input sizes whose cells are not counted anew each time; that of close-ups always is among them.
SIZES_KEPT = 8


class YunetNetwork:
    """Faces in pictures of any size, as the network sees them. Several threads may use it.

    :param path: the ``.onnx`` file.
    :param threads: onnxruntime threads.
    :raises ModelError: onnxruntime cannot read the file, or it is no YuNet.
    """

    def __init__(self, path: Path, threads: int = 1):
        self._path = path
        self._grid = lru_cache(SIZES_KEPT)(anchor_grid)
        try:
            self._session = OnnxSession(path, threads, open_size=True)
            found = self._session.output_shapes
            if missing := [name for name in NAMES if name not in found]:
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
        likely = np.flatnonzero(both >= score * score)  # a score that is not a number is not among them
        if not len(likely):
            return FaceDetections.none()
        if len(likely) > MOST_CELLS:
            likely = likely[np.argsort(-both[likely], kind="stable")[:MOST_CELLS]]
        scores = np.sqrt(np.minimum(both[likely], 1))
        grid, strides = self._grid((blob.shape[3], blob.shape[2]))
        corner, stride = grid[likely], strides[likely]
        found = decode(boxes[likely], corner, stride)
        keep = nms(found, scores, max_iou)
        landmarks = (points[likely[keep]].reshape(-1, 5, 2) + corner[keep, None]) * stride[keep, None]
        return FaceDetections(found[keep], landmarks, scores[keep])


def _blob(image: np.ndarray) -> np.ndarray:
    """The picture as ``(1, 3, height, width)`` float32, black below and beside it up to whole cells of the largest stride."""
    height, width = image.shape[:2]
    rows, columns = (max(SMALLEST_INPUT_PX, -(-side // STRIDES[-1]) * STRIDES[-1]) for side in (height, width))
    blob = (np.empty if (rows, columns) == (height, width) else np.zeros)((1, 3, rows, columns), np.float32)
    for plane, channel in zip(blob[0], cv2.split(image)):  # a plane at a time: faster than a transpose of the whole
        plane[:height, :width] = channel
    return blob
