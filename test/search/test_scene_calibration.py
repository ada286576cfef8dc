"""The false-match curve of a scene."""

import numpy as np
import pytest

from facetrack_ros.history.sightings.scene import Scene
from facetrack_ros.models.contract import ModelContract
from facetrack_ros.search.scene_calibration import SceneCalibration

CURVE = ((0.2, 0.1), (0.3, 0.01), (0.4, 0.001), (0.5, 0.0001))
CONTRACT = ModelContract("net", "embedding", "onnx", "net.onnx", "", 1, "MIT", dimension=4, false_match_curve=CURVE)


def scene(similarities, couples, people):
    similarities = np.sort(np.asarray(similarities, float))
    weights = np.full(len(similarities), couples / len(similarities))
    return Scene({}, (), np.empty((0, 4), np.float32), similarities, weights, people)


def calibration(mean, couples=45, people=10):
    rng = np.random.default_rng(0)
    return SceneCalibration.of(scene(rng.normal(mean, 0.1, 25 * couples), couples, people), CONTRACT)


def test_scene_as_the_model_was_measured_moves_the_threshold_little():
    assert calibration(0.2 - 0.128).equivalent(0.5) == pytest.approx(0.5, abs=0.01)


def test_alike_people_lower_the_equivalent_threshold_more_with_more_pairs():
    assert calibration(0.2, 3, 3).equivalent(0.5) > calibration(0.2).equivalent(0.5)
    assert calibration(0.2).equivalent(0.5) < 0.45
    assert calibration(-0.1).equivalent(0.5) > 0.52


def test_error_falls_with_the_people_behind_it():
    few, many = calibration(0.1, 3, 3), calibration(0.1, 190, 20)
    assert few.error > many.error > 0
    assert few.equivalent(0.5, 1.96) < few.equivalent(0.5)
    assert (many.pairs, many.people) == (25 * 190, 20)


def test_nothing_is_known_without_pairs_or_a_curve():
    assert SceneCalibration.of(Scene.empty(4), CONTRACT) is None
    without = ModelContract("net", "embedding", "onnx", "net.onnx", "", 1, "MIT", dimension=4)
    assert SceneCalibration.of(scene([0.1, 0.2], 1, 2), without) is None
