"""INT8 models are compared with float32 on faces they were not calibrated on, and rejected beyond the limits."""

from dataclasses import replace

import numpy as np
import pytest

from facetrack_ros.errors import ModelError
from facetrack_ros.models.catalog import MOBILEFACENET, RESNET50
from facetrack_ros.models.contract import read_contract, write_contract
from facetrack_ros.vision.embedding.onnx_face import OnnxFaceEmbedder
from facetrack_ros.vision.export.calibration_faces import FaceCrops
from facetrack_ros.vision.export.int8 import (
    Comparison,
    compare_embedders,
    int8_contract,
    measured_contract,
    quantise_embedder,
    split_calibration,
)

RNG = np.random.default_rng(0)


def crops(count, people=None):
    names = np.array(people if people is not None else [""] * count)
    images = np.tile(np.arange(count, dtype=np.uint8)[:, None, None, None], (1, 2, 2, 3))
    return FaceCrops(images, names, count + 1)


def test_calibration_and_check_share_no_face_and_both_contain_each_person():
    people = np.repeat([f"p{n}" for n in range(10)], 12)
    calibration, held_out = split_calibration(crops(120, people))
    assert len(calibration) == 30
    assert len(held_out) == 90
    assert not set(calibration.crops[:, 0, 0, 0]) & set(held_out.crops[:, 0, 0, 0])
    assert set(calibration.people) == set(held_out.people) == set(people)


def test_too_few_faces_are_refused():
    with pytest.raises(ModelError, match=r"39 usable faces in 40 pictures do not calibrate .* at least 40"):
        split_calibration(crops(39))


@pytest.mark.parametrize(
    ("cosine", "auc", "objection"),
    [
        (0.99, None, ""),
        (0.979, None, "mean cosine to float32 is 0.9790"),
        (0.99, (0.999, 0.9971), ""),
        (0.99, (0.999, 0.9969), "AUC is 0.9969, that of float32 0.9990"),
        (0.99, (0.9, 0.95), ""),
        (float("nan"), None, "mean cosine"),
        (0.99, (0.9, float("nan")), "AUC"),
    ],
)
def test_a_model_beyond_the_limits_is_rejected(cosine, auc, objection):
    said = Comparison(np.array([cosine]), auc).objection
    assert (objection in said) if objection else said == ""


def measured(base, float32, int8):
    pair = (np.asarray(float32), np.asarray(int8))
    found = Comparison(np.array([0.99, 0.97]), (0.999, 0.998), pair)
    return measured_contract(int8_contract(base), base, found, "orl", 99, "range", False)


def test_the_threshold_rises_with_the_impostor_pairs_and_never_falls(tmp_path):
    strangers = RNG.normal(0.05, 0.12, 50_000).clip(-1, 1)
    higher = measured(MOBILEFACENET, strangers, strangers + 0.02)
    assert higher.threshold == pytest.approx(0.52, abs=0.0011)
    assert "0.02" in higher.measured_on
    lower = measured(MOBILEFACENET, strangers, strangers - 0.02)
    assert lower.threshold == 0.5
    assert "no more alike" in lower.measured_on
    for contract in (higher, lower):
        assert contract.id == "mobilefacenet_foamliu_int8"
        assert contract.derived_from == "mobilefacenet_foamliu"
        assert contract.false_match_curve[-1][0] >= 0.475
        assert "AUC 0.9980 (float32 0.9990)" in contract.measured_on
        assert read_contract(write_contract(contract, tmp_path)) == contract


def test_without_labels_the_threshold_is_taken_over():
    found = Comparison(np.array([0.99, 0.97]))
    contract = measured_contract(int8_contract(MOBILEFACENET), MOBILEFACENET, found, "crowd", 50, "range", True)
    assert contract.threshold == MOBILEFACENET.threshold
    assert contract.false_match_curve == MOBILEFACENET.false_match_curve
    assert "taken over from mobilefacenet_foamliu" in contract.measured_on
    assert "0.9800 on average, at least 0.9700" in contract.measured_on
    assert "seven bits" in contract.note


def test_a_model_without_a_threshold_gets_one_if_there_are_pairs_enough():
    strangers = RNG.uniform(0, 0.9, 50_000)
    base = replace(RESNET50, id="resnet50_imagenet_onnx", architecture="onnx")
    assert measured(base, strangers, strangers).threshold == pytest.approx(0.9, abs=0.002)
    assert measured(base, strangers[:2000], strangers[:2000]).threshold == 0
    assert measured(base, strangers, strangers).purpose == "appearance"


@pytest.fixture
def faces(full, clip):
    """Real faces out of two clips, ``who`` by clip side."""
    embedder, found = full._embedder, []
    for frame in clip("head-pose-face-detection-female-and-male.gif"):
        faces = [face for face in full.faces(frame, full.detect([frame])[0]) if not face.rejected]
        found += zip(embedder.input.crops(frame, faces), ("A" if face.bbox[0] < 180 else "B" for face in faces))
    return FaceCrops(np.stack([crop for crop, _ in found]), np.array([who for _, who in found]), len(found))


@pytest.fixture
def onnx():
    return pytest.importorskip("onnx", reason="onnx, which onnxruntime's tools need, is not installed")


def test_mobilefacenet_keeps_its_embeddings(models, faces, tmp_path, onnx):
    source = models / MOBILEFACENET.file
    float32 = OnnxFaceEmbedder(source, MOBILEFACENET)
    calibration, held_out = split_calibration(faces)
    quantise_embedder(source, float32, calibration, tmp_path / "int8.onnx")
    assert [file.name for file in tmp_path.iterdir()] == ["int8.onnx"]
    assert (tmp_path / "int8.onnx").stat().st_size < 0.4 * MOBILEFACENET.size
    found = compare_embedders(float32, OnnxFaceEmbedder(tmp_path / "int8.onnx", int8_contract(MOBILEFACENET)), held_out)
    assert found.cosines.mean() > 0.98
    assert len(found.cosines) == len(held_out)
    assert found.auc[0] - found.auc[1] <= 0.002
    assert found.objection == ""


@pytest.mark.parametrize(("reduce_range", "largest"), [(False, 127), (True, 64)])
def test_reduce_range_gives_weights_of_seven_bits(models, faces, tmp_path, onnx, reduce_range, largest):
    source, target = models / MOBILEFACENET.file, tmp_path / "int8.onnx"
    embedder = OnnxFaceEmbedder(source, MOBILEFACENET)
    quantise_embedder(source, embedder, faces.rows(np.arange(4)), target, reduce_range=reduce_range)
    items = [item for item in onnx.load(target).graph.initializer if item.data_type == onnx.TensorProto.INT8]
    weights = [onnx.numpy_helper.to_array(item) for item in items]
    assert max(np.abs(weight.astype(int)).max() for weight in weights) == largest


def test_a_file_that_is_no_graph_is_refused(tiny_onnx, tmp_path):
    contract = replace(MOBILEFACENET, input_size=(16, 16), dimension=4)
    good = OnnxFaceEmbedder(tiny_onnx(tmp_path / "tiny.onnx", np.ones((3, 4))), contract)
    (tmp_path / "cut.onnx").write_bytes((tmp_path / "tiny.onnx").read_bytes()[:50])
    some = FaceCrops(np.zeros((3, 16, 16, 3), np.uint8), np.array([""] * 3), 3)
    with pytest.raises(ModelError, match=r"cut\.onnx cannot be quantised"):
        quantise_embedder(tmp_path / "cut.onnx", good, some, tmp_path / "int8.onnx")
    assert not list(tmp_path.glob("fused*"))
