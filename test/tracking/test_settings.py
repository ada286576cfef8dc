"""Settings out of range are refused by name, and may be changed while in use."""

import pytest

from facetrack_ros.errors import ConfigError
from facetrack_ros.tracking.settings import TrackingSettings


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("min_hits", 0),
        ("exit_after_ns", 0),
        ("max_gap_ns", -1),
        ("identity_wait_ns", -1),
        ("min_iou", 0.0),
        ("min_iou_lost", 1.0),
        ("widening", -0.1),
        ("margin", -0.1),
        ("veto_distance", 0.9),
        ("appearance_veto", 0.5),
        ("sure_score", 1.1),
        ("likely_score", 0.8),
        ("lost_iou_step", -0.1),
        ("max_lost_iou", 1.0),
        ("min_iou_unlikely", 0.0),
        ("far_widening", -1.0),
        ("appearance_widening", -1.0),
        ("template_size", 0),
    ],
)
def test_a_setting_out_of_range_is_refused_by_name(name, value):
    with pytest.raises(ConfigError, match=name):
        TrackingSettings(**{name: value})


def test_a_holder_of_settings_sees_them_change():
    held = TrackingSettings()
    assert held.exit_after_ns == TrackingSettings().exit_after_ns
    held.replace_with(TrackingSettings(exit_after_ns=7))
    assert held.exit_after_ns == 7
    assert held.margin == TrackingSettings().margin
