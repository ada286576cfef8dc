"""Another model's sightings come from stored frames, with who they were, whatever breaks in between."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from facetrack_ros.core.detections import Detections
from facetrack_ros.core.face import Face
from facetrack_ros.core.frame import Frame
from facetrack_ros.core.track import Track, TrackState
from facetrack_ros.history.frames.archive import FrameArchive
from facetrack_ros.history.frames.settings import FrameSettings
from facetrack_ros.history.robot_history import RobotHistory
from facetrack_ros.history.sightings.store import SightingStore
from facetrack_ros.models.contract import ModelContract
from facetrack_ros.search.rescan.reindex import frames_to_scan, missing_frames, reindex
from facetrack_ros.search.rescan.stored_frames import StoredFramesWithTracks

FACETRACK = Path(sys.executable).parent / "facetrack"
OLD = ModelContract("old", "embedding", "onnx", "old.onnx", "", 1, "MIT", dimension=4, threshold=0.5)
NEW = replace(OLD, id="new", file="new.onnx", dimension=8)
SECOND = 10**9
FRAMES = 40
LEFT, RIGHT = np.array([0, 0, 50, 90], np.float32), np.array([60, 0, 110, 90], np.float32)
_, JPEG = cv2.imencode(".jpg", np.zeros((90, 120, 3), np.uint8))


def face(box, axis, dimension):
    inner = np.concatenate([box[:2] + 10, box[:2] + 30])
    return Face(inner, np.zeros((5, 2), np.float32), 0.9, 0.5, embedding=np.eye(dimension, dtype=np.float32)[axis])


class NewModel:
    """Finds the person on the left and the one on the right in every frame."""

    contract = NEW

    def detect(self, images):
        return [Detections(np.stack([LEFT, RIGHT]), np.ones(2, np.float32), "persons") for _ in images]

    def faces(self, image, persons, selection):
        wanted = selection.search_mask(persons.boxes)
        return tuple(
            replace(face(box, int(box[0] > 50), 8), person=i) for i, box in enumerate(persons.boxes) if wanted[i]
        )


@pytest.fixture
def remembered(tmp_path):
    """A robot that followed two people, and came to know the left one only at the end."""
    history = RobotHistory(tmp_path, "robot1", OLD, FrameSettings(mode="continuous"))
    for i in range(FRAMES):
        stamp = i * SECOND // 4
        history.add_frame(Frame("front", stamp, i, JPEG.tobytes()))
        assert history.recorder.drain()
        left_person = "p_1" if i == FRAMES - 1 else ""
        left = Track("t1", left_person, TrackState.TRACKING, LEFT, 0.9, face(LEFT, 0, 4))
        right = Track("t2", "p_2", TrackState.TRACKING, RIGHT, 0.9, face(RIGHT, 1, 4))
        history.add_tracks("front", stamp, i, [left, right])
        history.flush()
    history.close()
    return tmp_path / "robot1"


def opened(folder, old):
    return StoredFramesWithTracks(FrameArchive.open_readonly(folder / "frames", "robot1"), "robot1", [old])


def who(store):
    found, _ = store.search(np.full(8, 8**-0.5, np.float32), -(2**62), 2**62, limit=999)
    return sorted((one.track_id, one.person_id, one.first_ns) for one, _ in found)


def test_persons_and_tracks_are_those_of_then_and_a_second_run_finds_nothing_to_do(remembered):
    with (
        closing(SightingStore.open_readonly(remembered, OLD)) as old,
        closing(SightingStore(remembered, NEW, "robot1")) as new,
    ):
        frames = opened(remembered, old)
        wanted = frames_to_scan(frames, new)
        assert len(wanted) == FRAMES
        assert reindex(frames, wanted, new, [NewModel()], lambda: False) == FRAMES
        assert {(track, person) for track, person, _ in who(new)} == {("t1", "p_1"), ("t2", "p_2")}
        assert new.coverage("front") == old.coverage("front")
        assert frames_to_scan(frames, new) == []
        assert missing_frames(frames, [old])[0].sightings == 0


@pytest.mark.parametrize("every", [4, 15])
def test_broken_off_again_and_again_it_gets_to_the_same(remembered, every):
    with closing(SightingStore.open_readonly(remembered, OLD)) as old:
        runs = 0
        for _ in range(FRAMES):
            asked = []
            with closing(SightingStore(remembered, NEW, "robot1")) as new:
                frames = opened(remembered, old)
                wanted = frames_to_scan(frames, new)
                if not wanted:
                    break  # done
                reindex(frames, wanted, new, [NewModel()], lambda asked=asked: asked.append(0) or len(asked) > every)
            runs += 1
        assert runs > 1
        with closing(SightingStore(remembered, NEW, "robot1")) as new:
            assert {(track, person) for track, person, _ in who(new)} == {("t1", "p_1"), ("t2", "p_2")}


def test_sightings_whose_frames_are_gone_are_counted(remembered):
    for segment in (remembered / "frames").glob("segment-*"):
        segment.unlink()
    with closing(SightingStore.open_readonly(remembered, OLD)) as old:
        (line,) = missing_frames(opened(remembered, old), [old])
        assert (line.model_id, line.sightings, line.of) == ("old", old.count, old.count)
        assert old.count


def test_the_command_goes_on_after_a_kill_on_a_real_clip(real_data, tmp_path):
    own = {"FACETRACK_MODELS": str(real_data("models")), "FACETRACK_DOWNLOAD": "0", "XDG_CACHE_HOME": str(tmp_path)}
    environment = {**os.environ, **own}
    (tmp_path / "old.yaml").write_text("frame_history: {mode: continuous, min_free_mb: 0}\n")
    (tmp_path / "new.yaml").write_text("embedder: {model: dlib_resnet_v1}\n")
    clip = real_data("clips") / "face-demographics-walking-and-pause.gif"
    data, again = tmp_path / "data", ["reindex", "--data", tmp_path / "data", "--config", tmp_path / "new.yaml"]

    def facetrack(*arguments):
        return subprocess.run(
            [str(FACETRACK), *map(str, arguments)], capture_output=True, text=True, env=environment, timeout=300
        )

    def persons(model):
        with closing(sqlite3.connect(data / "robot1" / f"sightings-{model}.sqlite")) as connection:
            return set(connection.execute("SELECT track_id, person_id FROM sightings"))

    source = ("--robot", "robot1", "--camera", f"front={clip}")
    done = facetrack("ingest", *source, "--data", data, "--config", tmp_path / "old.yaml")
    assert done.returncode == 0, done.stderr
    process = subprocess.Popen(
        [str(FACETRACK), *map(str, again)], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 120
    while process.poll() is None and time.monotonic() < deadline:
        try:
            if persons("dlib_resnet_v1"):
                break
        except sqlite3.Error:  # not made yet
            pass
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    done = facetrack(*again)
    assert done.returncode == 0, done.stderr
    assert persons("dlib_resnet_v1")
    assert persons("dlib_resnet_v1") <= persons("mobilefacenet_foamliu")
    done = facetrack(*again)
    assert "0 sightings" in done.stdout
    assert "from 0 frames" in done.stdout
