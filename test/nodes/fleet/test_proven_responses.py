"""A response counts for a robot only if its process is known; no forged one passes without a word."""

from dataclasses import replace

import numpy as np
import pytest

from facetrack_ros.models.contract import ModelContract
from facetrack_ros.nodes.fleet.proven_responses import ProvenResponses
from facetrack_ros.search.request import SearchRequest
from facetrack_ros.search.response import ANSWERED, BUSY, Match, RobotResponse
from facetrack_ros.search.response_collector import ResponseCollector

MODEL = ("net", "embedding", "onnx", "net.onnx", "", 1, "MIT")
CONTRACT = ModelContract(*MODEL, dimension=2, threshold=0.3, false_match_curve=((0.2, 0.1), (0.4, 0.001)))
REQUEST = SearchRequest("s1", np.array([1, 0], np.float32), "net")
BOX = np.zeros(4, np.float32)


def match(robot):
    return Match(robot, "front", "p_1", "t1", 1, 5, 5, 6, BOX, BOX, 0.9, 0.5)


def answer(robot, instance, matches=1, **fields):
    return RobotResponse(robot, ANSWERED, matches, 10, instance_id=instance, **fields), (match(robot),) * matches


@pytest.fixture
def known():
    return {("robot1", "a"), ("robot2", "b")}


@pytest.fixture
def responses(known):
    collector = ResponseCollector(
        REQUEST, CONTRACT, {"robot1": "net", "robot2": "net"}, {"robot1": ("a",), "robot2": ("b",)}
    )
    return ProvenResponses(collector, lambda *key: key in known)


def reasons(response):
    return [(gap.robot_id, gap.reason) for gap in response.not_searched]


def test_a_forged_result_does_not_count_and_is_told(responses):
    responses.add(*answer("robot2", "forged", matches=0))
    assert responses.collector.missing == ("robot1", "robot2"), "robot2 is still waited for"
    responses.add(*answer("robot1", "a"))
    responses.add(*answer("robot2", "b"))
    assert responses.collector.done
    response = responses.close()
    assert {found.robot_id for found in response.matches} == {"robot1", "robot2"}
    assert not response.complete
    assert [robot for robot, _ in reasons(response)] == ["robot2"]
    assert "no heartbeat of its sender came" in reasons(response)[0][1]
    assert responses.forged == 1


def test_the_first_of_two_different_results_counts_and_the_clash_is_told(responses):
    responses.add(*answer("robot1", "a"))
    responses.add(*answer("robot1", "a", matches=0))
    responses.add(*answer("robot2", "b"))
    response = responses.close()
    assert [found.robot_id for found in response.matches] == ["robot1", "robot2"]
    assert reasons(response) == [
        ("robot1", "two different answers came in the name of robot1: the first is used, one is forged")
    ]
    assert responses.forged == 1


def test_a_result_that_is_sent_again_is_no_clash(responses):
    for elapsed_ms in (3.0, 3.0, 4.0):
        responses.add(*answer("robot1", "a", elapsed_ms=elapsed_ms))
    responses.add(*answer("robot2", "b"))
    assert responses.close().complete
    assert responses.forged == 0


def test_a_result_before_the_heartbeat_waits_for_it(responses, known):
    known.remove(("robot2", "b"))
    responses.add(*answer("robot1", "a"))
    responses.add(*answer("robot2", "b"))
    assert responses.collector.missing == ("robot2",)
    assert not responses.on_heartbeat()
    known.add(("robot2", "b"))
    assert responses.on_heartbeat()
    assert responses.collector.done
    assert responses.close().complete


def test_a_busy_robot_may_answer_when_asked_again(responses):
    responses.add(*answer("robot1", "a"))
    responses.add(RobotResponse("robot2", BUSY, error="robot2 is busy", instance_id="b"), ())
    assert responses.collector.missing == ("robot2",)
    responses.add(*answer("robot2", "b"))
    assert responses.collector.done
    assert responses.close().complete


def test_a_robot_that_stays_busy_is_named(responses):
    responses.add(*answer("robot1", "a"))
    responses.add(RobotResponse("robot2", BUSY, error="robot2 is busy", instance_id="b"), ())
    response = responses.close()
    assert {robot.robot_id: robot.status for robot in response.robots} == {"robot1": ANSWERED, "robot2": BUSY}
    assert reasons(response) == [("robot2", "robot2 is busy")]


def test_a_flood_of_forged_names_is_bounded(responses):
    for number in range(10_000):
        responses.add(*answer(f"stranger{number}", "x"))
    responses.add(*answer("robot1", "a"))
    responses.add(*answer("robot2", "b"))
    response = responses.close()
    assert [robot.robot_id for robot in response.robots] == ["robot1", "robot2"]
    assert len(response.not_searched) < 20
    assert responses.forged == 10_000


def test_more_matches_than_asked_for_are_a_fault(responses):
    line, matches = answer("robot1", "a")
    responses.add(line, matches * 1000)
    response = responses.close()
    assert not response.matches
    assert "1000 matches where 20 were asked for" in response.robots[0].error
    assert replace(line).answered
