"""Ultralytics weights find the same persons by the same protocol, without network, output or files."""

import importlib.util
import os
import shutil
import subprocess
import sys

import cv2
import numpy as np
import pytest

from facetrack_ros.errors import ModelError
from facetrack_ros.models import catalog
from facetrack_ros.models.resolver import resolve
from facetrack_ros.vision.detection.ultralytics_detector import UltralyticsPersonDetector
from facetrack_ros.vision.detection.ultralytics_runtime import load_yolo
from facetrack_ros.vision.factory import build_pipeline
from facetrack_ros.vision.inference.torch_device import torch_device
from facetrack_ros.vision.settings import VisionSettings


@pytest.fixture
def weights(models):
    if importlib.util.find_spec("ultralytics") is None:
        pytest.skip("the torch extra is not installed")
    pytest.importorskip("ai_edge_litert", reason="ai-edge-litert, which runs the .tflite weights, is not installed")
    return models / "yolov8n_int8_320.tflite"


def test_the_persons_of_two_pictures_are_found(weights, models):
    detector = UltralyticsPersonDetector(weights, resolve(f"ultralytics={weights}").contract, score=0.4)
    pictures = [cv2.imread(str(models.parent / "images" / name)) for name in ("bus.jpg", "zidane.jpg")]
    bus, zidane = detector.detect(pictures)
    assert len(bus) >= 3
    assert len(zidane) == 2
    height, width = pictures[0].shape[:2]
    assert (bus.boxes >= 0).all()
    assert (bus.boxes <= (width, height, width, height)).all()
    assert "yolov8n" in bus.model_id


def test_one_setting_chooses_it(weights, models, monkeypatch):
    monkeypatch.setenv("FACETRACK_MODELS", str(models))
    pipeline = build_pipeline(VisionSettings(person_model=f"ultralytics={weights}"))
    assert pipeline.describe()["person"]["licence"].startswith("AGPL")
    picture = cv2.imread(str(models.parent / "images" / "zidane.jpg"))
    faces = sorted(pipeline.faces(picture, pipeline.detect([picture])[0]), key=lambda face: face.quality)
    assert len(faces) == 2
    assert faces[1].embedding is not None
    assert "turned away" in faces[0].rejected, "turned to the side"


def test_a_damaged_file_is_refused(weights, tmp_path):
    damaged = tmp_path / "damaged.tflite"
    damaged.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(ModelError, match=r"damaged\.tflite"):
        UltralyticsPersonDetector(damaged, catalog.ULTRALYTICS)


def test_missing_weights_are_not_downloaded(tmp_path):
    with pytest.raises(ModelError, match="neither a model file"):
        resolve(f"ultralytics={tmp_path}/yolov8n.pt")


def noise(*shapes):
    random = np.random.default_rng(5)
    return [cv2.resize(random.integers(0, 256, (60, 90, 3), np.uint8), shape) for shape in shapes]


def test_images_of_one_shape_are_one_batch_and_independent(yolo_weights, monkeypatch):
    detector = UltralyticsPersonDetector(yolo_weights("yolov8n"), catalog.ULTRALYTICS, score=0.1)
    cameras = noise((320, 240), (320, 240), (200, 240), (320, 240))
    calls, predict = [], detector._predict
    monkeypatch.setattr(detector, "_predict", lambda images: (calls.append(len(images)), predict(images))[1])
    together = detector.detect(cameras)
    assert calls == [3, 1]
    for found, picture in zip(together, cameras):
        alone = detector.detect([picture])[0]
        assert len(found) == len(alone) > 10
        # Another batch size is another order of summation.
        assert np.abs(found.boxes - alone.boxes).max() < 0.1
        assert np.abs(found.scores - alone.scores).max() < 1e-3
    assert detector.detect([]) == []


@pytest.mark.parametrize("name", ["yolov8n", "yolo26n"])
def test_boxes_are_those_of_ultralytics_own_prediction(yolo_weights, name):
    detector = UltralyticsPersonDetector(yolo_weights(name), catalog.ULTRALYTICS, score=0.15, max_iou=0.53)
    net = load_yolo()(str(yolo_weights(name)))
    for picture in noise((640, 480), (500, 300)):
        found = detector.detect([picture])[0]
        boxes = net.predict(picture, conf=0.15, iou=0.53, classes=[2], verbose=False)[0].boxes
        order = np.argsort(-boxes.conf.numpy(), kind="stable")
        assert len(found) == len(boxes) > 10
        assert np.abs(found.boxes - boxes.xyxy.numpy()[order]).max() < 0.01


