"""A response as a table for the terminal."""

import math
from dataclasses import replace
from datetime import timedelta, timezone

import numpy as np

from facetrack_ros.search.report.table import part_line, response_table
from facetrack_ros.search.response import (
    ANSWERED,
    TIMED_OUT,
    Match,
    NotSearched,
    RobotResponse,
    SearchedCamera,
    SearchResponse,
)

NOON = 1_795_348_800 * 10**9
SECOND = 10**9
BOX = np.zeros(4, np.float32)


def match(person, first_ns, last_ns, similarity):
    return Match("robot1", "front", person, "t", 1, first_ns, first_ns, last_ns, BOX, BOX, similarity, 0.5)


MATCHES = (
    match("p_robot1_1", NOON, NOON + 1_500_000_000, 0.8125),
    match("", NOON + 60 * SECOND, NOON + 61 * SECOND, 0.4),
)
ROBOTS = (RobotResponse("robot1", ANSWERED, 2, 120, 3.25), RobotResponse("robot2", ANSWERED, 0, 80, 1.0))
RESPONSE = SearchResponse("s1", "net", 0.35, 0.012, MATCHES, ROBOTS)


def test_it_says_who_when_where_and_how_sure():
    assert (
        response_table(RESPONSE)
        == """\
2026-11-22 (UTC)
robot   camera  person      from          to            similarity  match
robot1  front   p_robot1_1  12:00:00.000  12:00:01.500       0.812  robot1:46bf168c
robot1  front   -           12:01:00.000  12:01:01.000       0.400  robot1:e18068b6

Matches are unverified until a person judges them: facetrack verify s1 MATCH confirm|reject

robot   status    matches  sightings   ms
robot1  answered        2        120  3.2
robot2  answered        0         80  1.0

Model net, threshold 0.35, 0.012 false matches expected by chance over 200 sightings.
"""
    )


def test_matches_of_several_days_carry_their_day():
    matches = (*RESPONSE.matches, match("p_2", NOON + 86_400 * SECOND, NOON, 0.4))
    text = response_table(replace(RESPONSE, matches=matches))
    assert "Times are UTC" in text
    assert "2026-11-23  12:00:00.000" in text


def test_a_partial_answer_names_who_is_missing():
    robots = (*RESPONSE.robots, RobotResponse("robot3", TIMED_OUT, error="robot3 did not answer within 2 s"))
    text = response_table(replace(RESPONSE, robots=robots))
    assert "This answer is partial" in text
    assert "  robot3 (timed out): robot3 did not answer within 2 s\n" in text
    assert "robot3  timed out        -          -    -  robot3" in text, "no number where nothing was measured"


def test_what_was_searched_is_told_in_utc_and_local_time():
    searched = (SearchedCamera("front", 120, NOON, NOON + 60 * SECOND), SearchedCamera("rear", 0))
    response = replace(RESPONSE, robots=(replace(ROBOTS[0], searched=searched), ROBOTS[1]))
    cameras = "Compared 200 sightings of robot1/front, robot1/rear; 2026-11-22 12:00:00 to 12:01:00 UTC"
    assert f"{cameras}.\n" in response_table(response)
    there = timezone(timedelta(hours=5, minutes=30), "IST")
    assert f"{cameras} (2026-11-22 17:30:00 to 17:31:00 IST).\n" in response_table(response, there)


def test_an_answer_that_compared_nothing_says_so_and_never_no_match():
    gaps = (NotSearched("robot1", "robot1/front holds nothing of the time asked for"),)
    nothing = replace(RESPONSE, matches=(), robots=(replace(ROBOTS[0], sightings=0),), not_searched=gaps)
    text = response_table(nothing)
    assert text.startswith("Nothing was compared: no answer.\n")
    assert "No match" not in text
    assert "\n  robot1/front holds nothing of the time asked for\n" in text
    assert response_table(replace(nothing, robots=ROBOTS)).startswith("No match in what was compared.\n")


def test_a_visit_under_a_joined_id_is_marked_and_a_name_is_shown():
    matches = (replace(MATCHES[0], name="Ada"), replace(MATCHES[1], similarity=0.2))
    text = response_table(replace(RESPONSE, matches=matches))
    assert "p_robot1_1 (Ada)" in text
    assert "0.200^" in text
    assert "marked ^ are below the threshold" in text
    assert "^" not in response_table(RESPONSE)


def test_what_to_keep_in_mind_stands_in_the_robots_line():
    note = "the clock of camera front is 93.0 s behind the robot's, and its stamps with it"
    robots = (replace(RESPONSE.robots[0], note=note), *RESPONSE.robots[1:])
    assert f"robot1  answered        2        120  3.2  {note}\n" in response_table(replace(RESPONSE, robots=robots))


def test_no_match_is_said():
    assert response_table(replace(RESPONSE, matches=())).startswith("No match.\n")


def test_an_unmeasured_model_is_said():
    assert "never measured" in response_table(replace(RESPONSE, expected_false_matches=math.nan))


def test_tiny_numbers_are_not_printed_as_none():
    assert "fewer than 0.001 false matches" in response_table(replace(RESPONSE, expected_false_matches=1e-7))


def test_a_second_look_is_told_and_what_it_found_is_marked():
    found = replace(RESPONSE.matches[0], rescanned=True)
    line = replace(RESPONSE.robots[0], rescanned=120, not_rescanned=30, note="battery at 15%: face work stops")
    text = response_table(replace(RESPONSE, matches=(found, RESPONSE.matches[1]), robots=(line, RESPONSE.robots[1])))
    assert "0.812*" in text
    assert "0.400*" not in text
    assert "battery at 15%" in text
    assert "120 stored frames were rescanned, 30 more were not" in text
    assert "* were found there" in text


def test_an_answer_by_another_embedder_says_so():
    line = replace(RESPONSE.robots[1], model_id="other", threshold=0.945)
    assert "by other, threshold 0.945" in response_table(replace(RESPONSE, robots=(RESPONSE.robots[0], line)))


def test_the_parts_of_an_answer_are_lines():
    one, two = RESPONSE.robots
    assert part_line(None, (), ("robot1", "robot2"), False) == "waiting for robot1, robot2"
    assert part_line(one, RESPONSE.matches, ("robot2",), False) == (
        "robot1: 2 matches, best 0.812 at front 12:00:00.000 UTC as p_robot1_1; waiting for robot2"
    )
    assert part_line(two, (), (), False) == "robot2: no match among 80 sightings; all have answered"
    assert (
        part_line(RobotResponse("robot3", "model_mismatch"), (), (), False)
        == "robot3: model mismatch; all have answered"
    )
    assert part_line(None, (), ("robot4",), True) == "time is up: robot4 did not answer"


def test_what_is_alike_stands_apart_with_its_reason():
    apart = replace(match("p_2", NOON, NOON + SECOND, 0.53), name="Grace", different_person="seen together with p_1")
    found, alike = response_table(replace(RESPONSE, alike=(apart,))).split("Alike, but no match:")
    assert "p_2" not in found
    assert all(part in alike for part in ("p_2 (Grace)", "0.530", "seen together with p_1"))
    assert "No match" in response_table(replace(RESPONSE, matches=(), alike=(apart,)))


def test_pairs_of_the_scene_are_told():
    robots = (replace(ROBOTS[0], scene_pairs=310, scene_false_match_rate=0.01), ROBOTS[1])
    assert "310 pairs of faces of different people seen by robot1" in response_table(replace(RESPONSE, robots=robots))
    assert "different people" not in response_table(RESPONSE)
