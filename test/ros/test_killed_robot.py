"""A robot ended by SIGKILL during a visit: its log holds what it published; the visit ends at the restart."""

from facetrack_ros.client.fleet_client import FleetClient
from facetrack_ros.history.events.format import read_events
from facetrack_ros.nodes.conversion.time import to_ns


def key(event, person, stamp_s):
    return event, person, round(stamp_s, 3)


def test_a_killed_robot_logs_what_it_published_and_closes_its_visits(processes, stage, tmp_path, monkeypatch):
    for name in ("ROS_DOMAIN_ID", "ROS_AUTOMATIC_DISCOVERY_RANGE"):
        monkeypatch.setenv(name, processes.environment[name])
    data, clips = tmp_path / "data", {"front": stage.clips["robot1", "front"]}
    with FleetClient() as asker:
        published = []
        asker.on_event("robot1", published.append)
        robot = processes.robot("robot1", data, **clips)
        processes.wait_until(lambda: published, "a person came", alive=robot.popen)
        robot.kill()
        logged = {key(event["event"], event["person_id"], event["timestamp"]) for event in read_events(data / "robot1")}
        sent = {key(event.event, event.person_id, to_ns(event.header.stamp) / 1e9) for event in published}
        assert sent <= logged

        open_visits = {each[1] for each in logged if each[0] == "PERSON_IN"}
        again = processes.robot("robot1", data, **clips)
        again.wait_until(lambda said: "visits that were open when robot1 ended are closed" in said, "they are closed")
    closed = [event for event in read_events(data / "robot1") if event.get("reason")]
    assert {event["person_id"] for event in closed} == open_visits
    assert {event["reason"] for event in closed} == {"restarted"}
    assert all(0.0 <= event["duration_sec"] < 20.0 for event in closed)
    assert again.interrupt() == 0, again.said()
    ends = [event["person_id"] for event in read_events(data / "robot1") if event["event"] == "PERSON_OUT"]
    begins = [event["person_id"] for event in read_events(data / "robot1") if event["event"] == "PERSON_IN"]
    assert sorted(ends) == sorted(begins)
