"""Pipelines that several users share."""

import pytest

from facetrack_ros.errors import ModelError
from facetrack_ros.vision.factory import build_pipeline
from facetrack_ros.vision.pipeline_pool import PipelinePool
from facetrack_ros.vision.settings import VisionSettings


class Pipeline:
    """As much of one as sharing needs."""

    contract = "a contract"

    def __init__(self, settings):
        self.settings, self.changed = settings, None

    def describe(self):
        return {"person": {"model": "net"}}

    def set_thresholds(self, person_score, min_face_px):
        self.changed = (person_score, min_face_px)


@pytest.fixture
def opened():
    return []


@pytest.fixture
def shared(opened):
    def build(settings):
        opened.append(Pipeline(settings))
        return opened[-1]

    return PipelinePool(VisionSettings(), build)


def test_pipelines_are_built_once_and_freed_after_the_last_user(shared, opened):
    assert shared.acquire("detector") is shared.acquire("embedder") is shared.acquire("embedder")
    shared.release("detector")
    assert shared.loaded
    shared.release("embedder")
    assert not shared.loaded
    assert len(opened) == 1
    assert shared.acquire("detector") is opened[1]


def test_reading_contract_and_description_holds_no_pipeline(shared, opened):
    assert shared.known_contract is None
    assert shared.contract == "a contract"
    assert shared.describe()["person"]["model"] == "net"
    assert not shared.loaded
    assert len(opened) == 1
    assert shared.known_contract == "a contract"


def test_thresholds_apply_to_later_pipelines(shared, opened):
    shared.acquire("detector")
    shared.set_thresholds(person_score=0.7)
    assert opened[0].changed == (0.7, None)
    shared.release("detector")
    shared.set_thresholds(min_face_px=40)
    shared.acquire("detector")
    assert (opened[1].settings.person_score, opened[1].settings.min_face_px) == (0.7, 40)


def test_a_failed_build_leaves_nothing_loaded():
    def build(settings):
        raise ModelError("no model is here")

    shared = PipelinePool(VisionSettings(), build)
    with pytest.raises(ModelError):
        shared.acquire("detector")
    assert not shared.loaded


@pytest.mark.parametrize("name", ["yolox_nano", "object_detection_nanodet_2022nov", "faces"])
def test_thresholds_can_be_changed_at_run_time(models, clip, monkeypatch, name):
    monkeypatch.setenv("FACETRACK_MODELS", str(models))
    pipeline = build_pipeline(VisionSettings(person_model=name))
    frame = clip("face-demographics-walking-and-pause.gif")[-1]
    assert len(pipeline.detect([frame])[0]) >= 2
    pipeline.set_thresholds(person_score=1.0, min_face_px=1000)
    assert len(pipeline.detect([frame])[0]) == 0
