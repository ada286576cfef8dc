"""Settings that cannot be are refused by name."""

import pytest

from facetrack_ros.errors import ConfigError
from facetrack_ros.tracking.settings import LiveSettings, TrackingSettings


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("min_hits", 0),
        ("exit_after_ns", 0),
        ("max_gap_ns", -1),
        ("identity_wait_ns", -1),
        ("min_iou", 0.0),
        ("min_iou_lost", 1.0),
        ("reach", -0.1),
        ("margin", -0.1),
        ("veto_distance", 0.9),
        ("body_veto", 0.5),
        ("sure_score", 1.1),
        ("likely_score", 0.8),
        ("doubt_a_frame", -0.1),
        ("most_doubt", 1.0),
        ("min_iou_unlikely", 0.0),
        ("far_reach", -1.0),
        ("body_reach", -1.0),
        ("template_size", 0),
    ],
)
def test_a_setting_out_of_range_is_refused_by_name(name, value):
    with pytest.raises(ConfigError, match=name):
        TrackingSettings(**{name: value})


def test_whoever_holds_live_settings_sees_them_change():
    held = LiveSettings(TrackingSettings())
    assert held.exit_after_ns == TrackingSettings().exit_after_ns
    held.change(TrackingSettings(exit_after_ns=7))
    assert held.exit_after_ns == 7
    assert held.margin == TrackingSettings().margin
