"""Steps that person detectors share: which class is a person, and persons out of the boxes that a network proposes."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from facetrack_ros.core.boxes import area, clip, nms
from facetrack_ros.core.detections import Detections
from facetrack_ros.errors import ModelError

PERSON = "person"


def person_class(path: Path, names: Mapping[int, str]) -> int:
    """Number of the class ``person``.

    :param path: the model file, for the error.
    :param names: class names by number.
    :raises ModelError: there is no such class.
    """
    for number, name in names.items():
        if str(name).strip().lower() == PERSON:
            return int(number)
    known = ", ".join(str(name) for name in list(names.values())[:8])
    raise ModelError(
        f"{path} detects no persons: none of its {len(names)} classes is named {PERSON!r} "
        f"({known}{', …' if len(names) > 8 else ''})"
    )


def select_persons(
    boxes: np.ndarray, scores: np.ndarray, shape: tuple[int, ...], max_iou: float, model_id: str
) -> Detections:
    """The proposals without duplicates, clipped to the image, best first.

    :param boxes: ``(n, 4)`` in pixels of the image; one that is not finite, or lies outside the image, is dropped.
    :param scores: ``(n,)``; one that is not finite drops its box, one above 1 counts as 1.
    :param shape: of the image, ``(height, width, ...)``.
    :param max_iou: of two boxes that overlap more the lower score is dropped; 1: duplicates are gone already.
    """
    if max_iou < 1.0:
        keep = nms(boxes, scores, max_iou)
    else:
        keep = np.flatnonzero(np.isfinite(boxes).all(axis=1) & np.isfinite(scores))
        keep = keep[np.argsort(-scores[keep], kind="stable")]
    inside = clip(boxes[keep].astype(np.float32), shape[1], shape[0])
    visible = area(inside) > 0
    return Detections(inside[visible], np.clip(scores[keep][visible], 0.0, 1.0).astype(np.float32), model_id)
