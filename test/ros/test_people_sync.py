"""Robots on one mesh agree on who is who, and learn of each other's enrolled people."""

import json
import shutil

import av
import cv2
import pytest

from facetrack_ros.history.events.format import read_events
from facetrack_ros.history.people.merge_log import MergeLog


@pytest.fixture
def clips(real_data):
    return real_data("clips")


@pytest.fixture
def both(clips):
    with av.open(str(clips / "head-pose-face-detection-female-and-male.gif")) as container:
        return next(container.decode(video=0)).to_ndarray(format="bgr24")


@pytest.fixture
def picture_of_a(both, tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), both[:, : both.shape[1] // 2])
    return tmp_path / "a.png"


@pytest.fixture
def picture_of_b(both, tmp_path):
    cv2.imwrite(str(tmp_path / "b.png"), both[:, both.shape[1] // 2 :])
    return tmp_path / "b.png"


def persons(processes):
    """The persons of all robots; none where not every robot was heard in time."""
    done = processes.run("persons", "list", "--json")
    assert done.returncode in (0, 1, 3), done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()] if done.returncode != 3 else []


def test_two_robots_with_two_ids_of_one_person_agree_on_one(
    processes, clips, real_data, picture_of_a, picture_of_b, tmp_path
):
    processes.environment["FACETRACK_MODELS"] = str(real_data("models"))
    data = tmp_path / "data"
    folder = tmp_path / "people"
    folder.mkdir()
    shutil.copy(picture_of_b, folder / "Bob.png")
    (folder / "junk.jpg").write_bytes(b"no picture")
    config = tmp_path / "config.yaml"
    config.write_text(f"gallery: {{folder: {folder}}}\n")
    robots = {
        robot: processes.robot(robot, data, given, front=clips / f"{clip}.gif")
        for robot, clip, given in (
            ("robot1", "face-demographics-walking-and-pause", None),
            ("robot2", "head-pose-face-detection-female-and-male", config),
        )
    }
    for robot in robots.values():
        robot.wait_until(lambda said: "is over, after" in said, "the clip is over")

    def on_both_robots():
        found = [line for line in persons(processes) if line["robots"] == ["robot1", "robot2"]]
        return found[0] if len(found) == 1 else None

    person = processes.wait_until(on_both_robots, lambda: f"A is one person: {persons(processes)}")
    code, answer = processes.search("--robot", "robot2", "--image", picture_of_a)
    assert code == 0, answer
    assert {match["robot_id"] for match in answer["matches"]} == {"robot1", "robot2"}
    assert {match["person_id"] for match in answer["matches"]} == {person["person_id"]}

    # Enrolled at one robot, known at the other; a person's word on two ids reaches both.
    done = processes.run("enroll", "Ann", picture_of_a, "--robot", "robot1", "--watch")
    assert done.returncode == 0, done.stderr
    entry = done.stdout.split()[-1]
    processes.wait_until(lambda: (data / "robot2" / "gallery" / f"{entry}.json").exists(), "the entry reaches robot2")
    processes.wait_until(
        lambda: processes.search("--robot", "robot2", "--person", "Ann")[0] == 0, "the entry reaches robot2's search"
    )
    _, answer = processes.search("--robot", "robot2", "--person", "Ann")
    assert {match["person_id"] for match in answer["matches"]} == {person["person_id"]}
    done = processes.run("enroll", "--remove", "Ann")
    assert done.returncode == 0, done.stderr
    assert not list(data.rglob(f"gallery/{entry}.json"))

    # Who is in robot2's folder is enrolled at robot1 too, and gone from both once the picture is.
    def of_the_folder():
        return sorted(path.parents[1].name for path in data.rglob("gallery/g_robot2_*.json"))

    processes.wait_until(lambda: of_the_folder() == ["robot1", "robot2"], "the folder's people are known to both")
    assert "junk.jpg" in robots["robot2"].said()
    (folder / "Bob.png").unlink()
    processes.wait_until(lambda: of_the_folder() == [], "the folder's people are forgotten by both")

    others = processes.wait_until(
        lambda: [line["person_id"] for line in persons(processes) if line["person_id"] != person["person_id"]],
        "another person is listed",
    )
    # Exit code 0 says that every robot holds it.
    done = processes.run("persons", "merge", others[0], person["person_id"])
    assert done.returncode == 0, done.stderr
    for robot in robots:
        merges = MergeLog(data / robot).read()
        assert merges.canonical(others[0]) == merges.canonical(person["person_id"])
    done = processes.run("persons", "split", others[0])
    assert done.returncode == 0, done.stderr
    assert all(MergeLog(data / robot).read().canonical(others[0]) == others[0] for robot in robots)
    for robot, process in robots.items():
        assert process.interrupt() == 0, process.said()
        assert {event["event"] for event in read_events(data / robot)} >= {"PERSON_IN", "PERSON_OUT"}


def test_a_robot_that_is_gone_makes_the_list_partial(processes, clips, real_data, tmp_path):
    processes.environment["FACETRACK_MODELS"] = str(real_data("models"))
    processes.environment["FACETRACK_MESH"] = "/floor2"
    clip = clips / "head-pose-face-detection-female-and-male.gif"
    robots = [processes.robot(robot, tmp_path / "data", front=clip) for robot in ("robot1", "robot2")]
    for robot in robots:
        robot.wait_until(lambda said: "is over, after" in said, "the clip is over")
    processes.wait_until(
        lambda: {robot for line in persons(processes) for robot in line["robots"]} == {"robot1", "robot2"},
        "both robots list their persons",
    )
    assert processes.run("persons", "list", "--mesh", "/floor3").returncode == 2
    robots[1].kill()
    done = processes.run("persons", "list", "--json")
    assert done.returncode == 3
    assert "robot2" in done.stderr
    assert {robot for line in done.stdout.splitlines() for robot in json.loads(line)["robots"]} == {"robot1"}
