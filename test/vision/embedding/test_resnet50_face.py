"""torchvision's ResNet-50 with the weights of the file only, on unit rows."""

import pickle
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from facetrack_ros.core.face import Face
from facetrack_ros.errors import FrameError, ModelError
from facetrack_ros.models import catalog
from facetrack_ros.models.resolver import resolve
from facetrack_ros.vision.embedding.resnet50_face import Resnet50FaceEmbedder, load_resnet50
from facetrack_ros.vision.faces.alignment import ARCFACE_TEMPLATE, align
from facetrack_ros.vision.factory import open_embedder
from facetrack_ros.vision.settings import VisionSettings

torch = pytest.importorskip("torch", reason="torch is not installed")
torchvision = pytest.importorskip("torchvision", reason="torchvision is not installed")
PICTURE = np.random.default_rng(0).integers(0, 256, (200, 220, 3), np.uint8)


def face(shift=0.0):
    return Face(np.zeros(4, np.float32), (ARCFACE_TEMPLATE + shift).astype(np.float32), 0.9, 0.9)


@pytest.fixture(scope="module")
def embedder(random_resnet50):
    return Resnet50FaceEmbedder(random_resnet50, catalog.RESNET50, device="cpu")


@pytest.fixture
def state(random_resnet50):
    return torch.load(random_resnet50, weights_only=True)


@pytest.fixture
def saved(tmp_path):
    def save(state):
        torch.save(state, tmp_path / "weights.pth")
        return tmp_path / "weights.pth"

    return save


def test_it_equals_torchvision_on_the_aligned_face(embedder, state):
    network = torchvision.models.resnet50(weights=None)
    network.load_state_dict(state)
    network.fc = torch.nn.Identity()
    crop = align(PICTURE, face().landmarks)[:, :, ::-1].copy()
    normalise = torchvision.transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    with torch.no_grad():
        wanted = network.eval()(normalise(torch.from_numpy(crop).permute(2, 0, 1).float() / 255)[None]).numpy()[0]
    row = embedder.embed(PICTURE, [face()])[0]
    assert row.shape == (2048,)
    assert row.dtype == np.float32
    assert np.dot(row, wanted / np.linalg.norm(wanted)) > 1 - 1e-6


def test_faces_of_a_frame_are_one_batch_and_independent(embedder):
    faces = [face(shift) for shift in (0, 40, 80)]
    together = embedder.embed(PICTURE, faces)
    assert np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    assert np.allclose(together, np.concatenate([embedder.embed(PICTURE, [one]) for one in faces]), atol=1e-4)
    assert embedder.embed(PICTURE, []).shape == (0, 2048)


def test_no_image_and_no_landmarks_are_errors(embedder):
    with pytest.raises(FrameError):
        embedder.embed(PICTURE.astype(np.float32), [face()])
    with pytest.raises(ModelError, match="quality gate"):
        embedder.embed(PICTURE, [Face(np.zeros(4), np.full((5, 2), np.nan), 0.9, 0.9)])


def test_an_own_file_gets_an_id_of_its_own(random_resnet50):
    model, opened = open_embedder(VisionSettings(embedder=f"resnet50_imagenet={random_resnet50}"))
    assert opened.contract.id.startswith("resnet50_imagenet-")
    assert opened.contract.purpose == "appearance"
    assert model.contract.licence == "unknown"
    assert opened.contract.dimension == 2048


def test_the_classifier_does_not_matter(state, saved, embedder):
    wanted = embedder.embed(PICTURE, [face()])
    state["fc.weight"], state["fc.bias"] = torch.zeros(7, 2048), torch.zeros(7)
    other = Resnet50FaceEmbedder(saved(state), catalog.RESNET50, device="cpu").embed(PICTURE, [face()])
    del state["fc.weight"], state["fc.bias"]
    none = Resnet50FaceEmbedder(saved(state), catalog.RESNET50, device="cpu").embed(PICTURE, [face()])
    assert np.allclose(wanted, other, atol=1e-6)
    assert np.allclose(wanted, none, atol=1e-6)


def test_half_precision_weights_run_in_single_precision(state, saved):
    half = {name: value.half() if value.is_floating_point() else value for name, value in state.items()}
    embedder = Resnet50FaceEmbedder(saved(half), catalog.RESNET50, device="cpu")
    assert embedder.embed(PICTURE, [face()]).dtype == np.float32


def test_another_network_is_refused_with_its_first_difference(saved, state):
    for network in (torchvision.models.resnet18, torchvision.models.mobilenet_v2):
        with pytest.raises(ModelError, match="another network than torchvision's resnet50"):
            load_resnet50(saved(network(weights=None).state_dict()))
    state["layer5.weight"] = torch.zeros(1)
    with pytest.raises(ModelError, match=r"layer5.weight"):
        load_resnet50(saved(state))


def test_a_missing_weight_is_an_error(saved, state):
    del state["layer4.2.conv3.weight"]
    with pytest.raises(ModelError, match=r"layer4.2.conv3.weight"):
        load_resnet50(saved(state))


def test_weights_that_are_not_finite_are_an_error(saved, state):
    state["layer1.0.conv1.weight"][0, 0] = float("nan")
    with pytest.raises(ModelError, match="damaged"):
        load_resnet50(saved(state))


@pytest.mark.parametrize("content", [[1, 2], {"state_dict": {}}, {"conv1.weight": 3}], ids=["list", "nested", "number"])
def test_a_file_without_state_dict_is_an_error(saved, content):
    with pytest.raises(ModelError, match="no state dict"):
        load_resnet50(saved(content))


@settings(deadline=None, max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(share=st.floats(0, 0.9999))
def test_a_truncated_file_is_rejected(share, random_resnet50, tmp_path):
    cut = tmp_path / "cut.pth"
    whole = random_resnet50.read_bytes()
    cut.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(ModelError, match="cannot be read as weights"):
        load_resnet50(cut)


class Evil:
    def __reduce__(self):
        return (exec, ("raise SystemExit('run')",))


def test_a_file_that_would_run_code_is_rejected(tmp_path):
    for name, write in (
        ("plain.pth", lambda path: path.write_bytes(pickle.dumps(Evil()))),
        ("torch.pth", lambda path: torch.save({"conv1.weight": Evil()}, path)),
    ):
        write(tmp_path / name)
        with pytest.raises(ModelError, match="cannot be read as weights"):
            load_resnet50(tmp_path / name)


def test_a_model_of_another_task_is_refused(models):
    for name in ("yolox_nano.onnx", "yolov8n_int8_320.tflite"):
        with pytest.raises(ModelError, match="cannot be read as weights"):
            load_resnet50(models / name)


@pytest.mark.parametrize(("device", "told"), [("gpu", "must be auto, cpu, cuda"), ("cuda:99", "torch sees")])
def test_a_missing_device_is_an_error(random_resnet50, device, told):
    with pytest.raises(ModelError, match=told):
        Resnet50FaceEmbedder(random_resnet50, catalog.RESNET50, device=device)


def test_the_error_without_torch_says_what_to_install(monkeypatch, random_resnet50):
    monkeypatch.setitem(__import__("sys").modules, "torch", None)
    with pytest.raises(ModelError, match="facetrack models export"):
        load_resnet50(random_resnet50)


def test_without_its_file_the_model_is_missing_and_never_random():
    with pytest.raises(ModelError, match="resnet50_imagenet is not here"):
        resolve("resnet50_imagenet")
    with pytest.raises(ModelError, match="says 512 numbers"):
        Resnet50FaceEmbedder(None, replace(catalog.RESNET50, dimension=512))
