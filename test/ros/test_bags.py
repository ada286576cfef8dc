"""Events of live frames and of their bag: replayed to the nodes, twice in a loop, and ingested."""

import threading

import numpy as np
import pytest
from sensor_msgs.msg import CompressedImage

from facetrack_ros import msg
from facetrack_ros.client.fleet_client import FleetClient
from facetrack_ros.core.frame import Frame, encode_jpeg
from facetrack_ros.history.events.format import read_events
from facetrack_ros.history.layout import history_folders
from facetrack_ros.nodes.base.qos import RELIABLE, SENSOR_DATA
from facetrack_ros.nodes.conversion.time import to_ns
from facetrack_ros.nodes.conversion.vision import frame_from_message, frame_to_message
from facetrack_ros.sources.bag import BagSource
from facetrack_ros.sources.bag_writer import BagWriter
from facetrack_ros.sources.factory import open_source
from facetrack_ros.sources.stamped_frames import stamped_frames

TOPIC = "/robot1/rear/image/compressed"
START_NS = 1_780_000_000_000_000_000
# Every sixth frame of a clip that a person crosses in 170 frames at 15 Hz, then empty frames until the person has left.
EVERY, EMPTY, STEP_NS = 6, 14, 200_000_000
EMPTY_JPEG = encode_jpeg(np.full((48, 64, 3), 90, np.uint8))


class Camera:
    """Publishes frames one by one, each after the robot has tracked the one before, and records what arrives."""

    def __init__(self, node):
        self._publisher = node.create_publisher(CompressedImage, TOPIC, SENSOR_DATA)
        self._changed = threading.Condition()
        self._through, self._recorded = 0, {}
        node.create_subscription(msg.Tracks, "/robot1/rear/tracks", self._on_tracks, RELIABLE)
        node.create_subscription(CompressedImage, TOPIC, self._on_image, SENSOR_DATA)

    def _on_tracks(self, message):
        with self._changed:
            self._through = to_ns(message.header.stamp)
            self._changed.notify_all()

    def _on_image(self, message):
        with self._changed:
            frame = frame_from_message(message, "rear", len(self._recorded))
            self._recorded[frame.stamp_ns] = frame
            self._changed.notify_all()

    def play(self, played, robot):
        """Empty pictures first, until one is tracked: only then has discovery ended."""
        warm_up = iter(range(played[0].stamp_ns - 3600 * 10**9, played[0].stamp_ns, 10**8))
        robot.wait_until(
            lambda _: self._send(Frame("rear", next(warm_up), 0, EMPTY_JPEG), 0.2), "a picture comes through"
        )
        self._recorded.clear()
        for frame in played:
            assert self._send(frame, 60.0), robot.said()

    def _send(self, frame, patience_s):
        self._publisher.publish(frame_to_message(frame))
        with self._changed:
            return self._changed.wait_for(
                lambda: self._through == frame.stamp_ns and frame.stamp_ns in self._recorded, patience_s
            )

    def write(self, path):
        """As ``ros2 bag record`` does: the messages in the order in which they came."""
        with BagWriter(path) as bag:
            for frame in self._recorded.values():
                bag.write(TOPIC, frame, frame.stamp_ns + 3_000_000)
        return path


def events_of(data):
    return [event for folder in history_folders(data) for event in read_events(folder.path)]


def compared(events):
    """The fields that must be equal, to the nanosecond."""
    return [
        (
            event["event"],
            event["person_id"],
            event["timestamp"],
            event.get("duration_sec"),
            event.get("last_seen_timestamp"),
        )
        for event in events
    ]


@pytest.fixture
def clip(stage):
    """The camera's frames."""
    crossing = list(stamped_frames(open_source(str(stage.clips["robot1", "rear"])), "rear", START_NS))[::EVERY]
    jpegs = [frame.jpeg for frame in crossing] + [EMPTY_JPEG] * EMPTY
    return [
        Frame("rear", START_NS + number * STEP_NS, number, jpeg, "rear_optical") for number, jpeg in enumerate(jpegs)
    ]


def test_live_replayed_and_ingested_frames_give_the_same_events(processes, clip, tmp_path, monkeypatch):
    for name in ("ROS_DOMAIN_ID", "ROS_AUTOMATIC_DISCOVERY_RANGE"):
        monkeypatch.setenv(name, processes.environment[name])

    def robot(data):
        return processes.node("robot", "-r", "__ns:=/robot1", "-p", f"data_dir:={data}", "-p", "cameras:=['rear']")

    with FleetClient() as asker:
        camera = Camera(asker.node)
        live = robot(tmp_path / "live")
        camera.play(clip, live)
        bag = camera.write(tmp_path / "bag")
        assert live.interrupt() == 0, live.said()

        again = robot(tmp_path / "again")
        from_bag = list(stamped_frames(BagSource(bag, TOPIC), "rear"))
        camera.play(from_bag, again)
        first_round = len(events_of(tmp_path / "again"))
        camera.play(from_bag, again)
        assert again.interrupt() == 0, again.said()
        assert "Traceback" not in again.said()

    done = processes.run(
        "ingest", "--robot", "robot1", "--camera", f"rear=bag:{bag}:{TOPIC}", "--data", tmp_path / "ingested"
    )
    assert done.returncode == 0, done.stderr

    seen = events_of(tmp_path / "live")
    assert sorted(event["event"] for event in seen if event["event"] != "FACE_MATCHED") == ["PERSON_IN", "PERSON_OUT"]
    assert compared(events_of(tmp_path / "ingested")) == compared(seen)
    replayed = events_of(tmp_path / "again")
    assert compared(replayed[:first_round]) == compared(seen)
    # The bag began again: time went back, which is a new session and no negative duration, and the person is known now.
    second = replayed[first_round:]
    assert {event["person_id"] for event in second} == {event["person_id"] for event in seen}
    assert [event["event"] for event in second if event["event"] != "FACE_MATCHED"] == ["PERSON_IN", "PERSON_OUT"]
    assert all(event["duration_sec"] >= 0 for event in replayed if event["event"] == "PERSON_OUT")
