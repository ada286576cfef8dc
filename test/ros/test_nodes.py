"""A process a node, over topics alone, gives what one process gives."""

from facetrack_ros.client.fleet_client import FleetClient
from facetrack_ros.history.events.format import read_events
from facetrack_ros.history.layout import history_folders
from facetrack_ros.nodes.conversion.time import to_ns


def test_every_node_in_its_own_process(processes, stage, tmp_path, monkeypatch):
    data = tmp_path / "data"
    ros = ["-r", "__ns:=/robot1", "-p", f"data_dir:={data}", "-p", "cameras:=['rear']"]
    started = [
        processes.node(node, *ros) for node in ("detector", "embedder", "tracker", "history", "search", "overlay")
    ]
    for name in ("ROS_DOMAIN_ID", "ROS_AUTOMATIC_DISCOVERY_RANGE"):
        monkeypatch.setenv(name, processes.environment[name])
    with FleetClient() as asker:
        overlays, stamps = [], []
        asker.on_overlay("robot1", "rear", overlays.append)
        asker.on_event("robot1", lambda event: stamps.append(to_ns(event.header.stamp)))
        names = {"detector", "embedder", "tracker", "history", "search", "overlay"}
        processes.wait_until(
            lambda: names <= set(asker.node.get_node_names()), lambda: f"up: {asker.node.get_node_names()}"
        )
        camera = processes.node("camera", *ros, "-p", "camera:=rear", "-p", f"source:={stage.clips['robot1', 'rear']}")
        camera.wait_until(lambda said: "is over, after 170 frames" in said, "the clip is over")
        processes.wait_until(lambda: len(stamps) >= 2, "one person in and out", alive=started[2].popen)
        assert overlays
        assert bytes(overlays[0].data[:2]) == b"\xff\xd8"
    code, answer = processes.search("--robot", "robot1", "--image", stage.references["Grace Hopper"])
    assert code == 0, answer
    assert {(match["robot_id"], match["camera_id"]) for match in answer["matches"]} == {("robot1", "rear")}
    for process in (*started, camera):
        assert process.interrupt() == 0, process.said()
        assert "Traceback" not in process.said(), process.said()
    events = [event["event"] for folder in history_folders(data) for event in read_events(folder.path)]
    assert events.count("PERSON_IN") == events.count("PERSON_OUT") == 1
