"""Quality gate: which faces are reliable enough for recognition, and why the others are not."""

import math
from dataclasses import dataclass

import cv2
import numpy as np

from facetrack_ros.vision.faces.upright import UPSIDE_DOWN, is_upside_down

#: Side of the grey crop on which sharpness is measured, pixels.
CROP_PX = 48


@dataclass(frozen=True)
class QualityGate:
    """Limits of the quality gate. Unless said otherwise they are chosen by hand.

    :param min_face_px: narrowest face, pixels. Below about 24 embeddings of different people begin to agree.
    :param good_face_px: width from which quality rises no further, pixels.
    :param min_sharpness: see :func:`sharpness`.
    :param good_sharpness: sharpness from which quality rises no further.
    :param max_turn: largest offset of the nose from the middle of the eyes, in eye distances: 0 is frontal,
        about 0.5 a head turned by 40 degrees.
    :param max_outside: largest share of the box beyond the image's border, 0..1.
    :param edge: least distance from the image's left, right and lower edge, in widths of the face. A face nearer to it
        may be half a face, whose box covers only what is visible and whose embedding matches no picture of the person.
    :param min_score: lowest score of the face detector.
    :param min_close_score: lowest score of a detector's second search, on a crop of the face alone. Napes and crowns
        reach 0.82, faces 0.90 and more by YuNet; measured in benchmarks/face_gate.py.
    :param unsure_score: a face of a lower detector score needs ``unsure_more`` on its second search: by YuNet profiles
        from behind reach 0.86 there at 0.68 in the first, faces on rolled heads 0.90 (benchmarks/face_gate.py).
    """

    min_face_px: float = 24.0
    good_face_px: float = 64.0
    min_sharpness: float = 0.015
    good_sharpness: float = 0.15
    max_turn: float = 0.6
    max_outside: float = 0.2
    edge: float = 0.04
    min_score: float = 0.5
    min_close_score: float = 0.85
    unsure_score: float = 0.85
    unsure_more: float = 0.03


def assess(
    image: np.ndarray,
    bbox: np.ndarray,
    landmarks: np.ndarray,
    score: float,
    gate: QualityGate,
    second_search: tuple[float, float] | None = None,
) -> tuple[float, str]:
    """Quality of a face and the reason it fails the gate.

    :param image: ``(height, width, 3)`` uint8 BGR.
    :param bbox: ``(4,)`` pixels, may reach beyond the image.
    :param landmarks: ``(5, 2)`` pixels; mouth corners may be NaN.
    :param second_search: see :meth:`.FaceDetections.second_search`.
    :return: quality in 0..1, and the reason, empty where the face passes.
    """
    bbox = np.asarray(bbox, np.float64)
    if not np.isfinite(bbox).all() or not np.isfinite(score) or (bbox[2:] <= bbox[:2]).any():
        return 0.0, "no valid box"
    if not np.isfinite(landmarks[:3]).all():
        return 0.0, "eyes or nose not located"
    width = float(bbox[2] - bbox[0])
    outside = outside_share(bbox, image.shape[1], image.shape[0])
    turn = nose_turn(landmarks)
    reason = ""
    if width < gate.min_face_px:
        reason = f"{width:.0f} px wide, needs {gate.min_face_px:.0f}"
    elif score < gate.min_score:
        reason = f"detector score {score:.2f}, needs {gate.min_score:.2f}"
    elif not_upright := _not_upright(score, second_search, gate):
        reason = not_upright
    elif outside > gate.max_outside:
        reason = f"{outside:.0%} beyond the border, allowed {gate.max_outside:.0%}"
    elif at_edge(bbox, image.shape[1], image.shape[0], gate.edge * width):
        reason = "cut off by the picture's edge"
    elif turn > gate.max_turn:
        reason = f"turned away by {turn:.2f} eye distances, allowed {gate.max_turn:.2f}"
    sharp = sharpness(image, bbox)
    if not reason and sharp < gate.min_sharpness:
        reason = f"sharpness {sharp:.3f}, needs {gate.min_sharpness:.3f}"
    parts = (
        min(1.0, width / gate.good_face_px),
        min(1.0, max(0.0, score)),
        min(1.0, (sharp / gate.good_sharpness) ** 0.5),
        max(0.0, 1.0 - turn / (2 * gate.max_turn)),
        1.0 - outside,
    )
    return math.sqrt(math.prod(parts)), reason


