"""Landmarks refined on an upright crop of each face that a detector found."""

import math
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np

from facetrack_ros.core.detections import FaceDetections

# Each pass takes away most of the roll that is left. Of ORL faces rolled by 60 degrees 5 % instead of 29 % then have
# landmarks whose embedding matches no picture of their person (YuNet); upright faces need no more passes.
MAX_PASSES = 8
UPRIGHT_DEGREES = 4.0


class FaceNetwork(Protocol):
    """Finds faces in an image of any size, best first."""

    def detect(self, image: np.ndarray, score: float, max_iou: float) -> FaceDetections:
        """Faces of at least a score in a ``(height, width, 3)`` uint8 BGR image."""


@dataclass(frozen=True)
class CropSearch:
    """How a network is run again on crops of a face.

    :param crop_px: side of the crop.
    :param face_px: width of the face in it.
    :param min_passes: passes of an upright face; the mean of the last two, or of the only one and the landmarks found
        before, counts.
    :param score: lowest confidence of a pass that counts, 0..1.
    :param sure_score: a face of a lower score is searched for on a smaller crop, too; 0: never.
    :param smaller_px: side of that crop; ``smaller_face_px``: width of the face in it.
    :param turned: whether the crop is searched turned by 180 degrees, for networks that put the mouth below the eyes
        whichever way up a face is.
    """

    crop_px: int
    face_px: float
    min_passes: int
    score: float
    sure_score: float = 0.0
    smaller_px: int = 0
    smaller_face_px: float = 0.0
    turned: bool = True


@dataclass(frozen=True, eq=False)
class RefinedFace:
    """A face as the last pass found it.

    :param landmarks: ``(5, 2)`` float32 pixels of the image.
    :param box: ``(4,)`` float32 pixels; of a rolled head the box of the upright face, about the same centre.
    :param score: the network's confidence then, 0..1; 0 where it found nothing or the face did not come upright.
    :param close_score: the higher one of this and, unless it is high, of a search on a smaller crop.
    :param turned_score: its confidence on the same crop turned by 180 degrees, 0..1: higher than
        ``close_score`` where the face is head down. 0 where it is not searched for.
    """

    landmarks: np.ndarray
    box: np.ndarray
    score: float
    close_score: float
    turned_score: float


class LandmarkRefiner:
    """Finds a face again on upright crops.

    :param max_iou: two boxes that overlap more are one face.
    """

    def __init__(self, network: FaceNetwork, search: CropSearch, max_iou: float):
        self._network, self._search, self._max_iou = network, search, max_iou

    def refine(self, image: np.ndarray, box: np.ndarray, landmarks: np.ndarray) -> RefinedFace:
        """The face found again, upright; where it is not found its landmarks and box are unchanged.

        :param image: ``(height, width, 3)`` uint8 BGR.
        :param box: ``(4,)`` pixels, of the whole head as the detector gave it.
        :param landmarks: ``(5, 2)`` pixels.
        """
        search = self._search
        side, refined_box, score, roll = search.crop_px, box, 0.0, 0.0
        for number in range(1, MAX_PASSES + 1):
            before = landmarks
            matrix = _to_crop(box, landmarks, side, search.face_px)
            crop = cv2.warpAffine(image, matrix, (side, side), flags=cv2.INTER_LINEAR)
            found = self._network.detect(crop, search.score, self._max_iou)
            if not len(found):
                refined_box, score, roll = box, 0.0, 0.0
            else:
                row = _most_central(found.boxes, side)
                landmarks, refined_box, roll = _to_image(found.boxes[row], found.landmarks[row], matrix)
                score = float(found.scores[row])
            if number >= search.min_passes and abs(roll) <= UPRIGHT_DEGREES:
                break
        else:
            score = 0.0
        mean = (before + landmarks) / 2
        close_score = score
        if score < search.sure_score:
            side = search.smaller_px
            smaller_matrix = _to_crop(box, mean, side, search.smaller_face_px)
            smaller = cv2.warpAffine(image, smaller_matrix, (side, side), flags=cv2.INTER_LINEAR)
            close_score = max(score, self._score_of(smaller))
        turned_score = self._score_of(crop[::-1, ::-1]) if search.turned else 0.0
        return RefinedFace(mean, refined_box, score, close_score, turned_score)

    def _score_of(self, crop: np.ndarray) -> float:
        """Confidence of the face in the middle of a crop."""
        found = self._network.detect(crop, self._search.score, self._max_iou)
        return float(found.scores[_most_central(found.boxes, crop.shape[0])]) if len(found) else 0.0


# Python floats below: on arrays this small numpy takes five times as long, for each pass over each face.


def _to_crop(box: np.ndarray, landmarks: np.ndarray, side: int, face_px: float) -> np.ndarray:
    """The ``(2, 3)`` map from the image to a crop with the face in its middle and the eyes level."""
    x1, y1, x2, y2 = box.tolist()
    (right_x, right_y), (left_x, left_y), _, (mouth_x, mouth_y), (other_x, other_y) = landmarks.tolist()
    roll = math.atan2(left_y - right_y, left_x - right_x)
    x, y = (right_x + left_x + mouth_x + other_x) / 4, (right_y + left_y + mouth_y + other_y) / 4
    # A box is about 1.25 times as high as wide; of a rolled head it is wider than the face.
    scale = face_px / max(x2 - x1, (y2 - y1) / 1.25)
    cos, sin = scale * math.cos(roll), scale * math.sin(roll)
    return np.array([[cos, sin, side / 2 - cos * x - sin * y], [-sin, cos, side / 2 + sin * x - cos * y]])


def _most_central(boxes: np.ndarray, side: int) -> int:
    """Row of the box nearest to the middle of a crop."""
    distances = [math.hypot(x1 + x2 - side, y1 + y2 - side) for x1, y1, x2, y2 in boxes.tolist()]
    return distances.index(min(distances))


def _to_image(box: np.ndarray, landmarks: np.ndarray, matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Landmarks and box of a crop in pixels of the image, and the roll that is left, degrees."""
    # A rotation and a scale: the inverse is the transpose over the square of the scale.
    (cos, sin, x), (_, _, y) = matrix.tolist()
    square = cos * cos + sin * sin
    scale = math.sqrt(square)
    x1, y1, x2, y2 = box.tolist()
    points = landmarks.tolist()
    *back, (middle_x, middle_y) = [
        (((point_x - x) * cos - (point_y - y) * sin) / square, ((point_x - x) * sin + (point_y - y) * cos) / square)
        for point_x, point_y in (*points, ((x1 + x2) / 2, (y1 + y2) / 2))
    ]
    half_x, half_y = (x2 - x1) / (2 * scale), (y2 - y1) / (2 * scale)
    (right_x, right_y), (left_x, left_y) = points[:2]
    return (
        np.array(back, np.float32),
        np.array([middle_x - half_x, middle_y - half_y, middle_x + half_x, middle_y + half_y], np.float32),
        math.degrees(math.atan2(left_y - right_y, left_x - right_x)),
    )
