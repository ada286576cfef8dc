"""Arithmetic on ``(n, 4)`` boxes ``x1, y1, x2, y2``: area, overlap, non-maximum suppression, clipping, widening."""

import cv2
import numpy as np


def area(boxes: np.ndarray) -> np.ndarray:
    """``(n,)`` areas in square pixels; 0 for a box with its corners swapped."""
    # On arrays this small np.clip takes four times as long.
    return np.maximum(boxes[:, 2] - boxes[:, 0], 0) * np.maximum(boxes[:, 3] - boxes[:, 1], 0)


def intersection(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """``(n, m)`` shared areas of ``(n, 4)`` and ``(m, 4)`` boxes, square pixels."""
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    sides = np.maximum(high - low, 0)
    return sides[..., 0] * sides[..., 1]


def iou(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """``(n, m)`` intersection over union of ``(n, 4)`` and ``(m, 4)`` boxes, 0..1."""
    shared = intersection(first, second)
    union = area(first)[:, None] + area(second)[None, :] - shared
    return shared / np.maximum(union, 1e-9)


def height_iou(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """``(n, m)`` intersection over union of the vertical spans of ``(n, 4)`` and ``(m, 4)`` boxes, 0..1."""
    top, other_top, bottom, other_bottom = first[:, None, 1], second[None, :, 1], first[:, None, 3], second[None, :, 3]
    shared = np.minimum(bottom, other_bottom) - np.maximum(top, other_top)
    span = np.maximum(bottom, other_bottom) - np.minimum(top, other_top)
    return np.maximum(shared, 0) / np.maximum(span, 1e-9)


def nms(boxes: np.ndarray, scores: np.ndarray, max_iou: float) -> np.ndarray:
    """Non-maximum suppression: rows to keep so that no two overlap by more than ``max_iou``.

    Runs in OpenCV: numpy takes ten times as long for each box kept.

    :param boxes: ``(n, 4)``; ``scores``: ``(n,)``. Rows that are not finite are dropped; of empty boxes one is kept.
    :return: row numbers, highest score first.
    """
    usable = np.flatnonzero(np.isfinite(boxes).all(axis=1) & np.isfinite(scores))
    if usable.size <= 1:
        return usable
    order = usable[np.argsort(-scores[usable], kind="stable")]
    corners_and_sides = boxes[order].astype(np.float64)
    corners_and_sides[:, 2:] = np.maximum(corners_and_sides[:, 2:] - corners_and_sides[:, :2], 0)
    ranks = np.arange(order.size, 0, -1, dtype=np.float32)  # in place of scores: it would drop a score of 0
    return order[cv2.dnn.NMSBoxes(corners_and_sides, ranks, 0.0, max_iou)]  # type: ignore[arg-type]  # takes arrays too


def clip(boxes: np.ndarray, width: int, height: int) -> np.ndarray:
    """The boxes clipped to an image of ``width`` by ``height`` pixels."""
    return np.clip(boxes, 0, np.array([width, height, width, height], boxes.dtype))


def widened(boxes: np.ndarray, part: float) -> np.ndarray:
    """The boxes grown on each side by ``part`` of their width and height."""
    grow = (boxes[:, 2:] - boxes[:, :2]) * part
    return np.concatenate([boxes[:, :2] - grow, boxes[:, 2:] + grow], axis=1)
