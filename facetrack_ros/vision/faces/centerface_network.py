"""CenterFace's network on onnxruntime: one forward pass and its decoding."""

from pathlib import Path

import numpy as np

from facetrack_ros.core.boxes import nms
from facetrack_ros.core.detections import FaceDetections
from facetrack_ros.errors import ModelError
from facetrack_ros.vision.inference.dynamic_input_shape import with_dynamic_input_shape, without_weight_inputs
from facetrack_ros.vision.inference.onnx_session import OnnxSession

#: Outputs: probability of a face's centre in each cell, log size of its box, offset of the centre, landmarks.
OUTPUTS = {"537": 1, "538": 2, "539": 2, "540": 10}
#: Side of a cell, pixels.
CELL_PX = 4
#: The input's sides are multiples of this, as its levels halve it five times.
STEP_PX = 32
#: Smallest input. In smaller ones the lowest level has a single cell.
MIN_INPUT_PX = 64
#: Cells of the highest probabilities that are decoded; it bounds the time for textured images.
MAX_CELLS = 500
#: Largest logarithm of a side in cells, that of a box of 12,000 px; more would overflow.
MAX_LOG_SIDE = 8.0


class CenterFaceNetwork:
    """Faces in images of any size by CenterFace (Xu et al., 2020). Thread-safe.

    The weights are taken off the graph's inputs when it is opened, in memory, so that onnxruntime folds its constants.

    :raises ModelError: onnxruntime cannot read the file, or it is no CenterFace.
    """

    def __init__(self, path: Path, threads: int = 1):
        self._path = path
        try:
            self._session = OnnxSession(path, threads, convert=_prepared)
            if missing := [name for name in OUTPUTS if name not in self._session.output_shapes]:
                raise ModelError(f"it has no output {missing[0]}")
            self.detect(np.zeros((8, 8, 3), np.uint8), 0.5, 0.5)
        except ModelError as error:
            raise ModelError(f"{path} cannot be opened as a CenterFace model: {error}") from error

    def detect(self, image: np.ndarray, score: float, max_iou: float) -> FaceDetections:
        """Faces, best first; boxes may reach beyond the image.

        :param image: ``(height, width, 3)`` uint8 BGR.
        :param score: lowest probability, 0..1.
        :param max_iou: two boxes that overlap more are one face.
        :raises ModelError: the network fails.
        """
        blob = _blob(image)
        heat, sizes, offsets, points = self._session.run_named(blob, list(OUTPUTS))
        cells = (blob.shape[2] // CELL_PX, blob.shape[3] // CELL_PX)
        shapes = [output.shape for output in (heat, sizes, offsets, points)]
        if shapes != [(1, planes, *cells) for planes in OUTPUTS.values()]:
            raise ModelError(f"{self._path} gives outputs of other shapes than a CenterFace does")
        rows, columns = np.nonzero(heat[0, 0] >= score)  # drops NaN, too
        if not len(rows):
            return FaceDetections.none()
        scores = heat[0, 0, rows, columns]
        order = np.argsort(-scores, kind="stable")[:MAX_CELLS]
        rows, columns, scores = rows[order], columns[order], scores[order]
        height, width = np.exp(np.minimum(sizes[0][:, rows, columns], MAX_LOG_SIDE)) * CELL_PX
        top = (rows + offsets[0, 0, rows, columns] + 0.5) * CELL_PX - height / 2
        left = (columns + offsets[0, 1, rows, columns] + 0.5) * CELL_PX - width / 2
        boxes = np.stack([left, top, left + width, top + height], axis=1).astype(np.float32)
        keep = nms(boxes, scores, max_iou)
        # Landmarks are in sides of the box, from its corner, the vertical before the horizontal coordinate.
        shares = points[0][:, rows[keep], columns[keep]].T.reshape(-1, 5, 2)[:, :, ::-1]
        sides = np.stack([width, height], axis=1)[keep, None]
        landmarks = (boxes[keep, None, :2] + shares * sides).astype(np.float32)
        return FaceDetections(boxes[keep], landmarks, np.minimum(scores[keep], 1.0).astype(np.float32))


def _prepared(model: bytes) -> bytes:
    return with_dynamic_input_shape(without_weight_inputs(model), any_batch=True)


def _blob(image: np.ndarray) -> np.ndarray:
    """The image as ``(1, 3, height, width)`` float32 RGB, padded below and right with black to whole steps."""
    height, width = image.shape[:2]
    sides = [max(MIN_INPUT_PX, -(-side // STEP_PX) * STEP_PX) for side in (height, width)]
    blob = np.zeros((1, 3, *sides), np.float32)
    for plane, channel in zip(blob[0], (2, 1, 0)):
        plane[:height, :width] = image[:, :, channel]
    return blob
