"""How much boxes overlap."""

import numpy as np


def iou(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Intersection over union of all pairs, ``(n, m)`` for ``(n, 4)`` and ``(m, 4)`` boxes ``x1, y1, x2, y2``."""
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    shared = np.clip(high - low, 0, None).prod(axis=2)
    areas = [np.clip(boxes[:, 2:] - boxes[:, :2], 0, None).prod(axis=1) for boxes in (first, second)]
    union = areas[0][:, None] + areas[1][None, :] - shared
    return np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)


def widened(boxes: np.ndarray, part: float) -> np.ndarray:
    """Boxes grown on each side by ``part`` of their width and height."""
    grow = (boxes[:, 2:] - boxes[:, :2]) * part
    return np.concatenate([boxes[:, :2] - grow, boxes[:, 2:] + grow], axis=1)
