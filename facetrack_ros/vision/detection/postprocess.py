"""From the boxes a network proposes to the persons of a picture."""

import numpy as np

from facetrack_ros.core.boxes import area, clip, suppress
from facetrack_ros.core.detections import Detections


def persons_of(
    boxes: np.ndarray, scores: np.ndarray, shape: tuple[int, ...], max_iou: float, model_id: str
) -> Detections:
    """The proposals without duplicates, cut at the picture's borders, best first.

    :param boxes: ``(n, 4)`` in pixels of the picture; one that is not finite, or lies outside the picture, is dropped.
    :param scores: ``(n,)``; one that is not finite drops its box, one above 1 counts as 1.
    :param shape: of the picture, ``(height, width, ...)``.
    :param max_iou: two boxes that overlap more are one person; 1: none are.
    """
    if max_iou < 1.0:
        keep = suppress(boxes, scores, max_iou)
    else:
        keep = np.flatnonzero(np.isfinite(boxes).all(axis=1) & np.isfinite(scores))
        keep = keep[np.argsort(-scores[keep], kind="stable")]
    inside = clip(boxes[keep].astype(np.float32), shape[1], shape[0])
    visible = area(inside) > 0
    return Detections(inside[visible], np.clip(scores[keep][visible], 0.0, 1.0).astype(np.float32), model_id)
