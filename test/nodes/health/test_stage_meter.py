"""A frame that arrives in a stage is finished, dropped or failed; figures and diagnosis of a stage."""

import math
import re

from hypothesis import given
from hypothesis import strategies as st

from facetrack_ros.nodes.health.stage_meter import StageMeter
from facetrack_ros.nodes.health.status import ERROR, OK, STALE, WARN, stage_diagnosis


def run(frames, hz=30.0, each=1, took_s=0.01):
    """A camera at a rate, of which every ``each``-th frame is finished."""
    meter = StageMeter(100.0)
    for number in range(frames):
        meter.arrived(number, 100.0 + number / hz)
        if number % each == each - 1:
            meter.finished(number, 100.0 + number / hz + took_s, took_s)
    return meter, 100.0 + frames / hz


def test_a_stage_that_keeps_up_is_ok():
    meter, now = run(300)
    figures = meter.figures(now)
    assert (figures.frames, figures.dropped, figures.failed) == (300, 0, 0)
    assert abs(figures.rate_in - 30) < 0.5
    assert abs(figures.rate_out - 30) < 0.5
    assert round(figures.took_ms) == round(figures.waited_ms) == 10
    found = stage_diagnosis("front", "detector", figures, "detection")
    assert (found.thing, found.level, found.sentence) == ("front detector", OK, "30.0 frames a second")


def test_a_starved_stage_warns_of_its_drops():
    meter, now = run(300, each=3, took_s=0.1)
    figures = meter.figures(now)
    assert figures.dropped == 200
    found = stage_diagnosis("front", "detector", figures, "detection")
    assert found.level == WARN
    assert re.fullmatch(
        r"(29|30)\.\d frames a second arrive and (9|10)\.\d are processed: 6[67] % are dropped, 200 so far; "
        r"detection takes 100 ms a frame",
        found.sentence,
    )
    assert found.values["dropped"] == "200"
    assert found.values["detection (ms)"] == "100.0"


def test_frames_lost_before_arrival_are_a_warning():
    meter, now = run(300)
    meter.lost(100, now)
    found = stage_diagnosis("front", "detector", meter.figures(now), "detection")
    assert found.level == WARN
    assert "40 % are dropped, 0 so far, and 100 got lost on the way" in found.sentence


def test_unusable_images_are_reported_rather_than_silence():
    meter = StageMeter(100.0)
    meter.failed(None, 108.0, "an image came without data: check the driver")
    found = stage_diagnosis("front", "detector", meter.figures(108.5))
    assert (found.level, found.sentence) == (
        ERROR,
        "no frame that can be used: an image came without data: check the driver",
    )
    assert (
        stage_diagnosis("front", "detector", meter.figures(114.0)).sentence
        == "no frame came within 14.0 s of its start"
    )


def test_silence_is_an_error_if_no_frame_ever_came_or_its_cause_is_known():
    meter = StageMeter(100.0)
    assert stage_diagnosis("front", "detector", meter.figures(101.0)).level == STALE
    found = stage_diagnosis("front", "detector", meter.figures(107.0))
    assert (found.level, found.sentence) == (ERROR, "no frame came within 7.0 s of its start")
    found = stage_diagnosis(
        "front", "detector", meter.figures(107.0), problem="No frames for 7 s on /x: it has no publisher"
    )
    assert (found.level, found.sentence) == (ERROR, "No frames for 7 s on /x: it has no publisher")
    meter.arrived(1, 108.0)
    meter.finished(1, 108.0, 0.0)
    found = stage_diagnosis("front", "detector", meter.figures(120.0))
    assert (found.level, found.sentence) == (STALE, "no frames for 12.0 s")
    assert found.values["rate in (Hz)"] == "0.0"
    assert math.isnan(meter.figures(120.0).took_ms)


def test_a_stage_that_finishes_no_frame_is_an_error():
    meter = StageMeter(100.0)
    for number in range(300):
        meter.arrived(number, 100.0 + number / 30)
    found = stage_diagnosis("front", "detector", meter.figures(110.0))
    assert (found.level, found.sentence) == (ERROR, "frames arrive, but none was finished for 10.0 s")


def test_a_failure_is_a_warning_for_a_minute_and_stays_the_last_error():
    meter, now = run(30)
    meter.failed(None, now, "an image came without data: check the driver")
    meter.arrived(99, now)
    meter.finished(99, now, 0.0)
    found = stage_diagnosis("front", "detector", meter.figures(now))
    assert (found.level, found.sentence) == (WARN, "an image came without data: check the driver")
    meter.arrived(100, now + 70)
    meter.finished(100, now + 70, 0.0)
    found = stage_diagnosis("front", "detector", meter.figures(now + 70))
    assert found.level == OK
    assert found.values["last error"].startswith("an image")
    assert found.values["unusable"] == "1"


@given(st.lists(st.tuples(st.sampled_from(["came", "done", "failed", "odd"]), st.integers(0, 3)), max_size=200))
def test_every_frame_is_done_dropped_failed_or_still_waiting(steps):
    """In any order, with unknown and repeated stamps."""
    meter, waiting, now, left, number = StageMeter(0.0), [], 0.0, 0, 0
    for step, row in steps:
        now += 0.01
        if step == "came":
            number += 1
            waiting.append(number)
            meter.arrived(number, now)
        elif step == "odd":
            meter.finished(-1, now, 0.0)
        elif row < len(waiting):
            stamp = waiting[row]
            waiting = waiting[row + 1 :]
            left += 1
            (meter.finished if step == "done" else meter.failed)(stamp, now, *((0.0,) if step == "done" else ("odd",)))
        figures = meter.figures(now)
        assert figures.frames == number == figures.dropped + left + len(waiting)
        assert 0.0 <= figures.dropped_lately <= 1.0


def test_frames_that_are_never_finished_count_as_dropped_beyond_a_limit():
    meter = StageMeter(0.0)
    for number in range(10_000):
        meter.arrived(number, number / 30)
    assert meter.figures(10_000 / 30).dropped == 10_000 - 300
