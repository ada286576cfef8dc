"""What a robot refused is in its diagnostics and in ``facetrack status``."""

import json

import pytest

from facetrack_ros import msg
from facetrack_ros.errors import ConfigError
from facetrack_ros.nodes.base.qos import PEOPLE_RECORDS, RELIABLE


def test_refusals_are_counted_by_sender_in_status(graph, processes, tmp_path):
    from facetrack_ros.config import Config
    from facetrack_ros.nodes.history_node import HistoryNode
    from facetrack_ros.nodes.tracker_node import TrackerNode

    graph.start()
    member = {"robot_id": "robot1", "cameras": ("front",), "config": Config({"data_dir": str(tmp_path)})}
    history, tracker = HistoryNode(**member), TrackerNode(**member)
    graph.spin(history, tracker)
    client = graph.client
    verdicts = client.create_publisher(msg.PersonVerdict, "/facetrack/verdicts", PEOPLE_RECORDS)
    tracks = client.create_publisher(msg.Tracks, "/robot1/front/tracks", RELIABLE)
    processes.wait_until(
        lambda: verdicts.get_subscription_count() and tracks.get_subscription_count(), "the robot's subscriptions"
    )
    verdicts.publish(msg.PersonVerdict(record_id="a_1", first="p_z", second="\x1b[2J", by="robot9\x1b[2J"))
    tracks.publish(msg.Tracks(camera_id="rear"))
    processes.wait_until(lambda: tracker.inbox.refused and history.inbox.refused, "both are refused")
    done = processes.run("status", "--json")
    refused = json.loads(done.stdout.splitlines()[0])["refused"]
    assert any("robot9" in name and "\x1b" not in name for name in refused["tracker"])
    assert any("Tracks" in name for name in refused["history"])
    shown = processes.run("status").stdout
    assert "  tracker: refused: " in shown
    assert "\x1b" not in shown


@pytest.mark.parametrize(
    ("robot", "camera"), [("x" * 65, "front"), ("_robot1", "front"), ("robot1", "left/front"), ("robot1", "x" * 65)]
)
def test_a_node_does_not_start_under_a_name_that_others_refuse(graph, robot, camera):
    from facetrack_ros.nodes.markers_node import MarkersNode

    graph.start()
    with pytest.raises(ConfigError, match="letters, digits and underscores"):
        MarkersNode(robot_id=robot, cameras=(camera,))
