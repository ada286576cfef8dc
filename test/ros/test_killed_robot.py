"""A robot ended by SIGKILL during a visit: its log holds what it published; the visit ends at the restart."""

from rclpy.node import Node
from robot_processes import wait_until

from facetrack_ros import msg
from facetrack_ros.client.fleet_client import FleetClient
from facetrack_ros.config import Config
from facetrack_ros.core.event import PERSON_IN, PersonEvent
from facetrack_ros.history.events.format import read_events
from facetrack_ros.history.robot_history import RobotHistory
from facetrack_ros.nodes.base.process import ros, spinning
from facetrack_ros.nodes.base.qos import RELIABLE
from facetrack_ros.nodes.conversion.time import to_ns
from facetrack_ros.nodes.tracker_node import TrackerNode
from facetrack_ros.vision.settings import contract_of


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


def test_a_tracker_by_itself_publishes_the_ends_that_its_last_process_left_out(tmp_path, domain, monkeypatch):
    monkeypatch.setenv("ROS_DOMAIN_ID", str(domain))
    config = Config({"data_dir": str(tmp_path)})
    history = RobotHistory(tmp_path, "robot1", contract_of("mobilefacenet_foamliu", config))
    history.add_event(
        PersonEvent(PERSON_IN, 1_700_000_000 * 10**9, "robot1", "front", "p_robot1_1", 3, (0.0, 0.0, 1.0, 1.0), 0.5)
    )
    history.close()
    came = []
    with ros([]):
        tracker, other = TrackerNode(robot_id="robot1", cameras=("front",), config=config), Node("other")
        other.create_subscription(msg.PersonEvent, "/robot1/events", came.append, RELIABLE)
        faces = other.create_publisher(msg.Faces, "/robot1/front/faces", RELIABLE)
        with spinning([tracker, other]):
            tracker.start_up()
            wait_until(
                lambda: faces.get_subscription_count() and other.count_publishers("/robot1/events"),
                "they know each other",
            )
            for number in range(2):
                faces.publish(msg.Faces(camera_id="front", model_id="mobilefacenet_foamliu", frame_number=number))
            wait_until(lambda: came, "the end of the visit")
            tracker.end()
        other.destroy_node()
    assert [(event.event, event.person_id, event.reason) for event in came] == [
        ("PERSON_OUT", "p_robot1_1", "restarted")
    ]
