"""Person detector that adds persons by their faces where another detector missed them."""

from collections.abc import Sequence

import numpy as np

from facetrack_ros.core.boxes import clip
from facetrack_ros.core.detections import Detections
from facetrack_ros.core.image import as_bgr
from facetrack_ros.vision.detection.from_faces import person_boxes
from facetrack_ros.vision.faces.person_matching import match_faces_to_persons
from facetrack_ros.vision.interfaces import FaceDetector, PersonDetector


class FaceAugmentedDetector(PersonDetector):
    """Searches the whole image for faces, too; a face that matches no person becomes one.

    :param min_face_px: smallest face searched for, pixels; may be set.
    """

    def __init__(self, persons: PersonDetector, faces: FaceDetector, min_face_px: float):
        self.model_id = f"{persons.model_id}+{faces.model_id}"
        self.min_face_px: float = min_face_px
        self.batches = persons.batches
        self._persons = persons
        self._faces = faces

    @property
    def min_score(self) -> float | None:
        """Lowest confidence of a person by the person detector, 0..1; may be set."""
        return self._persons.min_score

    @min_score.setter
    def min_score(self, score: float | None) -> None:
        self._persons.min_score = score

    def detect(self, images: Sequence[np.ndarray]) -> list[Detections]:
        """Persons in each image, with all faces found; those of the person detector first."""
        return [self._with_faces(as_bgr(image), found) for image, found in zip(images, self._persons.detect(images))]

    def _with_faces(self, image: np.ndarray, persons: Detections) -> Detections:
        faces = self._faces.detect(image, self.min_face_px)
        owners = match_faces_to_persons(faces.boxes, persons.boxes)
        missed = np.flatnonzero((owners < 0) & (faces.boxes[:, 2] - faces.boxes[:, 0] >= self.min_face_px))
        owners[missed] = len(persons) + np.arange(len(missed))
        boxes = clip(person_boxes(faces.boxes[missed]), image.shape[1], image.shape[0])
        return Detections(
            np.concatenate([persons.boxes, boxes]),
            np.concatenate([persons.scores, faces.scores[missed]]),
            self.model_id,
            faces,
            owners,
            low_score_edge_boxes=persons.low_score_edge_boxes,
        )
