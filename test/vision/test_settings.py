"""Vision settings from the configuration, and contracts of embedders that run elsewhere."""

from dataclasses import replace

import pytest

from facetrack_ros.config import Config
from facetrack_ros.errors import ModelError
from facetrack_ros.models import catalog
from facetrack_ros.models.contract import write_contract
from facetrack_ros.models.download import sha256_of
from facetrack_ros.models.paths import cache_folder
from facetrack_ros.vision.embedding.reduced_face import reduced_contract
from facetrack_ros.vision.settings import contract_of, vision_settings

MEASURED = {"threshold": 0.97, "false_match_curve": ((0.97, 1e-3),), "measured_on": "our own people"}


def test_the_contract_of_a_catalog_model():
    assert contract_of(catalog.DLIB_RESNET.id, Config()) is catalog.DLIB_RESNET


def test_the_contract_of_an_own_file_needs_the_setting_that_names_it(tmp_path):
    file = tmp_path / "own.onnx"
    file.write_bytes(b"weights of our own")
    config = Config({"embedder.model": f"{catalog.MOBILEFACENET.id}={file}"})
    own = contract_of("mobilefacenet_foamliu-" + sha256_of(file)[:8], config)
    assert own.dimension == catalog.MOBILEFACENET.dimension
    assert own.id != catalog.MOBILEFACENET.id
    with pytest.raises(ModelError, match=r"embedder.model"):
        contract_of(own.id, Config())
    with pytest.raises(ModelError, match="other"):
        contract_of("other", config)


def test_settings_reach_the_models():
    settings = vision_settings(Config({"detector.model": "faces", "faces.min_width_px": 40, "models.threads": 2}))
    assert (settings.person_model, settings.min_face_px, settings.threads) == ("faces", 40, 2)


def test_embedder_settings_come_from_the_configuration():
    settings = vision_settings(Config({"face_tracking.embedding_dim": 512, "embedder.appearance_as_identity": True}))
    assert (settings.embedding_dim, settings.appearance_as_identity) == (512, True)


def test_the_contract_of_stored_embeddings_needs_the_same_permission_and_threshold():
    values = {"embedder.model": "resnet50_imagenet", "face_tracking.embedding_dim": 512}
    with pytest.raises(ModelError, match="cannot identify persons"):
        contract_of("resnet50_imagenet_seeded512", Config(values))
    values["embedder.appearance_as_identity"] = True
    with pytest.raises(ModelError, match="no similarity threshold"):
        contract_of("resnet50_imagenet_seeded512", Config(values))
    write_contract(replace(reduced_contract(catalog.RESNET50, 512), **MEASURED), cache_folder())
    assert contract_of("resnet50_imagenet_seeded512", Config(values)).threshold == 0.97
    with pytest.raises(ModelError, match="unknown here"):
        contract_of("resnet50_imagenet_seeded256", Config(values))
