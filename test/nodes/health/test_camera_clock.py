"""Offset of a camera's clock, from the arrival of its frames."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from facetrack_ros.history.clock_offsets import OFF_NS, format_duration
from facetrack_ros.nodes.health.camera_clock import LEAST, CameraClock

NOON = 1_795_348_800 * 10**9
SECOND = 10**9


def clock_of(behind, frames=20, late=()):
    clock = CameraClock()
    for number in range(frames):
        clock.add(
            NOON + number * SECOND // 10 - behind,
            NOON + number * SECOND // 10 + (late[number] if number < len(late) else 0),
        )
    return clock


@example(behind=2**53 + 1, delays=[0] * 20)
@given(behind=st.integers(-(10**17), 10**17), delays=st.lists(st.integers(0, 200_000_000), min_size=20, max_size=20))
def test_the_difference_is_measured_to_within_the_delay_of_frames(behind, delays):
    clock = clock_of(behind, late=delays)
    assert behind <= clock.behind_ns <= behind + max(delays)
    assert clock.off == (abs(clock.behind_ns) > OFF_NS)


def test_a_few_late_frames_do_not_change_the_offset():
    assert clock_of(0, late=[3600 * SECOND] * 8).behind_ns == 0


def test_too_few_frames_give_no_offset():
    assert clock_of(3600 * SECOND, LEAST - 1).behind_ns is None
    assert not clock_of(3600 * SECOND, LEAST - 1).off
    unknown = CameraClock()
    for _ in range(20):
        unknown.add(NOON, None)  # no /clock yet
    assert unknown.behind_ns is None


@pytest.mark.parametrize(
    ("behind", "expected"),
    [
        (93 * SECOND, "the clock of camera front is 93.0 s behind the robot's"),
        (-2 * SECOND, "is 2.0 s ahead of the robot's"),
        (21 * 86_400 * SECOND, "is 21 days behind"),
        (300_000_000, None),
    ],
)
def test_the_sentence_gives_size_and_direction(behind, expected):
    sentence = clock_of(behind).sentence("front")
    assert expected in sentence if expected else sentence == ""


def test_durations_are_formatted_in_a_fitting_unit():
    assert [format_duration(round(seconds * SECOND)) for seconds in (0.25, 90, 600, 7200, 14_400, 864_000)] == [
        "0.2 s",
        "90.0 s",
        "10 min",
        "120 min",
        "4 h",
        "10 days",
    ]
