"""``recognition.keep: watchlist`` in a whole robot: what it sends, and what it refuses."""

import threading

import numpy as np
import yaml

from facetrack_ros import msg, srv
from facetrack_ros.client.fleet_client import FleetClient
from facetrack_ros.history.layout import history_folders
from facetrack_ros.nodes.base.qos import PERSON_TEMPLATES, RELIABLE
from facetrack_ros.nodes.conversion.time import to_time
from facetrack_ros.search.offline.stores import stores_below


class Wire:
    """Embeddings on a robot's topics, and who came and went."""

    def __init__(self, node, cameras):
        self.embeddings, self.events, self.tracks = [], [], 0
        self._lock = threading.Lock()
        for camera in cameras:
            node.create_subscription(msg.Faces, f"/robot1/{camera}/faces", self._on_faces, RELIABLE)
            node.create_subscription(msg.Tracks, f"/robot1/{camera}/tracks", self._on_tracks, RELIABLE)
        node.create_subscription(msg.PersonTemplate, "/facetrack/persons", self._on_template, PERSON_TEMPLATES)
        node.create_subscription(msg.PersonEvent, "/robot1/events", self._on_event, RELIABLE)

    def _add(self, rows):
        with self._lock:
            self.embeddings += [np.array(row, np.float32) for row in rows if len(row)]

    def _on_faces(self, message):
        self._add(face.embedding for face in message.faces)

    def _on_tracks(self, message):
        self.tracks += 1
        self._add(face.embedding for track in message.tracks for face in track.face)

    def _on_template(self, message):
        self._add(np.reshape(message.embeddings, (len(message.qualities), -1)))

    def _on_event(self, message):
        with self._lock:
            self.events.append(message)


def test_of_two_people_only_the_enrolled_one_leaves_the_robot(processes, stage, tmp_path, monkeypatch):
    for name in ("ROS_DOMAIN_ID", "ROS_AUTOMATIC_DISCOVERY_RANGE"):
        monkeypatch.setenv(name, processes.environment[name])
    people, data, config = tmp_path / "people", tmp_path / "data", tmp_path / "robot.yaml"
    people.mkdir()
    (people / "Grace.png").write_bytes(stage.references["Grace Hopper"].read_bytes())
    settings = {"recognition": {"keep": "watchlist"}, "gallery": {"folder": str(people)}}
    config.write_text(yaml.safe_dump(settings | {"frame_history": {"mode": "continuous"}}))
    cameras = {"rear": stage.clips["robot1", "rear"], "front": stage.clips["robot2", "front"]}
    with FleetClient("robot1") as asker:
        wire = Wire(asker.node, cameras)
        robot = processes.robot("robot1", data, config, **cameras)
        robot.wait_until(lambda said: said.count("is over, after 170 frames") == 2, "the clips are over")
        robot.wait_until(
            lambda _: sum(event.event == "PERSON_OUT" for event in wire.events) >= 2, "both people have left"
        )
        (folder,) = history_folders(data)
        matched = {event.person_id for event in wire.events if event.reference_name == "Grace"}
        assert matched
        stored = {
            person.person_id: store.best_faces(person.person_id)[0]
            for store in stores_below(folder.path)
            for person in store.persons()
        }
        assert set(stored) == matched
        faces = np.concatenate(list(stored.values()))
        assert wire.tracks > 100
        assert wire.embeddings
        assert min(float((faces @ face).max()) for face in wire.embeddings) > 0.3
        shown = {}
        for camera in cameras:
            request = srv.GetFrames.Request(camera_id=camera, start=to_time(1), end=to_time(2 * 10**18))
            answer = asker.call(srv.GetFrames, "get_frames", request, 60.0)
            shown[camera] = len(answer.frames) if answer.success else 0
        assert shown["rear"]
        assert not shown["front"]
        code, found = processes.search("--robot", "robot1", "--image", stage.references["Eileen Collins"])
        assert (code, found["matches"]) == (1, [])
        assert "keeps enrolled people only" in found["robots"][0]["note"]
    assert robot.interrupt() == 0, robot.said()


def test_nodes_in_processes_of_their_own_are_refused(processes, tmp_path):
    arguments = ("-r", "__ns:=/robot1", "-p", "recognition.keep:=watchlist", "-p", f"data_dir:={tmp_path}")
    embedder = processes.node("embedder", *arguments)
    assert embedder.popen.wait(60) == 2
    assert "in one process" in embedder.said()