def test_weights_without_a_person_class_are_refused(yolo_weights):
    with pytest.raises(ModelError, match="detects no persons"):
        UltralyticsPersonDetector(yolo_weights("yolov8n", "tractor"), catalog.ULTRALYTICS)


def test_weights_of_another_task_are_refused(yolo_weights, tmp_path):
    load_yolo()("yolov8n-cls.yaml").save(str(tmp_path / "classifier.pt"))
    with pytest.raises(ModelError, match="no detector: its task is 'classify'"):
        UltralyticsPersonDetector(tmp_path / "classifier.pt", catalog.ULTRALYTICS)


def test_code_in_weights_does_not_run(yolo_weights, tmp_path):
    import torch

    class Trap:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "trapped"),)

    torch.save({"model": Trap()}, tmp_path / "trap.pt")
    with pytest.raises(ModelError, match=r"trap\.pt"):
        UltralyticsPersonDetector(tmp_path / "trap.pt", catalog.ULTRALYTICS)
    assert not (tmp_path / "trapped").exists()


def test_the_device_has_to_exist():
    torch = pytest.importorskip("torch", reason="the torch extra is not installed")
    assert torch_device("cpu") == "cpu"
    assert torch_device("auto") == ("cuda:0" if torch.cuda.is_available() else "cpu")
    with pytest.raises(ModelError, match="CUDA devices here"):
        torch_device(f"cuda:{torch.cuda.device_count() if torch.cuda.is_available() else 7}")
    for word in ("gpu", "cuda:-1", "CPU", ""):
        with pytest.raises(ModelError, match="must be auto, cpu, cuda or cuda:N"):
            torch_device(word)


def test_process_wide_settings_are_restored(yolo_weights):
    before = cv2.getNumThreads(), np.get_printoptions()
    cv2.setNumThreads(3)
    try:
        UltralyticsPersonDetector(yolo_weights("yolov8n"), catalog.ULTRALYTICS).detect(noise((64, 64)))
        assert cv2.getNumThreads() == 3
        assert np.get_printoptions() == before[1]
    finally:
        cv2.setNumThreads(before[0])


SILENT = """
import socket, sys
def refuse(*arguments, **options):
    print("asked the network", arguments, file=sys.stderr)
    raise OSError("no network in this test")
socket.getaddrinfo = socket.create_connection = refuse
socket.socket.connect = socket.socket.sendto = refuse
{before}
import numpy, pathlib
from facetrack_ros.models import catalog
from facetrack_ros.vision.detection.ultralytics_detector import UltralyticsPersonDetector
detector = UltralyticsPersonDetector(pathlib.Path(sys.argv[1]), catalog.ULTRALYTICS)
detector.detect([numpy.zeros((64, 64, 3), numpy.uint8)])
from ultralytics.nn import tasks
from ultralytics.utils import checks, events
assert not events.events.enabled and not events.events.events and not checks.AUTOINSTALL and tasks.SAFE_LOAD
"""
#: Other code in the process has imported it, online.
IMPORTED = """
import os
os.environ["YOLO_OFFLINE"] = "true"
import ultralytics.utils
ultralytics.utils.ONLINE = True
from ultralytics.utils import events
assert events.events.enabled
print("asked and told so far", flush=True)
"""


@pytest.mark.parametrize("before", ["", IMPORTED], ids=["first", "imported before"])
def test_no_network_no_output_no_files(yolo_weights, tmp_path, before):
    home, work, weights = tmp_path / "home", tmp_path / "work", tmp_path / "weights.pt"
    home.mkdir(), work.mkdir()
    shutil.copy(yolo_weights("yolov8n"), weights)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("YOLO_", "XDG_", "PYTEST_"))}
    environment = kept | {"HOME": str(home), "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-c", SILENT.format(before=before), str(weights)]
    done = subprocess.run(command, cwd=work, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    assert "asked the network" not in done.stderr
    if before:
        assert done.stdout.endswith("asked and told so far\n")
    else:
        assert done.stdout == ""
        assert list(home.rglob("*")) == [], "no settings file in the home folder"
    assert list(work.rglob("*")) == []
