"""Times of a recording are made to rise: new stretches, wild times, late pictures."""

import pytest

from facetrack_ros.sources.rising_times import RisingTimes

MS = 1_000_000
YEAR_MS = 366 * 86_400_000


def corrected(times_ms):
    times = RisingTimes()
    found = [(time_ns / MS, number) for time_ns, number in times((ms * MS, row) for row, ms in enumerate(times_ms))]
    assert [number for _, number in found] == list(range(len(times_ms)))
    return [ms for ms, _ in found], times.notes


def test_rising_times_stay_as_they_are():
    times_ms = [0, 40, 90, 5000, 5001, 20_000]
    assert corrected(times_ms) == (times_ms, [])


def test_time_that_goes_back_begins_a_new_stretch():
    found, notes = corrected([200, 300, 400, 500, 200, 300, 400, 500])
    assert found == [200, 300, 400, 500, 600, 700, 800, 900]
    assert notes == ["time goes back by 300 ms at frame 4: the frames from there on are stamped on from the one before"]


def test_a_clip_in_a_loop_goes_on():
    found, notes = corrected([0, 100] * 20)
    assert found == [100 * row for row in range(40)]
    assert "19 times" in notes[0]


def test_a_clock_set_back_by_hours_loses_no_frame():
    found, _ = corrected([9_000_000, 9_000_100, 9_000_200, 1_000_000, 1_000_100, 1_000_250])
    assert found == [9_000_000, 9_000_100, 9_000_200, 9_000_300, 9_000_400, 9_000_550]


@pytest.mark.parametrize("wild", [80 * YEAR_MS, 3 * YEAR_MS, 0])
def test_a_wild_first_time_does_not_move_the_rest(wild):
    found, notes = corrected([wild, 50 * YEAR_MS + 100, 50 * YEAR_MS + 200, 50 * YEAR_MS + 300])
    assert found == [50 * YEAR_MS + ms for ms in (0, 100, 200, 300)]
    assert "the time of frame 0 is" in notes[0]


@pytest.mark.parametrize("wild", [-5000, 90_000, 80 * YEAR_MS])
def test_a_wild_time_in_the_middle_moves_no_other(wild):
    found, notes = corrected([0, 100, 200, wild, 400, 500])
    assert found == [0, 100, 200, 300, 400, 500]
    assert len(notes) == 1


def test_pictures_out_of_order_and_repeated_times_keep_a_place_of_their_own():
    found, _ = corrected([0, 100, 300, 200, 400, 400, 500])
    assert found[:2] == [0, 100]
    assert found[-1] == 500
    assert sorted(set(found)) == found
    assert all(abs(ms - wanted) <= 150 for ms, wanted in zip(found, (0, 100, 300, 200, 400, 400, 500), strict=True))


def test_a_jump_ahead_by_days_is_told():
    found, notes = corrected([0, 100, YEAR_MS * 3, YEAR_MS * 3 + 100])
    assert found == [0, 100, YEAR_MS * 3, YEAR_MS * 3 + 100]
    assert "time jumps ahead by 3.0 years at frame 2" in notes[0]
