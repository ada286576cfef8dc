"""The configuration chooses the tracker; impossible combinations are refused before the first frame."""

import pytest

from facetrack_ros.config import Config
from facetrack_ros.errors import ConfigError
from facetrack_ros.tracking.box_tracker import BoxTracker
from facetrack_ros.tracking.factory import body_threshold, tracker_factory, tracking_settings


def test_our_own_tracker_is_the_default_and_needs_no_library():
    assert isinstance(tracker_factory(Config(), 0.36)(), BoxTracker)


def test_times_are_given_in_seconds():
    settings = tracking_settings(Config({"tracking.exit_after_s": 1.5, "tracking.lost_for_s": 0.5}))
    assert (settings.exit_after_ns, settings.max_gap_ns) == (1_500_000_000, 500_000_000)


def test_each_appearance_model_has_its_own_scale():
    assert body_threshold(Config({"tracking.appearance": "osnet_x0_25_msmt17"})) == 0.65
    assert body_threshold(Config({"tracking.appearance": "colour_gradient_histogram"})) == 0.8
    assert body_threshold(Config({"tracking.appearance": "mine.onnx", "tracking.appearance_threshold": 0.5})) == 0.5


def test_a_library_tracker_refuses_appearance():
    with pytest.raises(ConfigError, match="appearance"):
        tracker_factory(
            Config({"tracking.association": "bytetrack", "tracking.appearance": "osnet_x0_25_msmt17"}), 0.36
        )
