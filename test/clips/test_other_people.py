"""A clip of one person shows nobody else."""

import json
import re

import av
import cv2
import numpy as np
import pytest

from facetrack_ros.clips.clip import Clip
from facetrack_ros.clips.sources import LiveSource, StoredSource
from facetrack_ros.clips.writer import save_clip
from facetrack_ros.core.event import PERSON_IN, PersonEvent
from facetrack_ros.core.face import Face
from facetrack_ros.core.frame import Frame, encode_jpeg
from facetrack_ros.core.track import Track, TrackState
from facetrack_ros.history.frames.settings import FrameSettings
from facetrack_ros.history.layout import history_folders
from facetrack_ros.history.robot_history import RobotHistory
from facetrack_ros.models.contract import ModelContract

CONTRACT = ModelContract("net", "embedding", "onnx", "net.onnx", "", 1, "MIT", dimension=4, threshold=0.5)
SECOND = 1_000_000_000
START = 1_700_000_000 * SECOND
FRAMES, EVERY = 12, SECOND // 10
COLOURS = {"anna": (40, 200, 40), "ben": (40, 40, 220), "cara": (220, 60, 40)}


def box_of(name, i):
    """Anna stands, Ben walks towards her and covers a part of her, Cara is far on the right."""
    left = {"anna": 60, "ben": 220 - 10 * i, "cara": 300}[name]
    return np.array([left, 40, left + 60, 220], np.float32)


def picture(i, names):
    image = np.full((240, 400, 3), 128, np.uint8)
    for name in names:
        x1, y1, x2, y2 = box_of(name, i).astype(int)
        image[y1:y2, x1:x2] = COLOURS[name]
    return encode_jpeg(image)


def track(name, i, person=None):
    x1, y1, _, _ = box_of(name, i)
    face = Face(
        np.array([x1 + 20, y1 + 5, x1 + 40, y1 + 30], np.float32),
        np.zeros((5, 2), np.float32),
        0.9,
        0.5,
        embedding=np.eye(4, dtype=np.float32)[sorted(COLOURS).index(name)],
    )
    return Track(
        f"t_{name}", f"p_{name}" if person is None else person, TrackState.TRACKING, box_of(name, i), 0.8, face
    )


@pytest.fixture
def robot(tmp_path):
    """Twelve frames of three people, every second one analysed; then two frames that were not."""
    history = RobotHistory(tmp_path / "data", "robot1", CONTRACT, FrameSettings(mode="continuous", ring_frames=4))
    for i in range(FRAMES):
        stamp = START + i * EVERY
        history.add_frame(Frame("front", stamp, i, picture(i, COLOURS)))
        if i % 2 == 0:
            # Who Anna is, is decided with the third frame only.
            history.add_tracks("front", stamp, i, tuple(track(name, i, "" if i < 4 else None) for name in COLOURS))
            history.add_analysed("front", stamp)
    for i in (100, 101):
        history.add_frame(Frame("front", START + i * EVERY, i, picture(0, COLOURS)))
    for name in ("anna", "ben"):
        history.add_event(PersonEvent(PERSON_IN, START, "robot1", "front", f"p_{name}", 0, (1, 2, 3, 4), 0.8))
    history.flush()
    assert history.recorder.drain()
    yield history
    history.close()


@pytest.fixture(params=["running", "stored"])
def source(robot, tmp_path, request):
    if request.param == "running":
        yield LiveSource(robot)
    else:
        with StoredSource(history_folders(tmp_path / "data")[0]) as stored:
            yield stored


def clip_of(only, end_ns=START + FRAMES * EVERY, formats=("mcap", "jpg", "png", "mp4", "gif")):
    return Clip(("front",), START, end_ns, formats, only=frozenset(only))


def images_of(folder):
    for file in sorted((folder / "front").iterdir()):
        yield cv2.imread(str(file))
    with av.open(str(folder / "front.mp4")) as film:
        for frame in film.decode(video=0):
            yield frame.to_ndarray(format="bgr24")


def shows(image, name):
    return int((np.abs(image.astype(int) - COLOURS[name]).max(axis=2) < 45).sum())


def test_in_every_format_the_others_are_gone_and_the_person_is_there(source, tmp_path):
    saved = save_clip(source, clip_of({"p_anna"}), tmp_path / "clip")
    images = list(images_of(saved.folder))
    assert len(images) == 3 * FRAMES
    for image in images:
        assert shows(image, "ben") < 30
        assert shows(image, "cara") == 0
    assert shows(images[0], "anna") > 60 * 180 * 0.9
    assert all(shows(image, "anna") > 20 * 25 * 0.7 for image in images)  # her face at least, where Ben covers her
    assert saved.unknown == 0


def test_the_recording_and_the_manifest_name_nobody_else(source, tmp_path):
    saved = save_clip(source, clip_of({"p_anna"}), tmp_path / "clip")
    content = (saved.folder / "clip.mcap").read_bytes()
    starts = [found.start() for found in re.finditer(b"\xff\xd8\xff", content)]
    frames = [cv2.imdecode(np.frombuffer(content[start:], np.uint8), cv2.IMREAD_COLOR) for start in starts]
    assert len(frames) == FRAMES
    assert all(shows(frame, "cara") == 0 for frame in frames)
    text = (saved.folder / "manifest.json").read_text()
    manifest = json.loads(text)
    assert "ben" not in text
    assert "cara" not in text
    assert manifest["others_erased"]
    assert [person["track_id"] for line in manifest["frames"] for person in line["people"]] == ["t_anna"] * 6
    assert [event["person_id"] for event in manifest["events"]] == ["p_anna"]
    assert {sighting["person_id"] for sighting in manifest["sightings"]} == {"p_anna"}
    assert b"ben" not in content


def test_without_a_person_everyone_is_erased(source, tmp_path):
    saved = save_clip(source, clip_of(()), tmp_path / "clip")
    assert all(shows(image, name) < 30 for image in images_of(saved.folder) for name in COLOURS)


def test_frames_that_nobody_looked_at_are_erased_as_a_whole(source, tmp_path):
    saved = save_clip(source, clip_of({"p_anna"}, START + 200 * EVERY, ("png",)), tmp_path / "clip")
    assert (saved.frames, saved.unknown) == (FRAMES + 2, 2)
    last = cv2.imread(str(sorted((saved.folder / "front").iterdir())[-1]))
    assert last.std() < 2


def test_a_frame_that_does_not_decode_is_left_out(robot, tmp_path):
    robot.add_frame(Frame("front", START + FRAMES * EVERY, FRAMES, b"no picture"))
    saved = save_clip(LiveSource(robot), clip_of({"p_anna"}, formats=("mcap",)), tmp_path / "clip")
    assert (saved.frames, saved.skipped) == (FRAMES, 1)
