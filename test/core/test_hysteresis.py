import math

import pytest

from facetrack_ros.core.hysteresis import Hysteresis


def test_face_work_stops_below_the_limit_and_goes_on_only_well_above_it():
    brake = Hysteresis(0.2, 0.25)
    states = []
    for charge in (0.9, 0.2, 0.199, 0.21, 0.24, 0.25, 0.21, 0.19):
        brake.update(charge)
        states.append(brake.active)
    assert states == [False, False, True, True, True, False, False, True]


def test_only_a_change_is_told():
    brake = Hysteresis(0.2, 0.25)
    assert [brake.update(charge) for charge in (0.5, 0.1, 0.1, 0.22, 0.3, 0.3)] == [
        False,
        True,
        False,
        False,
        True,
        False,
    ]


@pytest.mark.parametrize("unknown", [math.nan, math.inf, -0.1, 57.0])
def test_an_unknown_charge_changes_nothing(unknown):
    brake = Hysteresis(0.2, 0.25)
    assert not brake.update(unknown)
    assert not brake.active
    brake.update(0.1)
    assert not brake.update(unknown)
    assert brake.active


def test_limits_the_wrong_way_round_do_not_flutter():
    brake = Hysteresis(0.3, 0.1)
    assert [brake.update(charge) for charge in (0.25, 0.25, 0.25, 0.3)] == [True, False, False, True]
