"""Responses are merged independently of their order, and every robot is reported."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facetrack_ros.models.contract import ModelContract
from facetrack_ros.search.request import SearchRequest
from facetrack_ros.search.response import (
    ANSWERED,
    ERROR,
    LEFT,
    MODEL_MISMATCH,
    TIMED_OUT,
    Match,
    NotSearched,
    RobotResponse,
    SearchedCamera,
)
from facetrack_ros.search.response_collector import ResponseCollector

CURVE = ((0.2, 0.1), (0.4, 0.001))
MODEL = ("net", "embedding", "onnx", "net.onnx", "", 1, "MIT")
CONTRACT = ModelContract(*MODEL, dimension=2, threshold=0.3, false_match_curve=CURVE)
REQUEST = SearchRequest("s1", np.array([1, 0], np.float32), "net")
FLEET = {"robot1": "net", "robot2": "net", "robot3": "net"}
BOX = np.zeros(4, np.float32)


def match(robot, similarity, track="t1"):
    return Match(robot, "front", "p_1", track, 1, 5, 5, 6, BOX, BOX, similarity, 0.5)


def answered(robot, sightings=10, matches=1):
    return RobotResponse(robot, ANSWERED, matches, sightings)


def statuses(response):
    return {robot.robot_id: robot.status for robot in response.robots}


def test_it_is_done_when_all_have_answered():
    collector = ResponseCollector(REQUEST, CONTRACT, FLEET)
    for robot, similarity in (("robot1", 0.5), ("robot2", 0.9), ("robot3", 0.7)):
        assert not collector.done
        assert collector.add("s1", answered(robot), (match(robot, similarity),))
    assert collector.done
    response = collector.close()
    assert response.complete
    assert [found.robot_id for found in response.matches] == ["robot2", "robot3", "robot1"]
    assert response.threshold == 0.3
    assert response.expected_false_matches == pytest.approx(30 * 0.01)


def test_a_silent_robot_timed_out_and_one_that_ended_left():
    collector = ResponseCollector(REQUEST, CONTRACT, FLEET)
    collector.add("s1", answered("robot1"))
    collector.on_left("robot2")
    assert collector.missing == ("robot3",)
    response = collector.close()
    assert statuses(response) == {"robot1": ANSWERED, "robot2": LEFT, "robot3": TIMED_OUT}
    assert not response.complete
    assert "within 2 s" in response.robots[2].error
    assert response.expected_false_matches == pytest.approx(10 * 0.01), "only what was compared counts"


def test_what_does_not_belong_is_ignored_and_counted():
    collector = ResponseCollector(replace(REQUEST, robots=tuple(FLEET)), CONTRACT, FLEET)
    assert not collector.add("s2", answered("robot1"), (match("robot1", 0.9),))
    assert not collector.add("s1", answered("stranger"), (match("stranger", 0.9),)), "only three were asked"
    assert collector.add("s1", answered("robot1"), (match("robot1", 0.5),))
    assert not collector.add("s1", answered("robot1"), (match("robot1", 0.6),))
    response = collector.close()
    assert not collector.add("s1", answered("robot2"))
    assert collector.ignored == 4
    assert [found.similarity for found in response.matches] == [0.5]
    assert collector.close() is response


def test_a_robot_of_another_model_is_named_and_not_waited_for():
    collector = ResponseCollector(REQUEST, CONTRACT, {"robot1": "net", "robot2": "other"})
    collector.add("s1", answered("robot1"))
    assert collector.done
    line = collector.close().robots[1]
    assert line.status == MODEL_MISMATCH
    assert "other" in line.error


def test_a_robot_that_answers_after_all_counts():
    collector = ResponseCollector(REQUEST, CONTRACT, {"robot1": "other", "robot2": "net"})
    collector.on_left("robot2")
    assert collector.add("s1", answered("robot1"))
    assert collector.add("s1", answered("robot2"))
    assert collector.close().complete


def test_only_the_robots_asked_for_are_waited_for_and_unknown_ones_are_named():
    collector = ResponseCollector(replace(REQUEST, robots=("robot2", "robot9")), CONTRACT, FLEET)
    assert collector.missing == ("robot2",)
    collector.add("s1", RobotResponse("robot2", ERROR, error="its disk is gone"))
    response = collector.close()
    assert statuses(response) == {"robot2": ERROR, "robot9": LEFT}
    assert "unknown robot robot9" in response.robots[1].error


def test_an_empty_fleet_is_done_at_once():
    collector = ResponseCollector(REQUEST, CONTRACT, {})
    assert collector.done
    assert collector.close().robots == ()


def test_no_more_matches_than_asked_for():
    collector = ResponseCollector(replace(REQUEST, max_results=2), CONTRACT, FLEET)
    collector.add("s1", answered("robot1"), [match("robot1", value, f"t{value}") for value in (0.4, 0.8, 0.6)])
    assert [found.similarity for found in collector.close().matches] == [0.8, 0.6]


MESSAGES = st.lists(
    st.tuples(st.sampled_from(["robot1", "robot2", "robot3"]), st.lists(st.sampled_from([0.3, 0.5, 0.7]), max_size=4)),
    max_size=3,
    unique_by=lambda message: message[0],
)


@settings(deadline=None)
@given(messages=MESSAGES, data=st.data())
def test_any_order_gives_the_same_response(messages, data):
    def gather(order):
        collector = ResponseCollector(replace(REQUEST, max_results=5), CONTRACT, FLEET)
        for robot, similarities in order:
            collector.add("s1", answered(robot), [match(robot, value, f"t{i}") for i, value in enumerate(similarities)])
        response = collector.close()
        return [(found.robot_id, found.track_id, found.similarity) for found in response.matches], response.robots

    assert gather(messages) == gather(data.draw(st.permutations(messages)))


def test_a_silent_robot_is_not_waited_for_but_its_response_still_counts():
    collector = ResponseCollector(REQUEST, CONTRACT, {"robot1": "net", "robot2": "net"})
    collector.on_silent("robot2", 12_000_000_000)
    assert collector.missing == ("robot1",)
    collector.add("s1", RobotResponse("robot1", ANSWERED))
    assert collector.done
    assert collector.add("s1", RobotResponse("robot2", ANSWERED))
    assert collector.close().complete


def test_a_silent_robot_that_stays_silent_timed_out():
    collector = ResponseCollector(REQUEST, CONTRACT, {"robot2": "net"})
    collector.on_silent("robot2", 12_000_000_000)
    (line,) = collector.close().robots
    assert (line.status, line.error) == (TIMED_OUT, "robot2 was last heard 12 s ago")


def test_a_robot_that_joins_while_the_search_runs_is_not_waited_for_but_its_response_counts():
    collector = ResponseCollector(REQUEST, CONTRACT, FLEET)
    assert collector.add("s1", answered("robot4"), (match("robot4", 0.9),))
    assert collector.missing == ("robot1", "robot2", "robot3")
    for robot in FLEET:
        collector.add("s1", answered(robot))
    assert collector.done
    response = collector.close()
    assert response.complete
    assert len(response.robots) == 4
    assert response.matches[0].robot_id == "robot4"


def test_two_requesters_at_once_take_only_their_own_responses():
    first, second = (ResponseCollector(replace(REQUEST, search_id=name), CONTRACT, FLEET) for name in ("s1", "s2"))
    for search_id, similarity in (("s1", 0.5), ("s2", 0.9)):
        for robot in FLEET:
            first.add(search_id, answered(robot), (match(robot, similarity),))
            second.add(search_id, answered(robot), (match(robot, similarity),))
    assert {found.similarity for found in first.close().matches} == {0.5}
    assert {found.similarity for found in second.close().matches} == {0.9}
    assert first.ignored == second.ignored == 3


def test_a_response_after_the_end_changes_nothing():
    collector = ResponseCollector(REQUEST, CONTRACT, FLEET)
    response = collector.close()
    assert not collector.add("s1", answered("robot1"), (match("robot1", 0.9),))
    collector.on_left("robot2")
    collector.on_silent("robot3", 9)
    assert collector.close() is response
    assert collector.ignored == 1
    assert set(statuses(response).values()) == {TIMED_OUT}


INSTANCES = {"robot1": ("a1",), "robot2": ("b1",), "robot3": ("c1",)}


def test_a_robot_started_again_while_it_was_asked_is_told_at_once():
    collector = ResponseCollector(REQUEST, CONTRACT, FLEET, INSTANCES)
    assert not collector.on_heartbeat("robot2", "b1")
    assert "robot2" in collector.missing, "the one that was asked speaks on"
    assert collector.on_heartbeat("robot2", "b2")
    assert not collector.on_heartbeat("robot2", "b2")
    assert "robot2" not in collector.missing
    for robot in ("robot1", "robot3"):
        collector.add("s1", answered(robot))
    assert collector.done
    line = collector.close().robots[1]
    assert line.status == LEFT
    assert "restarted" in line.error


def test_the_response_of_a_robot_started_again_counts_whoever_gave_it():
    collector = ResponseCollector(REQUEST, CONTRACT, FLEET, INSTANCES)
    collector.on_heartbeat("robot2", "b2")
    for robot in FLEET:
        assert collector.add("s1", answered(robot))
    assert collector.close().complete


def test_the_successor_of_a_robot_that_was_silent_or_left_is_believed_when_it_answers():
    for presume in (
        lambda collector: collector.on_silent("robot2", 60_000_000_000),
        lambda collector: collector.on_left("robot2", "b1"),
    ):
        collector = ResponseCollector(REQUEST, CONTRACT, FLEET, INSTANCES)
        presume(collector)
        assert "robot2" not in collector.missing
        for robot in FLEET:
            assert collector.add("s1", answered(robot))
        assert collector.close().complete


def test_a_predecessors_goodbye_is_not_the_successors():
    collector = ResponseCollector(REQUEST, CONTRACT, FLEET, INSTANCES)
    collector.on_left("robot2", "b0")
    assert "robot2" in collector.missing
    collector.on_left("robot2", "b1")
    assert "robot2" not in collector.missing


TWO = {**INSTANCES, "robot2": ("b1", "b2")}


@pytest.mark.parametrize("order", [("b1", "b2"), ("b2", "b1")])
def test_two_robots_of_one_name_are_both_waited_for_and_told_apart(order):
    collector = ResponseCollector(REQUEST, CONTRACT, FLEET, TWO)
    collector.on_name_conflict("robot2", 2)
    assert not collector.on_heartbeat("robot2", "b3"), "another of the name is not one started again"
    for robot in ("robot1", "robot3"):
        collector.add("s1", answered(robot))
    found = {"b1": 0.8, "b2": 0.9}
    for instance in order:
        assert collector.missing == ("robot2",)
        line = replace(answered("robot2"), instance_id=instance, not_searched=(NotSearched("robot2", "robot2/x has"),))
        assert collector.add("s1", line, (match("robot2", found[instance]),))
        assert not collector.add("s1", line, (match("robot2", 0.99),))
    assert collector.done
    response = collector.close()
    assert [line.robot_id for line in response.robots] == ["robot1", "robot2", "robot2 (2 of that name)", "robot3"]
    assert [line.instance_id for line in response.robots[1:3]] == ["b1", "b2"]
    assert all("2 robots call themselves robot2" in line.error for line in response.robots[1:3])
    assert [(one.robot_id, one.similarity) for one in response.matches] == [
        ("robot2 (2 of that name)", 0.9),
        ("robot2", 0.8),
    ]
    assert response.not_searched[1].reason == "robot2 (2 of that name)/x has"


def test_a_second_robot_of_a_name_that_is_heard_of_only_by_its_answer_counts_too():
    collector = ResponseCollector(replace(REQUEST, robots=("robot2",)), CONTRACT, FLEET, INSTANCES)
    for instance in ("b2", "b1"):
        assert collector.add("s1", replace(answered("robot2"), instance_id=instance))
    response = collector.close()
    assert [line.robot_id for line in response.robots] == ["robot2", "robot2 (2 of that name)"]
    assert "2 robots call themselves robot2" in response.robots[0].error
    assert response.complete


def test_one_of_two_robots_of_a_name_that_is_silent_makes_the_answer_partial():
    collector = ResponseCollector(replace(REQUEST, robots=("robot2",)), CONTRACT, FLEET, TWO)
    assert collector.add("s1", replace(answered("robot2"), instance_id="b2"))
    response = collector.close()
    assert [(line.robot_id, line.status) for line in response.robots] == [
        ("robot2", TIMED_OUT),
        ("robot2 (2 of that name)", ANSWERED),
    ]
    assert not response.complete


def test_one_of_two_robots_of_a_name_may_leave():
    collector = ResponseCollector(replace(REQUEST, robots=("robot2",)), CONTRACT, FLEET, TWO)
    collector.on_left("robot2", "b1")
    assert collector.missing == ("robot2",)
    collector.add("s1", replace(answered("robot2"), instance_id="b2"))
    assert collector.done
    assert [line.status for line in collector.close().robots] == [LEFT, ANSWERED]


def test_a_silent_robot_whose_name_others_use_is_told_in_one_sentence_after_another():
    collector = ResponseCollector(REQUEST, CONTRACT, FLEET, INSTANCES)
    collector.on_name_conflict("robot2", 2)
    line = collector.close().robots[1]
    assert line.status == TIMED_OUT
    assert "did not answer within 2 s; 2 robots call themselves" in line.error


def test_a_camera_that_no_robot_has_makes_the_answer_partial_and_those_there_are_named():
    request = replace(REQUEST, cameras=("front", "nosuch"))
    collector = ResponseCollector(request, CONTRACT, FLEET, cameras={"robot1": ("front", "rear"), "robot2": ("front",)})
    for robot in FLEET:
        collector.add("s1", replace(answered(robot), searched=(SearchedCamera("front", 10, 5, 6),)))
    response = collector.close()
    assert not response.complete
    (gap,) = response.not_searched
    assert (gap.robot_id, gap.camera_id) == ("", "nosuch")
    assert "robot1/front, robot1/rear, robot2/front" in gap.reason


def test_what_a_robot_did_not_compare_makes_the_answer_partial():
    collector = ResponseCollector(replace(REQUEST, robots=("robot1",)), CONTRACT, FLEET)
    gap = NotSearched("robot1", "robot1 has 13 sightings of dlib", model_id="dlib", sightings=13)
    collector.add("s1", replace(answered("robot1"), not_searched=(gap,)))
    response = collector.close()
    assert response.not_searched == (gap,)
    assert not response.complete


@pytest.mark.parametrize(
    ("response", "matches", "expected"),
    [
        (answered("robot2"), [match("robot1", 0.9)], "a match of 'robot1'"),
        (answered("robot2"), [match("robot2", float("nan"))], "a similarity of nan"),
        (answered("robot2"), [match("robot2", 1.5)], "a similarity of 1.5"),
        (RobotResponse("robot2", "timed_out"), [], "the status 'timed_out'"),
        (RobotResponse("robot2", "fine"), [], "the status 'fine'"),
        (RobotResponse("robot2", ANSWERED, elapsed_ms=float("nan")), [], "a search of nan ms"),
    ],
)
def test_a_response_that_makes_no_sense_is_the_robots_error_and_waited_for_no_longer(response, matches, expected):
    collector = ResponseCollector(REQUEST, CONTRACT, FLEET)
    assert not collector.add("s1", response, matches)
    assert collector.malformed == 1
    assert "robot2" not in collector.missing
    line = collector.close().robots[1]
    assert line.status == ERROR
    assert expected in line.error
    assert not collector.close().matches


def test_a_response_without_a_robot_id_is_dropped_and_counted():
    collector = ResponseCollector(REQUEST, CONTRACT, FLEET)
    assert not collector.add("s1", answered(""), (match("", 0.9),))
    assert collector.malformed == 1
    assert len(collector.close().robots) == 3


def test_a_robot_with_another_embedder_is_asked_where_the_face_goes_along():
    fleet = {"robot1": "net", "robot2": "other"}
    assert ResponseCollector(REQUEST, CONTRACT, fleet).missing == ("robot1",)
    collector = ResponseCollector(replace(REQUEST, face_crop=b"face"), CONTRACT, fleet)
    assert collector.missing == ("robot1", "robot2")
    collector.add("s1", answered("robot1", 10), (match("robot1", 0.6),))
    own = RobotResponse("robot2", ANSWERED, 2, 1000, model_id="other", threshold=0.9, expected_false_matches=0.5)
    collector.add("s1", own, (match("robot2", 0.92), match("robot2", 0.99, "t2")))
    response = collector.close()
    # 0.99 is nearly all of the way from 0.9 to 1, 0.6 not half of that from 0.3, 0.92 a fifth.
    assert [found.similarity for found in response.matches] == [0.99, 0.6, 0.92]
    assert response.expected_false_matches == pytest.approx(10 * 0.01 + 0.5)
    assert response.complete


def test_each_response_that_counts_is_told_as_it_comes():
    collector, expected = ResponseCollector(REQUEST, CONTRACT, FLEET), []
    collector.listener = lambda response, matches: expected.append((response.robot_id, len(matches), collector.missing))
    collector.add("s1", answered("robot2"), (match("robot2", 0.9),))
    collector.add("s1", answered("robot2"), (match("robot2", 0.9),))
    collector.add("another search", answered("robot1"))
    collector.add("s1", answered("robot1"))
    assert expected == [("robot2", 1, ("robot1", "robot3")), ("robot1", 0, ("robot3",))]


def calibrated(robot, expected, low, high):
    rates = {"scene_pairs": 90, "scene_false_match_rate": 0.1}
    ranges = {"expected_false_matches_low": low, "expected_false_matches_high": high}
    return replace(answered(robot), expected_false_matches=expected, **ranges, **rates)


def test_robots_calibrated_to_their_scene_report_the_false_matches_to_expect():
    collector = ResponseCollector(REQUEST, CONTRACT, FLEET)
    collector.add("s1", calibrated("robot1", 0.7, 0.2, 2.0))
    collector.add("s1", answered("robot2"))
    response = collector.close()
    assert response.expected_false_matches == pytest.approx(0.7 + 10 * 0.01)
    assert response.expected_false_matches_high > 2.0


@pytest.mark.parametrize("expected", [float("nan"), float("inf"), -1.0])
def test_impossible_estimate_of_a_robot_does_not_count(expected):
    collector = ResponseCollector(REQUEST, CONTRACT, {"robot1": "net"})
    collector.add("s1", calibrated("robot1", expected, 0.0, 0.0))
    assert collector.close().expected_false_matches == pytest.approx(10 * 0.01)


def test_what_robots_set_apart_takes_no_place_of_a_match():
    collector = ResponseCollector(replace(REQUEST, max_results=1), CONTRACT, {"robot1": "net"})
    apart = replace(match("robot1", 0.9, "t2"), different_person="one of 9 faces")
    collector.add("s1", answered("robot1"), (match("robot1", 0.6), apart))
    response = collector.close()
    assert [found.similarity for found in response.matches] == [0.6]
    assert [found.similarity for found in response.alike] == [0.9]
