"""Which threshold a search uses: the request's, or that of the settings."""

from dataclasses import replace

import pytest

from facetrack_ros.errors import RequestError
from facetrack_ros.models.contract import ModelContract
from facetrack_ros.search.threshold_choice import choose_threshold
from facetrack_ros.settings import BacktrackSearchOptions

UNMEASURED = ModelContract("net", "embedding", "onnx", "net.onnx", "", 1, "MIT", threshold=0.35)
CONTRACT = replace(UNMEASURED, false_match_curve=((0.2, 1e-2), (0.3, 1e-3), (0.4, 1e-4), (0.5, 1e-5), (0.6, 1e-6)))
OPTIONS = BacktrackSearchOptions(operating_point="balanced")


@pytest.mark.parametrize(
    ("options", "threshold", "name", "chosen"),
    [
        (OPTIONS, 0.0, "", (0.4, "balanced")),
        (OPTIONS, 0.0, "wide", (0.3, "wide")),
        (OPTIONS, 0.45, "", (0.45, "")),
        (replace(OPTIONS, similarity_threshold=0.6), 0.0, "", (0.6, "")),
        (replace(OPTIONS, similarity_threshold=0.6), 0.0, "wide", (0.3, "wide")),
        (replace(OPTIONS, similarity_threshold=0.6), 0.45, "", (0.45, "")),
    ],
)
def test_the_request_comes_before_the_settings(options, threshold, name, chosen):
    assert choose_threshold(CONTRACT, options, threshold, name) == chosen


def test_a_model_without_a_curve_keeps_its_threshold_without_a_name():
    assert choose_threshold(UNMEASURED, OPTIONS) == (0.35, "")


def test_contradictions_and_unknown_names_are_refused():
    with pytest.raises(RequestError, match="not both"):
        choose_threshold(CONTRACT, OPTIONS, 0.4, "wide")
    with pytest.raises(RequestError, match="strict, balanced, wide"):
        choose_threshold(CONTRACT, OPTIONS, 0.0, "lax")
