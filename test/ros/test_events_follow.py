"""facetrack events -f: events of the logs and of robots as they come."""

import json

from robot_processes import FACETRACK


def events_of(follower) -> list[dict]:
    return [json.loads(line) for line in follower.said().splitlines() if line.startswith("{")]


def test_events_of_logs_and_of_robots_are_printed_once_as_they_come(processes, stage, tmp_path):
    data = tmp_path / "data"  # it is not there yet
    command = ["env", f"HOME={tmp_path}", FACETRACK, "events", "-f", "--json"]
    both = processes.start([*command, "--data", data], "both")
    # There is no data folder in that home: events come over the mesh alone.
    mesh = processes.start([*command, "--camera", "front"], "mesh")
    other = processes.start([*command, "--camera", "rear"], "other")
    for follower in (both, mesh, other):
        follower.wait_until(lambda said: "Ctrl-C ends it" in said, "it follows")
    robot = processes.robot("robot1", data, front=stage.clips["robot1", "rear"])
    both.wait_until(lambda said: "PERSON_IN" in said, "someone came")
    for follower in (both, mesh):
        follower.wait_until(lambda said: "PERSON_OUT" in said, "and left")
    other.wait_until(lambda said: "robot1 is heard" in said, "the robot is heard")
    assert robot.interrupt() == 0
    for follower in (both, mesh, other):
        assert follower.interrupt() == 0, follower.said()
        assert "Traceback" not in follower.said()
    (log,) = (data / "robot1").glob("events-*.jsonl")
    logged = [json.loads(line) for line in log.read_text().splitlines()]
    assert [event["event"] for event in logged].count("PERSON_IN") == 1
    keys = ("event", "person_id", "robot_id", "camera_id", "timestamp", "frame_number")
    logged, found, published = (
        [{key: event[key] for key in keys} for event in each] for each in (logged, events_of(both), events_of(mesh))
    )
    assert found == logged
    # A robot is heard a moment after it starts.
    assert published
    assert published == logged[-len(published) :]
    assert events_of(other) == []
