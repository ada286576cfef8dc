"""Settings out of range are refused by name, and may be changed while in use."""

import pytest

from facetrack_ros.errors import ConfigError
from facetrack_ros.tracking.settings import TrackingSettings


@pytest.mark.parametrize(
    ("value", "names"),
    [
        (-1, ("max_gap_ns", "identity_wait_ns")),
        (-0.1, ("widening", "margin", "lost_iou_step", "far_widening", "appearance_widening")),
        (0, ("min_hits", "exit_after_ns", "template_size", "min_iou", "min_iou_unlikely")),
        (0.5, ("appearance_veto",)),
        (0.9, ("likely_score", "veto_distance")),
        (1.0, ("min_iou_lost", "max_lost_iou")),
        (1.1, ("sure_score",)),
    ],
)
def test_settings_out_of_range_are_refused_by_name(value, names):
    for name in names:
        with pytest.raises(ConfigError, match=name):
            TrackingSettings(**{name: value})


def test_a_holder_of_settings_sees_them_change():
    held = TrackingSettings()
    assert held.exit_after_ns == TrackingSettings().exit_after_ns
    held.replace_with(TrackingSettings(exit_after_ns=7))
    assert held.exit_after_ns == 7
    assert held.margin == TrackingSettings().margin
