"""Appearance embedders: rejected as identity models unless allowed and calibrated; reduced under an id of their own."""

from dataclasses import replace

import numpy as np
import pytest

from facetrack_ros.errors import ModelError
from facetrack_ros.models import catalog
from facetrack_ros.models.contract import write_contract
from facetrack_ros.models.paths import cache_folder
from facetrack_ros.vision.embedding.reduced_face import reduced_contract, unreduced
from facetrack_ros.vision.factory import build_for_measuring, build_pipeline, open_embedder
from facetrack_ros.vision.settings import VisionSettings

MEASURED = {"threshold": 0.97, "false_match_curve": ((0.97, 1e-3),), "measured_on": "our own people"}


@pytest.fixture
def resnet(models, random_resnet50, monkeypatch):
    """Settings with a ResNet-50 on weights of one's own."""
    monkeypatch.setenv("FACETRACK_MODELS", str(models))
    return VisionSettings(person_model="faces", embedder=f"resnet50_imagenet={random_resnet50}")


def test_an_appearance_embedder_is_rejected_by_default(resnet):
    with pytest.raises(ModelError, match=r"cannot identify persons; .*embedder.appearance_as_identity"):
        build_pipeline(resnet)
    assert build_for_measuring(resnet).contract.purpose == "appearance"


def test_an_allowed_appearance_embedder_needs_a_measured_threshold(resnet):
    allowed = replace(resnet, appearance_as_identity=True)
    with pytest.raises(ModelError, match=r"has no similarity threshold.* facetrack eval faces DIR --write"):
        build_pipeline(allowed)
    own = build_for_measuring(resnet).contract
    write_contract(replace(own, **MEASURED), cache_folder())
    assert build_pipeline(allowed).contract.threshold == 0.97
    with pytest.raises(ModelError, match="cannot identify persons"):
        build_pipeline(resnet)


def test_a_reduced_embedder_is_calibrated_under_its_own_id(resnet, hopper):
    reduced = replace(resnet, embedding_dim=64, appearance_as_identity=True)
    model, embedder = open_embedder(reduced)
    contract = embedder.contract
    assert contract.id.endswith("_seeded64")
    assert contract.dimension == 64
    assert model.contract is contract
    assert contract.derived_from == contract.id[: -len("_seeded64")]
    assert contract.purpose == "appearance"
    write_contract(replace(contract, **MEASURED), cache_folder())
    pipeline = build_pipeline(reduced)
    assert pipeline.contract.threshold == 0.97
    face = pipeline.embed_reference(hopper)
    assert face.embedding.shape == (64,)
    assert np.isclose(np.linalg.norm(face.embedding), 1, atol=1e-5)
    assert open_embedder(replace(resnet, embedding_dim=2048))[1].contract == build_for_measuring(resnet).contract


def test_an_identity_embedder_cannot_be_reduced(models, monkeypatch):
    monkeypatch.setenv("FACETRACK_MODELS", str(models))
    with pytest.raises(ModelError, match="mobilefacenet_foamliu gives 128 numbers by which it was measured"):
        build_pipeline(VisionSettings(person_model="faces", embedding_dim=64))
    own = build_pipeline(VisionSettings(person_model="faces", embedding_dim=128))
    assert own.contract.id == "mobilefacenet_foamliu"


@pytest.mark.parametrize("dimension", [-1, 2049, 5000])
def test_an_impossible_dimension_is_an_error(dimension):
    with pytest.raises(ModelError, match="cannot be reduced"):
        reduced_contract(catalog.RESNET50, dimension)


def test_a_reduced_contract_names_its_base():
    reduced = reduced_contract(catalog.RESNET50, 512)
    assert reduced.id == "resnet50_imagenet_seeded512"
    assert reduced.derived_from == "resnet50_imagenet"
    assert (reduced.dimension, reduced.sha256, reduced.threshold) == (512, catalog.RESNET50.sha256, 0)
    assert unreduced(reduced) == catalog.RESNET50
    assert unreduced(catalog.RESNET50) is None
    assert reduced_contract(catalog.RESNET50, 0) is catalog.RESNET50


def test_the_record_of_another_model_with_that_id_is_ignored():
    write_contract(replace(reduced_contract(catalog.RESNET50, 512), sha256="0" * 64, **MEASURED), cache_folder())
    assert reduced_contract(catalog.RESNET50, 512).threshold == 0
