import math

import pytest

from facetrack_ros.nodes.inputs.hysteresis import Hysteresis


def test_it_goes_on_below_one_limit_and_off_at_the_other():
    switch = Hysteresis(0.2, 0.25)
    states = []
    for charge in (0.9, 0.2, 0.199, 0.21, 0.24, 0.25, 0.21, 0.19):
        switch.update(charge)
        states.append(switch.active)
    assert states == [False, False, True, True, True, False, False, True]


def test_update_returns_whether_the_switch_changed():
    switch = Hysteresis(0.2, 0.25)
    changed = [switch.update(charge) for charge in (0.5, 0.1, 0.1, 0.22, 0.3, 0.3)]
    assert changed == [False, True, False, False, True, False]


@pytest.mark.parametrize("unknown", [math.nan, math.inf, -0.1, 57.0])
def test_a_value_out_of_range_changes_nothing(unknown):
    switch = Hysteresis(0.2, 0.25)
    assert not switch.update(unknown)
    assert not switch.active
    switch.update(0.1)
    assert not switch.update(unknown)
    assert switch.active


def test_swapped_limits_do_not_oscillate():
    switch = Hysteresis(0.3, 0.1)
    assert [switch.update(charge) for charge in (0.25, 0.25, 0.25, 0.3)] == [True, False, False, True]
