"""Boxes of a low score are reported apart, only those at an edge."""

import numpy as np

from facetrack_ros.core.detections import Detections
from facetrack_ros.vision.detection.edge_boxes import LowScoreEdgeDetector
from facetrack_ros.vision.factory import build_pipeline
from facetrack_ros.vision.interfaces import PersonDetector
from facetrack_ros.vision.settings import VisionSettings

PICTURE = np.zeros((100, 200, 3), np.uint8)
LEFT, MIDDLE, RIGHT = (0, 10, 20, 90), (80, 10, 120, 90), (180, 10, 200, 90)
TOP, BOTTOM = (80, 0, 120, 40), (80, 70, 120, 100)


class Persons(PersonDetector):
    model_id = "persons"

    def detect(self, images):
        boxes = np.array([MIDDLE, LEFT, MIDDLE, LEFT, RIGHT, TOP, BOTTOM], np.float32)
        return [Detections(boxes, np.array([0.9, 0.4, 0.3, 0.2, 0.1, 0.1, 0.1], np.float32), "persons")] * len(images)


def test_below_the_score_only_boxes_at_an_edge_are_kept():
    found = LowScoreEdgeDetector(Persons(), 0.4).detect([PICTURE])[0]
    assert found.boxes.tolist() == [list(MIDDLE), list(LEFT)]
    assert len(found.scores) == 2
    assert found.low_score_edge_boxes.tolist() == [list(LEFT), list(RIGHT), list(TOP), list(BOTTOM)]
    assert found.model_id == "persons"


def test_low_score_boxes_change_no_person(models, monkeypatch, astronaut):
    monkeypatch.setenv("FACETRACK_MODELS", str(models))
    picture = astronaut[:, :200]  # half of her
    settings = (VisionSettings(person_score=0.6, faint_score=score) for score in (1.0, 0.02))
    plain, asked = (build_pipeline(each).detect([picture])[0] for each in settings)
    assert plain.low_score_edge_boxes is None
    assert asked.low_score_edge_boxes is not None
    assert np.array_equal(plain.boxes, asked.boxes)
    assert np.array_equal(plain.scores, asked.scores)
