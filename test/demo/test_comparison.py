"""The comparison fails where found and staged differ: it is no check that cannot fail."""

import pytest

from facetrack_ros.demo.comparison import FramesOfClip, compare_events, compare_partial, compare_response
from facetrack_ros.demo.staging import PORTRAITS, StagedVisit, load_portrait, make_stage

VISITS = (
    StagedVisit("robot1", "front", "Ann", (1.0, 9.0), (1.5, 8.5), (2.0, 8.0)),
    StagedVisit("robot2", "front", "Bob", (1.0, 9.0), (1.5, 8.5), (2.0, 8.0)),
)
STARTS = {("robot1", "front"): 100.0, ("robot2", "front"): 200.0}
# Ten frames a second.
FRAMES = {
    place: FramesOfClip(start, [start + 0.1 * number for number in range(100)]) for place, start in STARTS.items()
}


def response(*matches):
    return {
        "matches": [
            {"robot_id": robot, "camera_id": "front", "first_stamp": first, "last_stamp": last}
            for robot, first, last in matches
        ],
        "robots": [],
    }


def agrees(findings):
    return bool(findings) and all(finding.agrees for finding in findings)


def test_found_where_and_when_staged_agrees():
    assert agrees(compare_response("Ann", response(("robot1", 102.2, 107.9)), VISITS, FRAMES))
    assert agrees(compare_response("Ann", response(("robot1", 102.2, 104.0), ("robot1", 105.0, 107.9)), VISITS, FRAMES))


@pytest.mark.parametrize(
    "matches",
    [
        (),
        (("robot2", 202.0, 208.0),),
        (("robot1", 102.0, 108.0), ("robot2", 202.0, 208.0)),
        (("robot1", 104.0, 108.0),),
        (("robot1", 102.0, 105.0),),
        (("robot1", 95.0, 108.0),),
    ],
)
def test_missing_elsewhere_too_early_or_too_short_differs(matches):
    assert not agrees(compare_response("Ann", response(*matches), VISITS, FRAMES))


def test_a_visit_with_a_pause_between_analysed_frames_is_not_compared():
    place, late = ("robot1", "front"), response(("robot1", 105.0, 107.9))
    for pause_s, expected in ((0.9, False), (1.2, None)):
        stamps = [stamp for stamp in FRAMES[place].analysed if not 102.5 < stamp < 102.5 + pause_s]
        frames = {place: FramesOfClip(100.0, stamps)}
        findings = compare_response("Ann", late, VISITS, frames) + compare_events(
            events(arrivals=2), VISITS[:1], frames
        )
        assert [finding.agrees for finding in findings] == [expected, expected]
    assert not agrees(compare_response("Ann", response(("robot2", 202.0, 208.0)), VISITS, FRAMES))


def events(person="p_1", arrivals=1, departures=1, last=108.0):
    here = {"robot_id": "robot1", "camera_id": "front", "person_id": person}
    return [{**here, "event": "PERSON_IN", "timestamp": 101.5}] * arrivals + [
        {**here, "event": "PERSON_OUT", "timestamp": 110.0, "last_seen_timestamp": last}
    ] * departures


def test_each_visit_is_one_arrival_and_one_departure():
    assert agrees(compare_events(events(), VISITS[:1], FRAMES))
    for wrong in (
        events(arrivals=0),
        events(arrivals=2),
        events(departures=0),
        events(departures=2),
        events(last=103.0),
    ):
        assert not agrees(compare_events(wrong, VISITS[:1], FRAMES))


def test_the_partial_answer_names_the_silent_robot_and_is_in_time():
    partial = {"matches": [{"robot_id": "robot1"}], "robots": [{"robot_id": "robot2", "status": "timed_out"}]}
    assert agrees(compare_partial(partial, "robot2", 2.1, 3.0, True))
    assert not agrees(compare_partial(partial, "robot2", 3.1, 3.0, True))
    assert not agrees(compare_partial({**partial, "robots": []}, "robot2", 2.1, 3.0, True))
    assert not agrees(compare_partial({**partial, "matches": []}, "robot2", 2.1, 3.0, True))
    assert not agrees(compare_partial({**partial, "matches": [{"robot_id": "robot2"}]}, "robot2", 2.1, 3.0, True))


def test_the_stage_is_the_same_each_time(tmp_path):
    first, second = make_stage(tmp_path / "a"), make_stage(tmp_path / "b")
    assert first.visits == second.visits
    for person in first.references:
        assert first.references[person].read_bytes() == second.references[person].read_bytes()


def test_the_photographs_come_from_pip_packages():
    for portrait in PORTRAITS:
        assert load_portrait(portrait).shape[2] == 3
