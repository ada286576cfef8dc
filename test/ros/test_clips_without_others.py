"""Clips that a robot saves without the others, and deletes when they are old."""

import json
import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from facetrack_ros import srv
from facetrack_ros.config import Config
from facetrack_ros.core.frame import Frame, encode_jpeg
from facetrack_ros.core.track import Track, TrackState
from facetrack_ros.models.catalog import MOBILEFACENET
from facetrack_ros.nodes.conversion.time import to_time

START = 1_700_000_000 * 10**9
PEOPLE = {"anna": ((40, 200, 40), (20, 20, 80, 200)), "ben": ((40, 40, 220), (200, 20, 260, 200))}
SETTINGS = {"frame_history.mode": "continuous", "clips.max_age_h": 1.0, "allow_remote_changes": True}


@pytest.fixture
def history(graph, monkeypatch):
    """The history node of robot1, which saw Anna and Ben in five frames."""
    from facetrack_ros.nodes.history_node import HistoryNode

    monkeypatch.setattr("facetrack_ros.nodes.fleet.frame_services.DELETE_S", 0.1)
    graph.start()
    node = HistoryNode(
        robot_id="robot1", cameras=("front",), config=Config({"data_dir": str(graph.folder), **SETTINGS})
    )
    node.open_history(MOBILEFACENET)
    image = np.full((220, 300, 3), 128, np.uint8)
    for colour, (x1, y1, x2, y2) in PEOPLE.values():
        image[y1:y2, x1:x2] = colour
    tracks = tuple(
        Track(f"t_{name}", f"p_{name}", TrackState.TRACKING, np.array(box, np.float32), 0.8)
        for name, (_, box) in PEOPLE.items()
    )
    face = np.eye(MOBILEFACENET.dimension, dtype=np.float32)
    for number in range(5):
        stamp = START + number * 10**8
        node.history.add_frame(Frame("front", stamp, number, encode_jpeg(image)))
        node.history.add_tracks("front", stamp, number, tracks)
        node.history.add_analysed("front", stamp)
        for row, (name, (_, box)) in enumerate(PEOPLE.items()):
            box = np.array(box, np.float32)
            ids = f"t_{name}", f"p_{name}"
            node.history.sightings.add("front", stamp, number, *ids, box, box, 0.5, face[row], lambda: b"")
    node.history.flush()
    graph.spin(node)
    return node


def shown(folder):
    """Who is in the pictures of a clip."""
    pictures = [cv2.imread(str(path)).astype(int) for path in sorted((Path(folder) / "front").glob("*.png"))]
    assert pictures
    return {
        name
        for name, (colour, _) in PEOPLE.items()
        if any((np.abs(picture - colour).max(axis=2) < 45).sum() > 100 for picture in pictures)
    }


def test_others_are_erased_and_old_clips_go(graph, history, processes):
    times = {"start": to_time(START), "end": to_time(START + 10**9)}
    for name, fields, left in (
        ("everyone", {"track_id": "t_anna"}, {"anna", "ben"}),
        ("anna", {"track_id": "t_anna", "blur_others": True}, {"anna"}),
        ("nobody", {**times, "blur_others": True}, set()),
    ):
        saved = graph.call(
            srv.SaveClip, "/robot1/save_clip", srv.SaveClip.Request(name=name, formats=["png"], **fields)
        )
        assert saved.success, saved.message
        assert shown(saved.folder) == left
        manifest = Path(saved.folder) / "manifest.json"
        assert json.loads(manifest.read_text())["others_erased"] == fields.get("blur_others", False)
    os.utime(manifest, (1, 1))
    clips = manifest.parent.parent
    processes.wait_until(lambda: not manifest.exists(), "the old clip is deleted")
    assert sorted(path.name for path in clips.iterdir() if not path.name.endswith(".unfinished")) == [
        "anna",
        "everyone",
    ]
