"""Robots as processes: searches over two of them, a killed one, an orderly end."""

import signal

import pytest

from facetrack_ros.history.events.format import read_events
from facetrack_ros.history.layout import history_folders


def events_below(data):
    return [event for folder in history_folders(data) for event in read_events(folder.path)]


@pytest.fixture
def two_robots(processes, stage, tmp_path):
    """Two robots whose clips are over."""
    data = tmp_path / "data"
    robots = {}
    for robot, camera in (("robot1", "rear"), ("robot2", "front")):
        robots[robot] = processes.robot(robot, data, **{camera: stage.clips[robot, camera]})
    for robot in robots.values():
        robot.wait_until(lambda said: "is over, after 170 frames" in said, "the clip is over")
    for robot in robots:
        robots[robot].wait_until(
            lambda _, robot=robot: any(
                event["event"] == "PERSON_OUT" and event["robot_id"] == robot for event in events_below(data)
            ),
            "the person has left",
        )
    return robots, data


def test_two_robots_answer_one_search(processes, two_robots, stage, tmp_path):
    robots, data = two_robots
    eileen, grace = stage.references["Eileen Collins"], stage.references["Grace Hopper"]

    code, answer = processes.search("--robot", "robot1", "--image", eileen)
    assert code == 0, answer
    assert {(match["robot_id"], match["camera_id"]) for match in answer["matches"]} == {("robot2", "front")}
    assert {robot["robot_id"]: robot["status"] for robot in answer["robots"]} == {
        "robot1": "answered",
        "robot2": "answered",
    }
    assert all(match["similarity"] >= answer["threshold"] for match in answer["matches"])

    code, answer = processes.search("--robot", "robot2", "--image", grace, "--out", tmp_path / "out")
    assert code == 0, answer
    assert {(match["robot_id"], match["camera_id"]) for match in answer["matches"]} == {("robot1", "rear")}
    assert (tmp_path / "out" / "timeline.png").stat().st_size > 10_000

    person = answer["matches"][0]["person_id"]
    code, by_person = processes.search("--robot", "robot2", "--person", person)
    assert code == 0, by_person
    assert {match["person_id"] for match in by_person["matches"]} == {person}

    # After a kill, the response names the missing robot.
    robots["robot2"].kill()
    code, answer = processes.search("--robot", "robot1", "--image", eileen)
    assert code == 3, answer
    assert {robot["robot_id"]: robot["status"] for robot in answer["robots"]}["robot2"] in ("timed_out", "left")

    # What a killed robot had stored is readable, and so is what a robot still running has.
    code, answer = processes.search("--data", data, "--image", eileen)
    assert code == 0, answer
    assert {(match["robot_id"], match["camera_id"]) for match in answer["matches"]} == {("robot2", "front")}


def test_a_robot_that_left_has_another_status_than_a_silent_one(processes, two_robots, stage):
    robots, _ = two_robots
    assert robots["robot2"].interrupt() == 0
    code, answer = processes.search("--robot", "robot1", "--image", stage.references["Grace Hopper"])
    assert code == 3, answer
    assert {robot["robot_id"]: robot["status"] for robot in answer["robots"]} == {
        "robot1": "answered",
        "robot2": "left",
    }
    assert {match["robot_id"] for match in answer["matches"]} == {"robot1"}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_signal_completes_logs_and_history(processes, stage, tmp_path, number):
    data = tmp_path / "data"
    robot = processes.robot("robot1", data, front=stage.clips["robot1", "front"])
    robot.wait_until(
        lambda _: any(event["event"] == "PERSON_IN" for event in events_below(data)) if data.exists() else False,
        "a person came",
    )
    robot.popen.send_signal(number)
    assert robot.popen.wait(20.0) == 0, robot.said()
    assert "Traceback" not in robot.said()
    events = events_below(data)
    arrived = [event["person_id"] for event in events if event["event"] == "PERSON_IN"]
    left = [event["person_id"] for event in events if event["event"] == "PERSON_OUT"]
    assert sorted(arrived) == sorted(left), "every visit has ended with the robot"
    assert processes.run("status", "--data", data).returncode == 0