def _not_upright(score: float, second_search: tuple[float, float] | None, gate: QualityGate) -> str:
    """Why a face is no face or not upright, as its second search says; empty where it is."""
    if second_search is None:
        return ""
    close, turned = second_search
    if math.isnan(close):
        return "too small for its person"
    needed = gate.min_close_score + (gate.unsure_more if score < gate.unsure_score and gate.min_close_score else 0)
    if max(close, turned) < needed:
        return f"no face on a second search: score {close:.2f}, needs {needed:.2f}"
    return UPSIDE_DOWN if is_upside_down(close, turned) else ""


# Python floats below: for four numbers numpy takes ten times as long.


def outside_share(bbox: np.ndarray, width: int, height: int) -> float:
    """Share of a box's area beyond the image, 0..1."""
    x1, y1, x2, y2 = bbox.tolist()
    inside_x = min(max(x2, 0.0), width) - min(max(x1, 0.0), width)
    inside_y = min(max(y2, 0.0), height) - min(max(y1, 0.0), height)
    return 1.0 - inside_x * inside_y / ((x2 - x1) * (y2 - y1))


def at_edge(bbox: np.ndarray, width: int, height: int, margin_px: float) -> bool:
    """Whether a box comes nearer than ``margin_px`` to the left, right or lower edge of the image.

    The upper edge cuts off forehead and hair, which recognition does not need.
    """
    x1, _, x2, y2 = bbox.tolist()
    return x1 < margin_px or x2 > width - margin_px or y2 > height - margin_px


def nose_turn(landmarks: np.ndarray) -> float:
    """Offset of the nose tip from the middle of the eyes, along their line, in eye distances.

    :return: 0 for a frontal face; infinite where the eyes coincide.
    """
    (right_x, right_y), (left_x, left_y), (nose_x, nose_y) = landmarks[:3].tolist()
    across_x, across_y = left_x - right_x, left_y - right_y
    distance = math.hypot(across_x, across_y)
    if distance < 1e-3:
        return float("inf")
    along = (nose_x - (left_x + right_x) / 2) * across_x + (nose_y - (left_y + right_y) / 2) * across_y
    return abs(along) / distance**2


def sharpness(image: np.ndarray, bbox: np.ndarray) -> float:
    """Variance of the Laplacian over variance of brightness, of the face scaled to one size.

    One size makes faces at different distances comparable, the ratio those in different light. A small face scaled up
    counts as blurred.

    :return: about 0.01 for an unrecognisable face, 0.1 and more for a sharp one; 0 where the box has no contrast.
    """
    height, width = image.shape[:2]
    x1, y1 = (max(0, int(np.floor(value))) for value in bbox[:2])
    x2, y2 = min(width, int(np.ceil(bbox[2]))), min(height, int(np.ceil(bbox[3])))
    if x2 - x1 < 2 or y2 - y1 < 2:
        return 0.0
    grey = cv2.cvtColor(image[y1:y2, x1:x2], cv2.COLOR_BGR2GRAY)
    interpolation = cv2.INTER_AREA if x2 - x1 > CROP_PX else cv2.INTER_CUBIC
    grey = cv2.resize(grey, (CROP_PX, CROP_PX), interpolation=interpolation)
    spread = float(grey.var())
    if spread < 1.0:
        return 0.0
    return float(cv2.Laplacian(grey, cv2.CV_32F).var()) / spread
