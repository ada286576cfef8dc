"""Rows, time axis and places of the timeline, in plain numbers."""

import itertools
from datetime import timedelta, timezone

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facetrack_ros.search.camera_coverage import CameraCoverage
from facetrack_ros.search.report.timeline_layout import rows_of, spread, ticks, time_range
from facetrack_ros.search.response import ANSWERED, LEFT, TIMED_OUT, Match, RobotResponse, SearchResponse

SECOND = 10**9
MINUTE = 60 * SECOND
NOON = 1_795_348_800 * SECOND  # 2026-11-22T12:00:00Z
BOX = np.zeros(4, np.float32)


def match(robot, camera, first_ns, last_ns):
    return Match(robot, camera, "p_1", "t", 1, first_ns, first_ns, last_ns, BOX, BOX, 0.5, 0.5)


def response(matches=(), **statuses):
    robots = tuple(RobotResponse(*item) for item in statuses.items())
    return SearchResponse("s", "net", 0.3, 0.0, tuple(matches), robots)


class TestRows:
    def test_cameras_are_grouped_by_robot_and_the_name_stands_once(self):
        rows = rows_of(
            response(robot1=ANSWERED, robot2=ANSWERED),
            [CameraCoverage("robot2", "front"), CameraCoverage("robot1", "rear"), CameraCoverage("robot1", "front")],
        )
        assert [(row.camera.robot_id, row.camera.camera_id, row.first) for row in rows] == [
            ("robot1", "front", True),
            ("robot1", "rear", False),
            ("robot2", "front", True),
        ]

    def test_each_robot_of_the_response_has_a_row_and_no_other_has_one(self):
        rows = rows_of(
            response([match("robot1", "rear", 0, 1)], robot1=ANSWERED, robot2=TIMED_OUT),
            [CameraCoverage("robot1", "front"), CameraCoverage("robot9", "front")],
        )
        assert [(row.camera.robot_id, row.camera.camera_id, len(row.matches), row.missing) for row in rows] == [
            ("robot1", "front", 0, ""),
            ("robot1", "rear", 1, ""),
            ("robot2", "", 0, "did not answer in time"),
        ]

    def test_why_a_robot_is_missing_is_said_in_words(self):
        (row,) = rows_of(response(robot1=LEFT), [])
        assert row.missing.startswith("did not answer")


class TestTimeRange:
    COVERAGE = (CameraCoverage("robot1", "front", ((0, 10 * MINUTE),)),)

    def shown(self, found, **slice_ns):
        return time_range(found, rows_of(found, self.COVERAGE), slice_ns.get("start"), slice_ns.get("end"))

    def test_the_slice_asked_for_is_what_is_shown(self):
        assert self.shown(response(robot1=ANSWERED), start=5, end=5 + MINUTE) == (5, 5 + MINUTE)

    def test_otherwise_all_that_is_kept(self):
        assert self.shown(response(robot1=ANSWERED)) == (0, 10 * MINUTE)
        assert self.shown(response([match("robot1", "front", MINUTE, 9 * MINUTE)], robot1=ANSWERED)) == (0, 10 * MINUTE)

    def test_a_short_visit_in_a_long_time_is_shown_large(self):
        low, high = self.shown(response([match("robot1", "front", 300 * SECOND, 304 * SECOND)], robot1=ANSWERED))
        assert (low, high) == (285 * SECOND, 319 * SECOND)

    def test_nothing_at_all_still_makes_an_axis(self):
        found = response()
        low, high = time_range(found, rows_of(found, []), None, None)
        assert high > low
        assert time_range(found, [], 7, 7)[1] - time_range(found, [], 7, 7)[0] == SECOND


class TestTicks:
    @pytest.mark.parametrize(
        ("length", "labels"),
        [
            (2 * SECOND, ["12:00:00.0", "12:00:00.5", "12:00:01.0", "12:00:01.5", "12:00:02.0"]),
            (20 * SECOND, ["12:00:00", "12:00:05", "12:00:10", "12:00:15", "12:00:20"]),
            (20 * MINUTE, ["12:00", "12:05", "12:10", "12:15", "12:20"]),
            (36 * 60 * MINUTE, ["12:00", "18:00", "23 Nov", "06:00", "12:00", "18:00", "24 Nov"]),
        ],
    )
    def test_they_stand_at_round_times(self, length, labels):
        assert [label for _, label in ticks(NOON, NOON + length, timezone.utc, most=7)] == labels

    def test_hours_are_round_in_the_zone_shown(self):
        zone = timezone(timedelta(hours=5, minutes=30))
        assert [label for _, label in ticks(NOON, NOON + 180 * MINUTE, zone, most=4)] == ["18:00", "19:00", "20:00"]

    @settings(deadline=None)
    @given(start=st.integers(0, 2 * 10**18), length=st.integers(SECOND, 10**17))
    def test_they_are_few_and_inside(self, start, length):
        stamps = [stamp for stamp, _ in ticks(start, start + length, timezone.utc)]
        assert len(stamps) <= 50
        assert all(start <= stamp <= start + length for stamp in stamps)


class TestSpread:
    def test_what_has_room_stays(self):
        assert spread([1.0, 5.0], 1.0, 0.0, 10.0) == [1.0, 5.0]

    def test_two_at_one_place_give_way_equally(self):
        assert spread([5.0, 5.0], 1.0, 0.0, 10.0) == [4.5, 5.5]

    def test_the_edge_pushes_inwards(self):
        assert spread([0.0, 0.0, 10.0], 1.0, 0.0, 10.0) == [0.5, 1.5, 9.5]

    def test_none_are_none(self):
        assert spread([], 1.0, 0.0, 10.0) == []

    @settings(deadline=None)
    @given(wanted=st.lists(st.floats(0, 10), max_size=10).map(sorted))
    def test_nothing_overlaps_or_sticks_out(self, wanted):
        places = spread(wanted, 1.0, 0.0, 10.0)
        assert all(right - left >= 1 - 1e-9 for left, right in itertools.pairwise(places))
        assert all(0.5 - 1e-9 <= place <= 9.5 + 1e-9 for place in places)
