"""Image regions of body boxes, and the embedding of a box outside the image."""

import numpy as np


def body_regions(boxes: np.ndarray, width: int, height: int) -> tuple[np.ndarray, np.ndarray]:
    """Pixel regions of boxes in a ``width`` by ``height`` image.

    :param boxes: ``(n, 4)`` ``x1, y1, x2, y2`` in pixels; may exceed the image, be empty or not finite.
    :return: ``(n, 4)`` int regions, clipped to the image, and ``(n,)`` bool: whether any of the box lies in the image.
    """
    boxes = np.asarray(boxes, np.float64).reshape(-1, 4)
    finite = np.isfinite(boxes).all(axis=1)
    limit = np.array([width, height, width, height], np.float64)
    inside = np.clip(np.where(np.expand_dims(finite, 1), boxes, 0.0), 0.0, limit)
    usable = finite & (inside[:, 2] > inside[:, 0]) & (inside[:, 3] > inside[:, 1])
    regions = np.concatenate([np.floor(inside[:, :2]), np.ceil(inside[:, 2:])], axis=1).astype(np.intp)
    return regions, usable


def neutral(dimension: int) -> np.ndarray:
    """The embedding of a box outside the image: ``(dimension,)`` float32, all values equal, length 1.

    A tracker passes predicted boxes, and one of them may have left the image; an error would lose the whole frame. This
    vector is about equally far from all others, so that position decides the association.
    """
    return np.full(dimension, dimension**-0.5, np.float32)
