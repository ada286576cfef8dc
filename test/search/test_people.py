"""Lists of persons over several robots."""

import pytest

from facetrack_ros.history.sightings.table import PersonSpan
from facetrack_ros.search.offline.persons import stored_people
from facetrack_ros.search.people import FleetPeople, KnownPerson, RobotPeople
from facetrack_ros.tracking.identity_merges import MergeDecision


def decision(first, second, same=True):
    return MergeDecision(f"a_{first}_{second}", first, second, same, "robot1", False, 1, 0, "faces match")


def test_a_person_of_two_robots_is_listed_once_under_all_ids():
    one = RobotPeople("robot1", persons=(PersonSpan("p_robot1_1", 3, 10, 20), PersonSpan("p_robot1_2", 1, 5, 5)))
    two = RobotPeople(
        "robot2", persons=(PersonSpan("p_robot2_1", 4, 1, 15),), decisions=(decision("p_robot1_1", "p_robot2_1"),)
    )
    people = FleetPeople((one, two))
    assert people.complete
    assert people.persons() == (
        KnownPerson(("p_robot1_1", "p_robot2_1"), ("robot1", "robot2"), 7, 1, 20),
        KnownPerson(("p_robot1_2",), ("robot1",), 1, 5, 5),
    )
    assert people.known_ids == {"p_robot1_1", "p_robot1_2", "p_robot2_1"}


def test_one_person_with_sightings_of_two_embedders_counts_once():
    spans = (PersonSpan("p_robot1_1", 3, 10, 20), PersonSpan("p_robot1_1", 2, 8, 12))
    assert FleetPeople((RobotPeople("robot1", persons=spans),)).persons() == (
        KnownPerson(("p_robot1_1",), ("robot1",), 5, 8, 20),
    )


@pytest.mark.parametrize("file", ["robot.json", "aliases.jsonl"])
def test_what_cannot_be_read_is_named(tmp_path, file):
    for robot in ("robot1", "robot2"):
        (tmp_path / robot).mkdir()
        (tmp_path / robot / "robot.json").write_text(f'{{"robot_id": "{robot}", "format": 1}}')
    assert stored_people(tmp_path).complete
    (tmp_path / "robot2" / file).unlink(missing_ok=True)
    (tmp_path / "robot2" / file).mkdir()
    people = stored_people(tmp_path)
    assert [robot for robot, _ in people.not_listed] == ["robot2"]
    assert "robot1" in {robot.robot_id for robot in people.robots}
