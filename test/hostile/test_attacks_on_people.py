"""Attacks with templates, decisions, gallery entries and roster lines: what robots know of people stays right."""

import array
import json
import time

import numpy as np
import pytest
from hostile_fleet import DIMENSION, MODEL, PERSONS, near
from robot_processes import wait_until

from facetrack_ros import msg, srv
from facetrack_ros.nodes.conversion.fields import float_array

MESH = "/facetrack"


@pytest.fixture(scope="module", autouse=True)
def unharmed(fleet, attacker):
    """After all attacks of this file both robots search, restart, hold what they held, and logged no traceback."""
    held = fleet.held()
    yield
    attacker.abandon()
    fleet.check_searches(attacker)
    fleet.restart()
    fleet.check_held(held)
    fleet.check_searches(attacker)
    assert "Traceback" not in fleet.said()


def persons(fleet):
    done = fleet.processes.run("persons", "list", "--json")
    assert done.returncode in (0, 1, 3), done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def ids_of(fleet, person):
    """All ids of a person on the mesh."""
    return next((set(line["ids"]) for line in persons(fleet) if person in line["ids"]), set())


def template(person, *faces, robot="robot9", instance="stranger", model=MODEL):
    rows = np.array(faces, np.float32)
    return msg.PersonTemplate(
        robot_id=robot,
        instance_id=instance,
        person_id=person,
        model_id=model,
        dimension=rows.shape[1],
        embeddings=float_array(rows.ravel()),
        qualities=float_array(np.full(len(rows), 0.9)),
    )


def unit(row):
    return (row / np.linalg.norm(row)).astype(np.float32)


def between(one, other, share):
    return unit((1 - share) * one + share * other)


def settled(attacker, robot="robot1"):
    """Everything sent so far was taken from its queue: the robot's services answer after it."""
    answer = attacker.call(srv.ListPeople, f"/{robot}/list_people", srv.ListPeople.Request())
    assert answer.success
    return answer


def test_a_gallery_entry_with_seven_numbers_is_stored_by_no_robot(fleet, attacker):
    seven = [float(number) for number in unit(np.ones(7))]
    entry = msg.GalleryEntry(entry_id="g_evil_1", name="Eve", model_id=MODEL, embedding=seven, quality=0.9, by="robot9")
    attacker.send(f"{MESH}/gallery", entry)
    settled(attacker)
    settled(attacker, "robot2")
    fleet.restart()
    for robot in ("robot1", "robot2"):
        assert not (fleet.data / robot / "gallery" / "g_evil_1.json").exists()
    fleet.check_searches(attacker)


def test_the_highest_version_is_no_last_word(fleet, attacker):
    verdict = msg.PersonVerdict(
        record_id="a_evil_1",
        first="p_robot1_1",
        second="p_robot2_1",
        same=True,
        by="Eve",
        operator_decided=True,
        version=2**32 - 1,
    )
    attacker.send(f"{MESH}/verdicts", verdict)
    settled(attacker)
    done = fleet.processes.run("persons", "split", "p_robot2_1")
    apart = {"p_robot2_1"}.isdisjoint(ids_of(fleet, "p_robot1_1"))
    assert (done.returncode == 0 and apart) or (done.returncode != 0 and done.stderr), (done, persons(fleet))
    assert apart, "nothing that a stranger says once is for ever"


def test_three_drifting_templates_do_not_merge_two_people(fleet, attacker, faces):
    one, other = faces.values()
    chance = np.random.default_rng(2)
    for share in (0.0, 0.5, 1.0):
        rows = [near(between(one, other, share), chance, 0.99) for _ in range(8)]
        attacker.send(f"{MESH}/persons", template("p_robot9_1", *rows))
        settled(attacker)
    settled(attacker, "robot2")
    assert "p_robot2_1" not in ids_of(fleet, "p_robot1_1"), persons(fleet)


