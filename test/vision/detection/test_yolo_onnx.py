"""Graphs that Ultralytics exports give the same boxes without Ultralytics."""

import cv2
import numpy as np
import pytest

from facetrack_ros.errors import ModelError
from facetrack_ros.models import catalog
from facetrack_ros.vision.detection.ultralytics_runtime import load_yolo
from facetrack_ros.vision.detection.yolo_onnx import YoloPersonDetector
from facetrack_ros.vision.factory import open_model
from facetrack_ros.vision.settings import VisionSettings

SCORE, MAX_IOU, PERSON = 0.12, 0.53, 2  # PERSON as in the fixture yolo_weights


@pytest.fixture
def export(yolo_weights, tmp_path):
    """A function from a network's name and Ultralytics' export options to an ``.onnx`` file."""
    pytest.importorskip("onnx", reason="onnx, which exports, is not installed")

    def save(name, person="person", **options):
        net = load_yolo()(str(yolo_weights(name, person)))
        path = net.export(format="onnx", imgsz=(160, 192), simplify=False, **options)
        return type(tmp_path)(path).rename(tmp_path / f"{name}.onnx")

    return save


@pytest.fixture
def pictures():
    noise = np.random.default_rng(3).integers(0, 256, (60, 90, 3), np.uint8)
    sizes = ((640, 480), (1280, 720), (333, 501), (640, 480))
    return [cv2.resize(noise, size, interpolation=cv2.INTER_CUBIC) for size in sizes]


def by_ultralytics(path, picture):
    """Boxes and scores of persons, best first, without those that lie outside the picture."""
    net = load_yolo()(str(path), task="detect")
    options = {"conf": SCORE, "iou": MAX_IOU, "classes": [PERSON], "max_det": 10000, "imgsz": 192, "verbose": False}
    found = net.predict(picture, **options)[0].boxes
    boxes, scores = found.xyxy.numpy(), found.conf.numpy()
    visible = (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
    boxes, scores = boxes[visible], scores[visible]
    order = np.argsort(-scores, kind="stable")
    return boxes[order], scores[order]


SUPPRESSED = {"nms": True, "conf": 0.1}
OPTIONS_OF_V8 = [{}, {"dynamic": True}, {"batch": 2}, SUPPRESSED, SUPPRESSED | {"dynamic": True}]
OTHERS = [("yolov10n", {"nms": False}), ("yolo26n", {}), ("yolo26n", {"nms": False})]


@pytest.mark.parametrize(("name", "options"), [*(("yolov8n", each) for each in OPTIONS_OF_V8), *OTHERS], ids=str)
def test_boxes_are_those_of_ultralytics(export, pictures, name, options):
    path = export(name, **options)
    found = YoloPersonDetector(path, catalog.YOLO_ONNX, SCORE, MAX_IOU).detect(pictures)
    assert np.array_equal(found[0].boxes, found[3].boxes)
    for ours, picture in zip(found, pictures):
        boxes, scores = by_ultralytics(path, picture)
        assert len(ours) == len(boxes) > 10
        assert np.abs(ours.scores - scores).max() < 1e-5
        assert np.abs(ours.boxes - boxes).max() < 0.01


def test_one_setting_chooses_it(export):
    model, detector = open_model(f"yolo_onnx={export('yolov8n')}", "person", VisionSettings())
    assert model.contract.licence.startswith("AGPL")
    assert detector.model_id.startswith("yolo_onnx-yolov8n-")


def test_a_model_without_a_person_class_is_refused(export):
    path = export("yolov8n", person="pedestrian crossing")
    with pytest.raises(ModelError, match="detects no persons"):
        YoloPersonDetector(path, catalog.YOLO_ONNX)


def test_a_model_of_another_task_is_refused(yolo_weights, tmp_path):
    pytest.importorskip("onnx", reason="onnx, which exports, is not installed")
    load_yolo()("yolov8n-cls.yaml").save(str(tmp_path / "classifier.pt"))
    path = load_yolo()(str(tmp_path / "classifier.pt")).export(format="onnx", imgsz=64, simplify=False)
    with pytest.raises(ModelError, match="task is 'classify'"):
        YoloPersonDetector(type(tmp_path)(path), catalog.YOLO_ONNX)


def test_a_graph_of_another_maker_is_refused(models):
    with pytest.raises(ModelError, match="names no classes"):
        YoloPersonDetector(models / "yolox_nano.onnx", catalog.YOLO_ONNX)
