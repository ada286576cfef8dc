"""Idle, tracking, lost, idle: in stamps, never in wall time."""

import pytest

from facetrack_ros.tracking.settings import TrackingSettings
from facetrack_ros.tracking.track_states import TrackStateMachine

SECOND = 10**9


def states(machine, steps):
    """Of ``(time in seconds, seen?)``."""
    shown = []
    for time_s, seen in steps:
        stamp_ns = round(time_s * SECOND)
        machine.seen(stamp_ns, 0.5) if seen else machine.missed()
        shown.append(machine.state(stamp_ns).name)
    return shown


def test_idle_tracking_lost_idle():
    machine = TrackStateMachine(TrackingSettings(lost_after_frames=3, max_gap_ns=2 * SECOND))
    assert states(
        machine, [(0, True), (0.1, True), (0.2, False), (0.3, False), (0.4, False), (2.1, False), (2.2, False)]
    ) == ["IDLE", "TRACKING", "TRACKING", "TRACKING", "LOST", "LOST", "IDLE"]


def test_seen_again_it_is_tracked_again_and_frames_count_anew():
    machine = TrackStateMachine(TrackingSettings(lost_after_frames=2))
    assert states(
        machine, [(0, True), (0.1, True), (0.2, False), (0.3, False), (0.4, True), (0.5, False), (0.6, False)]
    ) == ["IDLE", "TRACKING", "TRACKING", "LOST", "TRACKING", "TRACKING", "LOST"]


def test_hits_far_apart_do_not_confirm_a_track():
    machine = TrackStateMachine(TrackingSettings(confirm_within_ns=SECOND))
    assert states(machine, [(0, True), (1.5, True), (3, True), (3.2, True)]) == ["IDLE", "IDLE", "IDLE", "TRACKING"]


@pytest.mark.parametrize(
    ("passed_s", "face", "confidence"), [(0.5, False, 0.6), (0.51, False, 0.5), (0.5, True, 0.75), (0.9, True, 0.65)]
)
def test_confidence_rises_when_seen_again_and_when_the_face_agrees(passed_s, face, confidence):
    machine = TrackStateMachine(TrackingSettings())
    machine.seen(7 * SECOND, 0.5)
    machine.seen(7 * SECOND + round(passed_s * SECOND), 0.5, face)
    assert machine.confidence == pytest.approx(confidence)


def test_confidence_is_never_above_one():
    machine = TrackStateMachine(TrackingSettings())
    for step in range(9):
        machine.seen(step, 0.95, True)
    assert machine.confidence == 1.0
