"""One reference is one person: what is known to be of another person is set apart."""

from dataclasses import replace

import numpy as np
import pytest

from facetrack_ros.search.other_people import PersonFace, seen_together_with, settle_people
from facetrack_ros.search.response import ANSWERED, Match, RobotResponse, SearchResponse
from facetrack_ros.tracking.identity_merges import IdentityMerges, MergeDecision

BOX = np.zeros(4, np.float32)
MINUTE = 60 * 10**9


def match(person, similarity, robot="robot1", minute=0, **fields):
    stamp = minute * MINUTE
    times = (1, stamp, stamp, stamp + 1)
    return Match(robot, "front", person, f"t_{person}_{minute}", *times, BOX, BOX, similarity, 0.9, **fields)


def response(*matches, **line):
    robots = {each.robot_id for each in matches}
    counts = {robot: sum(each.robot_id == robot and not each.different_person for each in matches) for robot in robots}
    lines = tuple(RobotResponse(robot, ANSWERED, counts[robot], 50, **line) for robot in sorted(robots))
    return SearchResponse("s1", "model", 0.5, 0.01, matches, lines)


def face(*values, faces=4):
    vector = np.array(values, np.float32)
    return PersonFace(vector / np.linalg.norm(vector), faces)


def faces(**known):
    return known.get


def decision(one, other, same):
    return MergeDecision("a_1", one, other, same, "anna", True, 1, 0, "seen by eye")


def settled(found, merges=(), **known):
    result = settle_people(found, IdentityMerges(merges), faces(**known))
    return [each.person_id for each in result.matches], [each.person_id for each in result.alike], result


APART = {"p_a_1": face(1, 0, 0), "p_b_1": face(0.4, 1, 0)}


def test_person_whose_face_is_apart_from_that_of_the_best_match_is_listed_apart():
    kept, alike, result = settled(response(match("p_a_1", 0.83), match("p_b_1", 0.53, "robot2")), **APART)
    assert (kept, alike) == (["p_a_1"], ["p_b_1"])
    assert "p_a_1" in result.alike[0].different_person
    assert result.alike[0].similarity == 0.53
    assert [robot.matches for robot in result.robots] == [1, 0]


@pytest.mark.parametrize(
    ("similarity", "known"),
    [
        (0.80, APART),  # nearly as similar as the best: which of the two is wrong is not known
        (0.53, {"p_a_1": face(1, 0, 0), "p_b_1": face(0.8, 0.6, 0)}),  # one person under two ids
        (0.53, {"p_a_1": face(1, 0, 0), "p_b_1": face(0.4, 1, 0, faces=1)}),
        (0.53, {"p_a_1": face(1, 0, 0)}),
    ],
)
def test_ids_that_may_be_one_person_stay_matches(similarity, known):
    kept, alike, _ = settled(response(match("p_a_1", 0.83), match("p_b_1", similarity, "robot2")), **known)
    assert (kept, alike) == (["p_a_1", "p_b_1"], [])


def test_merged_ids_are_one_person_whatever_their_faces():
    found = response(match("p_a_1", 0.83), match("p_b_1", 0.53, minute=5))
    kept, alike, _ = settled(found, [decision("p_a_1", "p_b_1", True)], **APART)
    assert (kept, alike) == (["p_a_1", "p_a_1"], [])


def test_decision_that_two_ids_differ_sets_one_apart_however_similar():
    found = response(match("p_a_1", 0.83), match("p_b_1", 0.82))
    kept, alike, result = settled(found, [decision("p_a_1", "p_b_1", False)])
    assert (kept, alike) == (["p_a_1"], ["p_b_1"])
    assert "anna" in result.alike[0].different_person


def test_seen_together_with_the_best_match_of_the_fleet_counts_under_any_of_its_ids():
    together = match("p_b_1", 0.6, "robot2", different_person=seen_together_with("p_b_2"))
    found = response(match("p_a_1", 0.83), match("p_b_2", 0.7, "robot2", 3), together)
    kept, alike, result = settled(found, [decision("p_a_1", "p_b_2", True)])
    assert (kept, alike) == (["p_a_1", "p_a_1"], ["p_b_1"])
    assert result.alike[0].different_person == seen_together_with("p_a_1"), "the id that both became"


def test_name_of_a_person_is_told_of_all_visits_under_any_id_unless_there_are_two():
    visits = (match("p_a_1", 0.83, name="Ada"), match("p_b_1", 0.7, "robot2"), match("p_c_1", 0.6, "robot3"))
    _, _, result = settled(response(*visits), [decision("p_a_1", "p_b_1", True)])
    assert [each.name for each in result.matches] == ["Ada", "Ada", ""]
    two = (*visits, match("p_b_1", 0.6, "robot2", 9, name="Grace"))
    _, _, result = settled(response(*two), [decision("p_a_1", "p_b_1", True)])
    assert [each.name for each in result.matches] == ["Ada", "", "", "Grace"]


def test_seen_together_with_another_than_the_best_match_says_nothing():
    together = match("p_b_1", 0.6, "robot2", different_person=seen_together_with("p_b_2"))
    found = response(match("p_a_1", 0.83), match("p_b_2", 0.7, "robot2"), together)
    kept, alike, result = settled(found)
    assert (kept, alike) == (["p_a_1", "p_b_2", "p_b_1"], [])
    assert [robot.matches for robot in result.robots] == [1, 2]


def test_what_a_robot_set_apart_for_another_reason_stays_apart_and_is_never_the_best():
    lone = match("p_b_1", 0.9, different_person="one of 9 faces")
    kept, alike, result = settled(response(lone, match("p_a_1", 0.7, minute=2)))
    assert (kept, alike) == (["p_a_1"], ["p_b_1"])
    assert result.robots[0].matches == 1


def test_visit_without_a_person_stays():
    kept, alike, _ = settled(response(match("p_a_1", 0.83), match("", 0.53)), **APART)
    assert (kept, alike) == (["p_a_1", ""], [])


def test_similarities_of_another_model_are_not_compared():
    found = response(match("p_a_1", 0.83), match("p_b_1", 0.53, "robot2"))
    lines = tuple(replace(line, model_id="other" * (line.robot_id == "robot2")) for line in found.robots)
    kept, alike, _ = settled(replace(found, robots=lines), **APART)
    assert (kept, alike) == (["p_a_1", "p_b_1"], [])


def test_settling_twice_changes_nothing():
    once = settled(response(match("p_a_1", 0.83), match("p_b_1", 0.53, "robot2")), **APART)
    again = settled(once[2], **APART)
    assert again[:2] == once[:2]
    assert again[2].robots == once[2].robots
