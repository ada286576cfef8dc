"""Body embedder by a re-identification network on onnxruntime."""

from pathlib import Path

import cv2
import numpy as np

from facetrack_ros.core.image import as_bgr
from facetrack_ros.core.vectors import l2_normalized
from facetrack_ros.models.contract import ModelContract
from facetrack_ros.vision.embedding.body_regions import body_regions, neutral
from facetrack_ros.vision.inference.onnx_vectors import OnnxVectorModel


class OnnxBodyEmbedder:
    """OSNet (Zhou et al., 2019) and others whose input is a body scaled to one size, without keeping its proportions.

    All bodies of a frame are embedded in one call where the graph's batch is dynamic.

    :param contract: input size, colour order, mean, std and dimension of its training.
    :raises ModelError: the graph takes other images or gives another dimension than its contract says.
    """

    def __init__(self, path: Path, contract: ModelContract, threads: int = 1):
        self.contract = contract
        self._model = OnnxVectorModel(path, contract, threads)
        scale = 1.0 / np.array(contract.std, np.float32)
        self._scale, self._shift = scale[:, None, None], (-np.array(contract.mean, np.float32) * scale)[:, None, None]

    def embed(self, image: np.ndarray, boxes: np.ndarray) -> np.ndarray:
        """Embeddings of the bodies in the boxes.

        :param image: uint8, BGR or grey.
        :param boxes: ``(n, 4)`` ``x1, y1, x2, y2`` in its pixels; clipped to it.
        :return: ``(n, dimension)`` float32 unit rows; :func:`~.body_regions.neutral` for a box outside the image.
        :raises FrameError: ``image`` is no image.
        :raises ModelError: the graph fails or gives a vector without direction.
        """
        image = as_bgr(image)
        regions, usable = body_regions(boxes, image.shape[1], image.shape[0])
        rows = np.tile(neutral(self.contract.dimension), (len(regions), 1))
        if usable.any():
            rows[usable] = l2_normalized(self._model(self._blob(image, regions[usable])))
        return rows

    def _blob(self, image: np.ndarray, regions: np.ndarray) -> np.ndarray:
        width, height = self.contract.input_size
        blob = np.empty((len(regions), 3, height, width), np.float32)
        for planes, (x1, y1, x2, y2) in zip(blob, regions):
            body = cv2.resize(image[y1:y2, x1:x2], (width, height), interpolation=cv2.INTER_LINEAR)
            planes[:] = (body[:, :, ::-1] if self.contract.colour == "RGB" else body).transpose(2, 0, 1)
        blob *= self._scale
        blob += self._shift
        return blob
