"""Weights of Ultralytics find the same people, through the same protocol."""

import cv2
import pytest

from facetrack_ros.errors import ModelError
from facetrack_ros.vision.build import VisionSettings, build_pipeline
from facetrack_ros.vision import catalog
from facetrack_ros.vision.resolve import resolve
from facetrack_ros.vision.ultralytics_detector import UltralyticsPersonDetector


@pytest.fixture
def weights(models):
    pytest.importorskip("ultralytics", reason="the torch extra is not installed")
    pytest.importorskip("ai_edge_litert", reason="ai-edge-litert, which runs the .tflite weights, is not installed")
    return models / "yolov8n_int8_320.tflite"


def test_three_persons_stand_at_the_bus_and_two_in_the_other_picture(weights, models):
    detector = UltralyticsPersonDetector(weights, resolve(f"ultralytics={weights}").contract, score=0.4)
    pictures = [cv2.imread(str(models.parent / "images" / name)) for name in ("bus.jpg", "zidane.jpg")]
    bus, zidane = detector.detect(pictures)
    assert len(bus) >= 3 and len(zidane) == 2
    height, width = pictures[0].shape[:2]
    assert (bus.boxes >= 0).all() and (bus.boxes <= (width, height, width, height)).all()
    assert "yolov8n" in bus.model_id


def test_it_is_one_key_away(weights, models, monkeypatch):
    monkeypatch.setenv("FACETRACK_MODELS", str(models))
    pipeline = build_pipeline(VisionSettings(person_model=f"ultralytics={weights}"))
    assert pipeline.describe()["person"]["licence"].startswith("AGPL")
    picture = cv2.imread(str(models.parent / "images" / "zidane.jpg"))
    faces = sorted(pipeline.faces(picture, pipeline.detect([picture])[0]), key=lambda face: face.quality)
    assert len(faces) == 2 and faces[1].embedding is not None
    assert "turned away" in faces[0].rejected, "he looks to the side"


def test_a_damaged_file_is_told(weights, tmp_path):
    damaged = tmp_path / "damaged.tflite"
    damaged.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(ModelError, match="damaged.tflite"):
        UltralyticsPersonDetector(damaged, catalog.ULTRALYTICS)


def test_weights_that_are_not_there_are_not_downloaded(tmp_path):
    with pytest.raises(ModelError, match="neither a model file"):
        resolve(f"ultralytics={tmp_path}/yolov8n.pt")
