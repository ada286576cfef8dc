"""``facetrack models export`` and ``quantize``: a checked model with its record, or a sentence and no model."""

from pathlib import Path

import numpy as np
import pytest

from facetrack_ros.cli.main import main
from facetrack_ros.core.face import Face
from facetrack_ros.errors import ModelError
from facetrack_ros.models import catalog
from facetrack_ros.models.paths import cache_folder
from facetrack_ros.vision.export import int8 as quantisation
from facetrack_ros.vision.faces.alignment import ARCFACE_TEMPLATE
from facetrack_ros.vision.factory import open_embedder
from facetrack_ros.vision.settings import VisionSettings

PICTURE = np.random.default_rng(0).integers(0, 256, (200, 220, 3), np.uint8)
FACES = [Face(np.zeros(4, np.float32), (ARCFACE_TEMPLATE + shift).astype(np.float32), 0.9, 0.9) for shift in (0, 60)]


@pytest.fixture(autouse=True)
def own_machine(monkeypatch, tmp_path):
    """No test downloads, and none sees the models of the user who runs it."""
    monkeypatch.setenv("FACETRACK_DOWNLOAD", "0")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("FACETRACK_MODELS", raising=False)


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """ResNet-50 before any training."""
    torch = pytest.importorskip("torch", reason="torch is not installed")
    models = pytest.importorskip("torchvision.models", reason="torchvision is not installed")
    pytest.importorskip("onnx", reason="onnx is not installed")
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "random.pth"
    torch.save(models.resnet50(weights=None).state_dict(), path)
    return path


@pytest.fixture
def data(real_data, monkeypatch):
    monkeypatch.setenv("FACETRACK_MODELS", str(real_data("models")))
    return real_data("")


@pytest.fixture
def run(capsys):
    """A function from arguments to exit code, what was printed and what was complained."""

    def call(*arguments):
        with pytest.raises(SystemExit) as left:
            main(["models", *map(str, arguments)])
        said = capsys.readouterr()
        return left.value.code, said.out, said.err

    return call


@pytest.fixture
def people(data, real_data, tmp_path):
    """Ten people of ORL, ten pictures each."""
    for person in range(1, 11):
        source = real_data(f"faces/att_faces/s{person}")
        (tmp_path / "people" / source.name).mkdir(parents=True)
        for picture in source.glob("*.pgm"):
            (tmp_path / "people" / source.name / picture.name).symlink_to(picture)
    return tmp_path / "people"


@pytest.mark.parametrize("dimension", [0, 128])
def test_an_exported_resnet_runs_without_torch_and_gives_the_same(run, weights, dimension, monkeypatch):
    wanted = VisionSettings(embedder=f"resnet50_imagenet={weights}", embedding_dim=dimension, device="cpu")
    expected = open_embedder(wanted)[1].embed(PICTURE, FACES)
    code, said, complained = run("export", "resnet50_imagenet", "--weights", weights, "--dimension", dimension)
    assert code == 0
    assert complained == ""
    made = said.partition(":")[0]
    assert made.endswith("_seeded128_onnx" if dimension else "_onnx")
    contract = catalog.find(made)
    assert contract.architecture == "onnx"
    assert contract.purpose == "appearance"
    assert contract.dimension == (dimension or 2048)
    assert contract.derived_from == made[: -len("_onnx")]
    assert contract.threshold == 0
    monkeypatch.setitem(__import__("sys").modules, "torch", None)
    model, embedder = open_embedder(VisionSettings(embedder=made))
    assert model.origin == "cache"
    rows = embedder.embed(PICTURE, FACES)
    assert np.sum(rows * expected, axis=1).min() > 0.9999


def test_principal_components_go_into_the_graph(run, weights, people, tmp_path, monkeypatch):
    options = ("--weights", weights, "--dimension", 4, "--pca", people / "s1", "--out", tmp_path / "made")
    code, said, complained = run("export", "resnet50_imagenet", *options)
    assert code == 0
    assert complained == ""
    assert "4 principal components of" in said
    assert "FACETRACK_MODELS" in said
    made = next(line.partition(":")[0] for line in said.splitlines() if "_pca4-" in line)
    monkeypatch.setenv("FACETRACK_MODELS", str(tmp_path / "made"))
    rows = open_embedder(VisionSettings(embedder=made))[1].embed(PICTURE, FACES)
    assert rows.shape == (2, 4)
    assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--pca", "."), "--pca needs --dimension"),
        (("--dimension", "2049"), "cannot be reduced to 2049"),
        (("--dimension", "9", "--pca", "/no/such/folder"), "is no folder"),
        (("--out", "/proc/nothing"), "cannot be written"),
    ],
)
def test_what_cannot_be_exported_is_told_and_leaves_nothing(run, weights, data, arguments, expected):
    code, _, complained = run("export", "resnet50_imagenet", "--weights", weights, *arguments)
    assert code == 2
    assert expected in complained
    assert not cache_folder().exists()


def test_only_a_resnet_is_exported_and_only_with_weights(run, data):
    assert "is no ResNet-50" in run("export", "mobilefacenet_foamliu")[2]
    assert "resnet50_imagenet is not here" in run("export", "resnet50_imagenet")[2]


def test_an_int8_version_comes_with_what_was_measured(run, people):
    pytest.importorskip("onnx", reason="onnx is not installed")
    # Where the processor has no VNNI sums of eight bits overflow, and the version made without this is too far off.
    bits = () if "vnni" in Path("/proc/cpuinfo").read_text() else ("--reduce-range",)
    options = ("--faces", people, "--upscale", 2, "--pad", 60, *bits)
    code, said, complained = run("quantize", "mobilefacenet_foamliu", *options)
    assert code == 0
    assert complained == ""
    for part in ("cosine to float32 0.99", "AUC float32", "times as fast", "on 10 people"):
        assert part in said
    contract = catalog.find("mobilefacenet_foamliu_int8")
    assert contract.derived_from == "mobilefacenet_foamliu"
    assert contract.purpose == "identity"
    assert 0.5 <= contract.threshold < 0.55
    assert "faces of people" in contract.measured_on
    assert len(contract.false_match_curve) > 2
    rows = open_embedder(VisionSettings(embedder=contract.id))[1].embed(PICTURE, FACES)
    assert np.sum(rows * open_embedder(VisionSettings())[1].embed(PICTURE, FACES), axis=1).min() > 0.9


def test_an_int8_version_that_is_too_far_off_is_not_offered(run, people, monkeypatch):
    pytest.importorskip("onnx", reason="onnx is not installed")
    monkeypatch.setattr(quantisation, "MIN_MEAN_COSINE", 0.99999)
    monkeypatch.setattr(quantisation, "CALIBRATION_FACES", 6)
    code, said, complained = run("quantize", "mobilefacenet_foamliu", "--faces", people, "--upscale", 2, "--pad", 60)
    assert code == 2
    assert "mobilefacenet_foamliu_int8 is not offered: its mean cosine to float32 is 0.9" in complained
    assert "calibrated by range" in said
    assert "calibrated by percentile" in said
    assert list(cache_folder().iterdir()) == []
    with pytest.raises(ModelError):
        catalog.find("mobilefacenet_foamliu_int8")


def test_too_few_faces_and_other_models_are_refused(run, data, weights):
    for model, expected in (
        ("mobilefacenet_foamliu", "do not calibrate a model"),
        ("osnet_x0_25_msmt17", "osnet_x0_25_msmt17 is no face embedder"),
        (f"resnet50_imagenet={weights}", "facetrack models export"),
    ):
        assert expected in run("quantize", model, "--faces", data / "images")[2]
