"""Persons are added by faces that match no person found."""

import numpy as np

from facetrack_ros.core.detections import Detections, FaceDetections
from facetrack_ros.vision.detection.face_augmented import FaceAugmentedDetector
from facetrack_ros.vision.factory import build_pipeline
from facetrack_ros.vision.interfaces import PersonDetector
from facetrack_ros.vision.settings import VisionSettings

PICTURE = np.zeros((400, 600, 3), np.uint8)


class Persons(PersonDetector):
    model_id = "persons"

    def detect(self, images):
        boxes = np.array([[20, 10, 120, 310]], np.float32)
        return [Detections(boxes, np.array([0.8], np.float32), "persons")] * len(images)


class Faces:
    model_id = "faces"

    def detect(self, image, min_face_px):
        boxes = np.array([[40, 30, 90, 90], [420, 40, 470, 100], [300, 20, 310, 32]], np.float32)
        return FaceDetections(boxes, np.zeros((3, 5, 2), np.float32), np.array([0.9, 0.7, 0.6], np.float32))


def test_an_unmatched_face_becomes_a_person_unless_it_is_too_small():
    found = FaceAugmentedDetector(Persons(), Faces(), 24).detect([PICTURE])[0]
    assert len(found) == 2
    assert found.owners.tolist() == [0, 1, -1]
    x1, y1, x2, y2 = found.boxes[1]
    assert x1 < 420
    assert y1 < 40
    assert x2 > 470
    assert y2 <= 400
    assert found.scores.tolist() == [np.float32(0.8), np.float32(0.7)]
    assert found.model_id == "persons+faces"


def test_a_missed_person_is_found_in_a_real_picture(models, monkeypatch, astronaut):
    monkeypatch.setenv("FACETRACK_MODELS", str(models))
    settings = VisionSettings(whole_frame=True, person_score=0.999)
    pipeline = build_pipeline(settings)
    detections = pipeline.detect([astronaut])[0]
    assert len(detections) == 1
    (face,) = pipeline.faces(astronaut, detections)
    assert face.person == 0
    assert face.embedding is not None
