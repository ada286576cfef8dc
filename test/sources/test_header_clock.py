"""Stamps of a bag's pictures: their headers, or the time of recording where those cannot be right."""

from facetrack_ros.sources.bags.header_clock import HeaderClock, with_lead

NOW_NS = 1_700_000_000_000_000_000
STEP_NS, DELAY_NS, YEAR_NS, SECOND_NS = 100_000_000, 3_000_000, 365 * 86_400 * 10**9, 10**9


def stamps(headers, logs=None):
    """Stamps relative to now, and notes, of messages recorded shortly after they were taken."""
    logs = logs or [NOW_NS + DELAY_NS + STEP_NS * row for row in range(len(headers))]
    clock = HeaderClock()
    found = [clock.stamp_ns(time) - NOW_NS for time, _ in with_lead((*pair, None) for pair in zip(headers, logs))]
    return found, clock.notes


def regular(count, start_ns=NOW_NS):
    return [start_ns + STEP_NS * row for row in range(count)]


def test_headers_that_rise_are_taken_as_they_are():
    assert stamps(regular(20)) == ([STEP_NS * row for row in range(20)], [])


def test_headers_of_a_bag_that_was_recorded_from_an_old_one_are_taken_as_they_are():
    found, notes = stamps(regular(20, NOW_NS - 6 * YEAR_NS))
    assert found == [STEP_NS * row - 6 * YEAR_NS for row in range(20)]
    assert notes == []


def test_one_wild_stamp_takes_the_time_of_recording_and_the_rest_stays():
    for place in (0, 7, 19):
        for wild in (NOW_NS + 80 * YEAR_NS, NOW_NS - 20 * YEAR_NS, 0):
            headers = regular(20)
            headers[place] = wild
            found, notes = stamps(headers)
            assert found == [STEP_NS * row for row in range(20)]
            assert len(notes) == 1


def test_a_camera_that_counts_from_its_start_takes_the_time_of_recording():
    found, notes = stamps(regular(5, 7 * SECOND_NS))
    assert found == [DELAY_NS + STEP_NS * row for row in range(5)]
    assert "no stamp" in notes[0]


def test_a_recording_with_simulated_time_keeps_it():
    headers = [STEP_NS * row + SECOND_NS for row in range(5)]
    found, notes = stamps(headers, logs=headers)
    assert [stamp + NOW_NS for stamp in found] == headers
    assert notes == []


def test_stamps_that_go_back_are_counted_on_by_the_time_of_recording():
    headers = [*regular(10), *regular(10), *regular(10)]
    found, notes = stamps(headers)
    assert found == [STEP_NS * row for row in range(30)]
    assert len(notes) == 1


def test_a_bag_that_was_played_in_a_loop_for_long_is_counted_on():
    headers = regular(200) * 2
    found, _ = stamps(headers)
    assert found == sorted(set(found))
    assert abs(found[-1] - STEP_NS * 399) < 2 * STEP_NS


def test_images_out_of_order_keep_their_stamps():
    headers = regular(10)
    headers[4], headers[5] = headers[5], headers[4]
    assert sorted(stamps(headers)[0]) == [STEP_NS * row for row in range(10)]


def test_of_two_images_the_one_near_the_time_of_recording_is_believed():
    for wild in (NOW_NS + 80 * YEAR_NS, NOW_NS - 20 * YEAR_NS):
        assert stamps([wild, NOW_NS + STEP_NS])[0] == [0, STEP_NS]