def test_two_thousand_templates_evict_no_person_of_the_robots(fleet, attacker, faces):
    chance = np.random.default_rng(3)
    before = {robot: fleet.rss_mb(robot) for robot in fleet.robots}
    for number in range(2005):
        attacker.send(f"{MESH}/persons", template(f"p_robot9_{number + 10}", unit(chance.standard_normal(DIMENSION))))
    settled(attacker)
    settled(attacker, "robot2")
    for robot in fleet.robots:
        assert fleet.rss_mb(robot) - before[robot] < 60
    listed = {person for line in persons(fleet) for person in line["ids"]}
    assert {f"p_{robot}_{number}" for robot in fleet.robots for number in range(1, PERSONS + 1)} <= listed


def test_only_the_robot_whose_person_it_is_tells_of_it(fleet, attacker, faces):
    """A search by the person's id finds where robot1 saw the person, or nothing; never where robot2 saw another one."""
    other = list(faces.values())[1]
    for robot, instance in (("robot9", "stranger"), ("robot1", "forged"), ("robot2", "forged"), ("robot2", "")):
        for _ in range(5):
            attacker.send(f"{MESH}/persons", template("p_robot1_1", other, robot=robot, instance=instance))
    settled(attacker, "robot2")
    for asked in fleet.robots:
        answer = attacker.call(srv.FaceSearch, f"/{asked}/face_search", srv.FaceSearch.Request(person_id="p_robot1_1"))
        assert answer.success or answer.message
        assert {match.robot_id for match in answer.matches} <= {"robot1"}


def test_a_flood_of_robot_names_stops_no_search(fleet, attacker):
    for number in range(12_000):
        attacker.send(f"{MESH}/roster", msg.HistoryStatus(robot_id=f"ghost{number}", instance_id=f"i{number}"))
        if number % 100 == 0:
            time.sleep(0.03)
    fleet.check_searches(attacker)


def test_a_flood_of_bad_decisions_fills_no_log(fleet, attacker):
    before = len(fleet.said())
    for number in range(1500):
        bad = msg.PersonVerdict(
            record_id=f"a_{number}\x1b[31m", first="p_z", second="p_a", same=True, by=f"robot{number}"
        )
        attacker.send(f"{MESH}/verdicts", bad)
    settled(attacker)
    settled(attacker, "robot2")
    said = fleet.said()
    assert "Traceback" not in said
    assert len(said) - before < 20_000
    assert "\x1b[31m" not in said


def test_a_deleted_entry_is_not_brought_back_by_an_old_message(fleet, attacker, faces):
    entry = msg.GalleryEntry(
        entry_id="g_robot9_7",
        name="Ann",
        model_id=MODEL,
        embedding=float_array(near(next(iter(faces.values())), np.random.default_rng(5), 0.1)),
        quality=0.9,
        by="robot9",
    )
    file = fleet.data / "robot1" / "gallery" / "g_robot9_7.json"
    attacker.send(f"{MESH}/gallery", entry)
    wait_until(file.exists, "an honest entry is stored")
    attacker.send(f"{MESH}/gallery", msg.GalleryEntry(entry_id="g_robot9_7", deleted=True, by="robot9"))
    wait_until(lambda: not file.exists(), "it is deleted")
    attacker.send(f"{MESH}/gallery", entry)
    settled(attacker)
    assert not file.exists()


def test_arrays_that_lie_about_their_dimension_are_refused(fleet, attacker):
    odd = template("p_robot9_5", unit(np.ones(DIMENSION)))
    for dimension, embeddings in (
        (0, [1.0]),
        (2**32 - 1, [1.0]),
        (3, [1.0] * 10),
        (DIMENSION, [float("nan")] * DIMENSION),
    ):
        odd.dimension, odd.embeddings = dimension, array.array("f", embeddings)
        attacker.send(f"{MESH}/persons", odd)
    settled(attacker)
    assert "Traceback" not in fleet.said()
