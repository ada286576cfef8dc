"""Person detector that takes persons from their faces, where there is no person model."""

from collections.abc import Sequence

import numpy as np

from facetrack_ros.core.boxes import clip
from facetrack_ros.core.detections import PERSONS_FROM, Detections
from facetrack_ros.core.image import as_bgr
from facetrack_ros.vision.interfaces import FaceDetector, PersonDetector

# A standing adult is about seven and a half heads tall: five face heights below the face are the knees, three face
# widths the shoulders.
WIDTH_IN_FACES = 3.0
ABOVE_IN_FACES = 0.5
BELOW_IN_FACES = 5.0


class FacePersonDetector(PersonDetector):
    """A person for each face found; persons whose face is not visible are missed.

    :param min_face_px: smallest face searched for, pixels; may be set.
    """

    def __init__(self, faces: FaceDetector, min_face_px: float):
        self.model_id = f"{PERSONS_FROM}{faces.model_id}"
        self.min_face_px: float = min_face_px
        self._faces = faces

    def detect(self, images: Sequence[np.ndarray]) -> list[Detections]:
        """Persons in each image, with their faces."""
        return [self._detect(as_bgr(image)) for image in images]

    def _detect(self, image: np.ndarray) -> Detections:
        faces = self._faces.detect(image, self.min_face_px)
        boxes = clip(person_boxes(faces.boxes), image.shape[1], image.shape[0])
        return Detections(boxes, faces.scores, self.model_id, faces, np.arange(len(faces)))


def person_boxes(faces: np.ndarray) -> np.ndarray:
    """``(n, 4)`` float32 boxes of the persons whose faces are ``(n, 4)``, not clipped to the image."""
    width, height = faces[:, 2] - faces[:, 0], faces[:, 3] - faces[:, 1]
    x, half = (faces[:, 0] + faces[:, 2]) / 2, width * WIDTH_IN_FACES / 2
    top, bottom = faces[:, 1] - ABOVE_IN_FACES * height, faces[:, 3] + BELOW_IN_FACES * height
    return np.stack([x - half, top, x + half, bottom], axis=1).astype(np.float32)
