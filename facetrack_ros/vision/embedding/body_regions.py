"""What body embedders share: which part of a picture a box means, and what stands for a box that means none."""

import numpy as np


def body_regions(boxes: np.ndarray, width: int, height: int) -> tuple[np.ndarray, np.ndarray]:
    """Whole pixels of a ``width`` by ``height`` picture that boxes cover.

    :param boxes: ``(n, 4)`` ``x1, y1, x2, y2`` in pixels; a box may reach beyond the picture, or be no box at all.
    :return: ``(n, 4)`` int, and ``(n,)`` bool: whether there is anything of the box in the picture. There is nothing of a
        box with a value that is not finite, of one without width or height, and of one beyond the border.
    """
    boxes = np.asarray(boxes, np.float64).reshape(-1, 4)
    finite = np.isfinite(boxes).all(axis=1)
    limit = np.array([width, height, width, height], np.float64)
    inside = np.clip(np.where(finite[:, None], boxes, 0.0), 0.0, limit)
    usable = finite & (inside[:, 2] > inside[:, 0]) & (inside[:, 3] > inside[:, 1])
    regions = np.concatenate([np.floor(inside[:, :2]), np.ceil(inside[:, 2:])], axis=1).astype(np.intp)
    return regions, usable


def neutral(dimension: int) -> np.ndarray:
    """The unit vector that says nothing about a body: all its numbers are alike.

    A tracker hands in boxes that it has predicted, and one of them may have left the picture. An error would lose the whole
    frame for it. This vector is about equally far from everybody's, so that the box's place decides; two of them are equal,
    which only tells that neither body could be seen.

    :return: ``(dimension,)`` float32.
    """
    return np.full(dimension, dimension**-0.5, np.float32)
