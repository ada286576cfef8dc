"""Which way up a face is, and pictures turned so that their faces are upright."""

import math

import cv2
import numpy as np

from facetrack_ros.core.detections import FaceDetections
from facetrack_ros.core.image import resize
from facetrack_ros.vision.interfaces import FaceDetector

#: Reason of the quality gate for a face that is head down.
UPSIDE_DOWN = "upside down"
#: Narrowest face searched for in a picture that is to be turned: a share of its longer side, and pixels.
SMALLEST_SHARE, SMALLEST_PX = 1 / 12, 10.0
#: Longer side of the picture in which its direction is searched for: the narrowest face has 107 px there.
LONGEST_PX = 1280


def is_upside_down(close_score: float, turned_score: float) -> bool:
    """Whether a face is head down: found with more confidence on its crop turned by 180 degrees.

    Right for every face of ORL, upright and turned by 180 degrees (benchmarks/face_gate.py). NaN, where a detector
    makes no second search, counts as upright.

    :param close_score: of the face on its own crop, :attr:`FaceDetections.close_scores`.
    :param turned_score: of that crop turned by 180 degrees.
    """
    return turned_score > close_score


def turned(image: np.ndarray, degrees: int) -> np.ndarray:
    """The image turned clockwise, its pixels unchanged.

    :param degrees: a multiple of 90.
    """
    return np.ascontiguousarray(np.rot90(image, -degrees // 90)) if degrees % 360 else image


def turn_upright(image: np.ndarray, detector: FaceDetector) -> tuple[np.ndarray, int]:
    """Turn a picture by the multiple of 90 degrees that brings its most certain face nearest to upright.

    Alignment rolls the face by the rest, at most 45 degrees. Where a face is found only between two such directions,
    the picture is turned by a multiple of 45 degrees, on a larger canvas, at most :data:`LONGEST_PX` long without
    its border. A picture without a face stays as it is.

    :param image: ``(height, width, 3)`` uint8 BGR.
    :return: the picture, and the degrees clockwise that it was turned by, 0 to 315.
    """
    # The border of a long strip would otherwise make a square of its length.
    small = resize(image, min(1.0, LONGEST_PX / max(image.shape[:2])))
    degrees = degrees_to_upright(small, detector)
    if degrees is None:  # a crop so tight that its face has no surroundings
        degrees = degrees_to_upright(_bordered(small), detector)
    if degrees is not None:
        return turned(image, degrees), degrees
    # dlib finds no face that is rolled by 45 degrees.
    diagonal = _turned_by_45(_bordered(small))
    degrees = degrees_to_upright(diagonal, detector)
    return (image, 0) if degrees is None else (turned(diagonal, degrees), degrees + 45)


def _bordered(image: np.ndarray) -> np.ndarray:
    """The image with half its longer side added on each side, the pixels of its edge repeated."""
    border = max(image.shape[:2]) // 2
    return cv2.copyMakeBorder(image, border, border, border, border, cv2.BORDER_REPLICATE)


def _turned_by_45(image: np.ndarray) -> np.ndarray:
    """The image turned clockwise by 45 degrees within its own canvas."""
    height, width = image.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), -45, 1.0)
    return cv2.warpAffine(image, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def degrees_to_upright(image: np.ndarray, detector: FaceDetector, smallest_share: float = SMALLEST_SHARE) -> int | None:
    """Degrees clockwise, a multiple of 90, that set the most certain face of an image upright; None without a face.

    The detector runs on the image in its four directions.

    :param smallest_share: width of the narrowest face searched for, in longer sides of the image.
    """
    smallest = max(SMALLEST_PX, max(image.shape[:2]) * smallest_share)
    best, best_score = None, 0.0
    for degrees in (0, 90, 180, 270):
        score, roll = _most_certain(detector.detect(turned(image, degrees), smallest))
        if score > best_score:
            # A roll of the head within the picture counts clockwise, too, so turning back takes it away.
            best, best_score = round((degrees - roll) / 90) * 90 % 360, score
    return best


def _most_certain(faces: FaceDetections) -> tuple[float, float]:
    """Certainty and clockwise roll, degrees, of the face that is upright with most certainty; 0 without a face."""
    certainty = faces.scores.copy()
    if faces.close_scores is not None and faces.turned_scores is not None:
        close = np.nan_to_num(faces.close_scores)
        certainty = np.where(faces.turned_scores > close, 0.0, certainty + close)
    if not len(certainty) or not certainty.max() > 0:
        return 0.0, 0.0
    row = int(certainty.argmax())
    return float(certainty[row]), clockwise_roll(faces.landmarks[row])


def clockwise_roll(landmarks: np.ndarray) -> float:
    """Angle of the line through the eyes, degrees: 0 for an upright face, 90 for one turned clockwise by that."""
    (right_x, right_y), (left_x, left_y) = landmarks[:2].tolist()
    return math.degrees(math.atan2(left_y - right_y, left_x - right_x))
