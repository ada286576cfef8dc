import shutil

import numpy as np
import pytest

from facetrack_ros.errors import ModelError
from facetrack_ros.vision.factory import build_pipeline
from facetrack_ros.vision.settings import VisionSettings


@pytest.fixture
def folder(monkeypatch, tmp_path):
    monkeypatch.setenv("FACETRACK_MODELS", str(tmp_path))
    return tmp_path


def test_persons_are_taken_from_faces_without_a_person_model(models, folder):
    for name in ("face_detection_yunet_2023mar.onnx", "mobilefacenet_foamliu.onnx"):
        shutil.copy(models / name, folder)
    said = build_pipeline().describe()
    assert said["person"]["model"] == "persons_from_face_detection_yunet_2023mar"
    assert "yolox_nano is not here" in said["person"]["rejected"]
    assert said["face"]["licence"] == "MIT"


def test_a_damaged_model_is_skipped_and_reported(models, folder):
    shutil.copy(models / "face_detection_yunet_2023mar.onnx", folder)
    shutil.copy(models / "mobilefacenet_foamliu.onnx", folder)
    (folder / "yunet_n_640_640.onnx").write_bytes(b"damaged")
    face = build_pipeline().describe()["face"]
    assert face["model"] == "face_detection_yunet_2023mar"
    assert "is refused: its sha256" in face["rejected"]


def test_a_named_model_is_not_replaced_by_another(models, folder):
    shutil.copy(models / "yunet_n_640_640.onnx", folder)
    shutil.copy(models / "mobilefacenet_foamliu.onnx", folder)
    with pytest.raises(ModelError, match="yolox_nano is not here"):
        build_pipeline(VisionSettings(person_model="yolox_nano"))


def test_a_model_of_another_task_is_refused(models, monkeypatch):
    monkeypatch.setenv("FACETRACK_MODELS", str(models))
    with pytest.raises(ModelError, match="is a model for the task 'embedding', not 'face'"):
        build_pipeline(VisionSettings(face_model="mobilefacenet_foamliu"))


def test_an_own_file_follows_the_named_contract(models, monkeypatch, tmp_path):
    monkeypatch.setenv("FACETRACK_MODELS", str(models))
    own = tmp_path / "own.onnx"
    own.write_bytes((models / "mobilefacenet_foamliu.onnx").read_bytes() + b"\xfa\x07\x00")  # an unknown field
    settings = VisionSettings(person_model="faces", embedder=f"mobilefacenet_foamliu={own}")
    contract = build_pipeline(settings).contract
    assert contract.id.startswith("mobilefacenet_foamliu-")
    assert contract.licence == "unknown"


@pytest.mark.parametrize("face_model", ["auto", "centerface", "dlib-hog"])
def test_models_of_both_families_work_together(models, monkeypatch, face_model, astronaut):
    monkeypatch.setenv("FACETRACK_MODELS", str(models))
    try:
        pipeline = build_pipeline(VisionSettings(face_model=face_model, embedder="dlib_resnet_v1"))
    except ModelError as error:
        pytest.skip(str(error))
    detections = pipeline.detect([astronaut])[0]
    best = max(pipeline.faces(astronaut, detections), key=lambda face: face.quality)
    reference = pipeline.embed_reference(astronaut[20:260, 100:360])
    assert np.dot(best.embedding, reference.embedding) > pipeline.contract.threshold
