"""An embedder that runs elsewhere is known by the catalog, or by the file the configuration names."""

import pytest

from facetrack_ros.config import Config
from facetrack_ros.errors import ModelError
from facetrack_ros.models import catalog
from facetrack_ros.vision.settings import contract_of, vision_settings


def test_the_catalog_knows_its_own():
    assert contract_of(catalog.DLIB_RESNET.id, Config()) is catalog.DLIB_RESNET


def test_a_file_of_ones_own_is_known_by_the_same_setting_and_by_no_other(tmp_path):
    file = tmp_path / "own.onnx"
    file.write_bytes(b"weights of our own")
    config = Config({"embedder.model": f"{catalog.MOBILEFACENET.id}={file}"})
    own = contract_of("mobilefacenet_foamliu-" + _hash(file)[:8], config)
    assert own.dimension == catalog.MOBILEFACENET.dimension
    assert own.id != catalog.MOBILEFACENET.id
    with pytest.raises(ModelError, match="embedder.model"):
        contract_of(own.id, Config())
    with pytest.raises(ModelError, match="other"):
        contract_of("other", config)


def test_settings_reach_the_models():
    settings = vision_settings(Config({"detector.model": "faces", "faces.min_width_px": 40, "models.threads": 2}))
    assert (settings.person_model, settings.min_face_px, settings.threads) == ("faces", 40, 2)


def _hash(file):
    import hashlib

    return hashlib.sha256(file.read_bytes()).hexdigest()
