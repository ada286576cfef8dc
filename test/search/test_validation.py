"""Invalid requests are refused with a sentence."""

from dataclasses import replace

import numpy as np
import pytest

from facetrack_ros.errors import RequestError
from facetrack_ros.models.contract import ModelContract
from facetrack_ros.search.request import SearchRequest
from facetrack_ros.search.validation import validate_request

CONTRACT = ModelContract("net", "embedding", "onnx", "net.onnx", "", 1, "MIT", dimension=4, threshold=0.35)
GOOD = SearchRequest("s1", np.array([1, 0, 0, 0], np.float32), "net")


def test_a_valid_request_passes():
    validate_request(GOOD, CONTRACT)
    validate_request(replace(GOOD, threshold=1.0, window_ns=5, time_ns=-5, max_results=1), CONTRACT)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"search_id": ""}, "id of its own"),
        ({"model_id": "other"}, "embed the face with net"),
        ({"model_id": ""}, "no named model"),
        ({"embedding": np.zeros(4)}, "all zeros"),
        ({"embedding": np.ones(4)}, "length 2"),
        ({"embedding": np.full(4, np.nan)}, "NaN"),
        ({"embedding": np.array([1, np.inf, 0, 0])}, "infinity"),
        ({"embedding": np.array([1.0, 0, 0])}, "4 numbers"),
        ({"embedding": np.array([[1.0, 0, 0, 0]])}, "shape"),
        ({"threshold": -0.1}, "from 0 to 1"),
        ({"threshold": 1.5}, "from 0 to 1"),
        ({"threshold": float("nan")}, "from 0 to 1"),
        ({"window_ns": -1}, "time window"),
        ({"max_results": -1}, "max_results"),
        ({"max_results": 10**9}, "max_results"),
        ({"timeout_ns": 0}, "timeout"),
        ({"cameras": tuple(f"camera{n}" for n in range(1000))}, "1000 cameras are named; name at most 200"),
        ({"robots": ("robot1", "")}, "empty"),
        ({"cameras": ("x" * 300,)}, "longer than 255"),
        ({"search_id": "a\nb"}, "printable"),
    ],
)
def test_an_invalid_request_is_refused(change, sentence):
    with pytest.raises(RequestError, match=sentence):
        validate_request(replace(GOOD, **change), CONTRACT)


def test_zero_selects_the_default():
    assert GOOD.threshold_for(CONTRACT) == 0.35
    assert replace(GOOD, threshold=0.5).threshold_for(CONTRACT) == 0.5
    assert GOOD.result_limit == 20
    assert replace(GOOD, max_results=3).result_limit == 3


def test_a_window_reaches_to_both_sides_and_none_means_everything():
    assert replace(GOOD, time_ns=100, window_ns=30).time_range == (70, 130)
    start, end = replace(GOOD, time_ns=100).time_range
    assert start < -(10**18)
    assert end > 10**18
    assert replace(GOOD, time_ns=2**63 - 1, window_ns=2**62).time_range[1] == 2**63 - 1


def test_a_time_range_in_the_future_is_refused():
    now = 10**18
    soon = replace(GOOD, time_ns=now + 3600 * 10**9, window_ns=60 * 10**9)
    with pytest.raises(RequestError, match="3540 s from now"):
        validate_request(soon, CONTRACT, now)
    validate_request(soon, CONTRACT)
    validate_request(replace(soon, window_ns=3600 * 10**9), CONTRACT, now)
    validate_request(replace(soon, time_ns=now + 100 * 10**9), CONTRACT, now)  # clocks differ
    validate_request(replace(soon, window_ns=0), CONTRACT, now)  # all that is kept
