"""Body embedder without a network: histograms of colours and edges in horizontal stripes."""

import cv2
import numpy as np

from facetrack_ros.core.image import as_bgr
from facetrack_ros.models.contract import ModelContract
from facetrack_ros.vision.embedding.body_regions import body_regions, neutral

STRIPES = 8
HUES, SATURATIONS, GREYS, DIRECTIONS = 8, 3, 8, 8
COLOURS = GREYS + HUES * SATURATIONS
DIMENSION = STRIPES * (COLOURS + DIRECTIONS)
#: Below this saturation or brightness, of 255, a pixel counts by its brightness only, since its hue is noise; by hand.
COLOURLESS = 30
#: Standard deviation of the weight across the body, in widths of the box, whose sides are mostly background.
CENTRE = 0.25
#: Share of the edges in the squared length; the rest is colour.
EDGES = 0.2


class HistogramBodyEmbedder:
    """A histogram of colour and one of edge directions for each of eight stripes.

    Values are square roots of shares, so that the cosine of two vectors is the mean Bhattacharyya coefficient of their
    histograms (Bhattacharyya, 1943): 1 for equal bodies, about 0.7 for two people. The constants were chosen on
    TUD-Campus, where they hardly matter (``benchmarks/body_appearance.py``).

    :param contract: its input size is the size that bodies are scaled to.
    """

    def __init__(self, contract: ModelContract):
        self.contract = contract
        width, height = contract.input_size
        across = (np.arange(width) + 0.5) / width - 0.5
        self._weight = np.tile(np.exp(-0.5 * (across / CENTRE) ** 2), height)
        self._stripe = np.repeat(np.arange(height) * STRIPES // height, width)

    def embed(self, image: np.ndarray, boxes: np.ndarray) -> np.ndarray:
        """Embeddings of the bodies in the boxes.

        :param image: uint8, BGR or grey.
        :param boxes: ``(n, 4)`` ``x1, y1, x2, y2`` in its pixels; clipped to it.
        :return: ``(n, 320)`` float32 unit rows; :func:`~.body_regions.neutral` for a box outside the image.
        :raises FrameError: ``image`` is no image.
        """
        image = as_bgr(image)
        regions, usable = body_regions(boxes, image.shape[1], image.shape[0])
        rows = np.tile(neutral(DIMENSION), (len(regions), 1))
        for row in np.flatnonzero(usable):
            x1, y1, x2, y2 = regions[row]
            body = cv2.resize(image[y1:y2, x1:x2], self.contract.input_size, interpolation=cv2.INTER_AREA)
            rows[row] = self._row(body)
        return rows

    def _row(self, body: np.ndarray) -> np.ndarray:
        planes = cv2.split(cv2.cvtColor(body, cv2.COLOR_BGR2HSV))
        hue, saturation, value = (plane.ravel().astype(np.intp) for plane in planes)
        coloured = GREYS + hue * HUES // 180 * SATURATIONS + saturation * SATURATIONS // 256
        colour = np.where((saturation < COLOURLESS) | (value < COLOURLESS), value * GREYS // 256, coloured)
        grey = cv2.cvtColor(body, cv2.COLOR_BGR2GRAY)
        x, y = (cv2.Sobel(grey, cv2.CV_32F, *order).ravel() for order in ((1, 0), (0, 1)))
        direction = (np.arctan2(y, x) % np.pi * (DIRECTIONS / np.pi)).astype(np.intp) % DIRECTIONS
        colours = self._shares(colour, self._weight, COLOURS) * (1.0 - EDGES)
        edges = self._shares(direction, self._weight * np.hypot(x, y), DIRECTIONS) * EDGES
        row = np.concatenate([colours, edges], axis=1).ravel()
        return np.sqrt(row / row.sum()).astype(np.float32)

    def _shares(self, bins: np.ndarray, weight: np.ndarray, count: int) -> np.ndarray:
        """``(stripes, count)`` shares; all 0 in a stripe without any edge."""
        counted = np.bincount(self._stripe * count + bins, weight, STRIPES * count).reshape(STRIPES, count)
        return counted / np.maximum(counted.sum(axis=1, keepdims=True), 1e-9)
