"""A clip is what was seen, as files that others open, with a manifest that holds them to it."""

import hashlib
import itertools
import json

import av
import cv2
import numpy as np
import pytest
from mcap.reader import make_reader
from PIL import Image
from rosbags.rosbag2 import Reader

from facetrack_ros.clips.clip import Clip
from facetrack_ros.clips.selection import choose_clip
from facetrack_ros.clips.sources import LiveSource, StoredSource
from facetrack_ros.clips.writer import save_clip
from facetrack_ros.core.event import PERSON_IN, PersonEvent
from facetrack_ros.core.face import Face
from facetrack_ros.core.frame import Frame, encode_jpeg
from facetrack_ros.core.track import Track, TrackState
from facetrack_ros.errors import RequestError, StoreError
from facetrack_ros.history.frames.settings import FrameSettings
from facetrack_ros.history.layout import history_folders
from facetrack_ros.history.messages.cdr import typestore
from facetrack_ros.history.messages.schemas import EVENT, TRACKS
from facetrack_ros.history.robot_history import RobotHistory
from facetrack_ros.models.contract import ModelContract

CONTRACT = ModelContract("net", "embedding", "onnx", "net.onnx", "", 1, "MIT", dimension=4, threshold=0.5)
SECOND = 1_000_000_000
START = 1_700_000_000 * SECOND
# Uneven, as real cameras are.
STAMPS = [START + round(offset * SECOND) for offset in (0, 0.1, 0.25, 0.3, 0.7, 0.8, 0.9, 1.4)]
BOX = np.array([60, 40, 120, 160], np.float32)
RED = (0, 0, 255)


def picture(i, size=(240, 321)):
    image = np.full((*size, 3), 40, np.uint8)
    cv2.circle(image, (40 + 25 * i, 200), 12, RED, -1)
    return encode_jpeg(image)


@pytest.fixture
def robot(tmp_path):
    """Eight frames of the front camera, two of the rear one; somebody in the middle of the front ones."""
    history = RobotHistory(tmp_path / "data", "robot1", CONTRACT, FrameSettings(mode="continuous", ring_frames=4))
    for i, stamp in enumerate(STAMPS):
        history.add_frame(Frame("front", stamp, i, picture(i)))
        if i < 2:
            history.add_frame(Frame("rear", stamp, i, picture(i, (120, 160))))
        if 2 <= i <= 5:
            face = Face(
                np.array([80, 50, 100, 70], np.float32),
                np.zeros((5, 2), np.float32),
                0.9,
                0.5,
                embedding=np.eye(4, dtype=np.float32)[0],
            )
            history.add_tracks("front", stamp, i, (Track("t1", "p_robot1_1", TrackState.TRACKING, BOX, 0.8, face),))
    history.add_event(PersonEvent(PERSON_IN, STAMPS[2], "robot1", "front", "p_robot1_1", 2, (60, 40, 120, 160), 0.8))
    history.flush()
    assert history.recorder.drain()
    yield history
    history.close()


ALL = Clip(("front", "rear"), START, START + 2 * SECOND, ("mcap", "jpg", "png", "gif", "mp4"))


@pytest.fixture(params=["running", "stored"])
def source(robot, tmp_path, request):
    """The same history, of the robot that runs and as it lies on disk."""
    if request.param == "running":
        yield LiveSource(robot)
    else:
        with StoredSource(history_folders(tmp_path / "data")[0]) as stored:
            yield stored


def films_times(path):
    with av.open(str(path)) as film:
        return [float(frame.pts * frame.time_base) for frame in film.decode(video=0)]


def test_every_format_holds_every_frame_with_its_own_time(source, tmp_path):
    saved = save_clip(source, ALL, tmp_path / "clip")
    assert saved.frames == 10
    assert saved.skipped == 0
    assert films_times(saved.folder / "front.mp4") == pytest.approx(
        [(stamp - START) / SECOND for stamp in STAMPS], abs=1e-4
    )
    with Image.open(saved.folder / "front.gif") as gif:
        lasts = []
        for i in range(gif.n_frames):
            gif.seek(i)
            lasts.append(gif.info["duration"])
    assert lasts[:-1] == [round((b - a) / 1e6) for a, b in itertools.pairwise(STAMPS)]
    for name in ("jpg", "png"):
        files = sorted((saved.folder / "front").glob(f"*.{name}"))
        assert [int(file.stem) for file in files] == STAMPS
        assert [cv2.imread(str(file)).shape for file in files] == [(240, 321, 3)] * 8
    assert (saved.folder / "front" / f"{STAMPS[3]}.jpg").read_bytes() == picture(3)  # as it came


def test_the_films_show_what_was_seen_at_that_time(source, tmp_path):
    saved = save_clip(source, ALL, tmp_path / "clip")
    with av.open(str(saved.folder / "front.mp4")) as film:
        pictures = [frame.to_ndarray(format="bgr24") for frame in film.decode(video=0)]
    with Image.open(saved.folder / "front.gif") as gif:
        gif.seek(5)
        pictures_of_gif = cv2.cvtColor(np.array(gif.convert("RGB")), cv2.COLOR_RGB2BGR)
    for i, image in enumerate(pictures):
        assert image[200, 40 + 25 * i, 2] > 200
        assert image[200, 40 + 25 * ((i + 4) % 8), 2] < 90
    assert pictures_of_gif[200, 40 + 25 * 5, 2] > 200
    assert pictures_of_gif[200, 40, 2] < 90


def test_boxes_are_drawn_where_asked_and_the_recording_stays_plain(source, tmp_path):
    boxes = save_clip(
        source, Clip(("front",), START, START + 2 * SECOND, ("png", "mcap"), boxes=True), tmp_path / "boxes"
    )
    plain = save_clip(source, Clip(("front",), START, START + 2 * SECOND, ("png", "mcap")), tmp_path / "plain")
    differs = []
    for stamp in STAMPS:
        with_box, without = (
            cv2.imread(str(saved.folder / "front" / f"{stamp}.png")).astype(int) for saved in (boxes, plain)
        )
        differs.append(bool(np.abs(with_box - without)[90:150, 58:63].max() > 60))  # the person's left edge
    # Frames 6 and 7 come after the last look: a box stays half a second and no longer.
    assert differs == [False, False, True, True, True, True, True, False]
    images = [
        data for saved in (boxes, plain) for connection, _, data in _messages(saved) if "image" in connection.topic
    ]
    assert images[:8] == images[8:]


def _messages(saved):
    with Reader(saved.folder / "clip.mcap") as reader:
        return [(connection, stamp, bytes(data)) for connection, stamp, data in reader.messages()]


def test_the_recording_holds_frames_tracks_faces_and_events(source, tmp_path):
    saved = save_clip(source, ALL, tmp_path / "clip")
    with (saved.folder / "clip.mcap").open("rb") as file:
        assert len(list(make_reader(file, validate_crcs=True).iter_messages())) == 10 + 4 + 1
    found = {}
    for connection, stamp, data in _messages(saved):
        found.setdefault(connection.msgtype, []).append((stamp, data))
    tracks = [typestore().deserialize_cdr(data, TRACKS) for _, data in found[TRACKS]]
    assert [stamp for stamp, _ in found[TRACKS]] == STAMPS[2:6]
    assert tracks[0].tracks[0].person_id == "p_robot1_1"
    assert tracks[0].tracks[0].face[0].bbox.tolist() == [80, 50, 100, 70]
    ((stamp, data),) = found[EVENT]
    event = typestore().deserialize_cdr(data, EVENT)
    assert (stamp, event.event, event.person_id, event.frame_number) == (STAMPS[2], "PERSON_IN", "p_robot1_1", 2)


def test_the_manifest_names_frames_people_and_the_hash_of_every_file(source, tmp_path):
    saved = save_clip(source, ALL, tmp_path / "clip")
    manifest = json.loads((saved.folder / "manifest.json").read_text())
    files = {str(path.relative_to(saved.folder)) for path in saved.folder.rglob("*") if path.is_file()}
    assert {line["file"] for line in manifest["files"]} == files - {"manifest.json"}
    assert set(saved.files) == files
    for line in manifest["files"]:
        assert hashlib.sha256((saved.folder / line["file"]).read_bytes()).hexdigest() == line["sha256"]
    front = [line for line in manifest["frames"] if line["camera_id"] == "front"]
    assert [(line["stamp_ns"], line["frame_number"]) for line in front] == list(zip(STAMPS, range(8)))
    assert [person["person_id"] for line in front for person in line["people"]] == ["p_robot1_1"] * 4
    assert [one["person_id"] for one in manifest["sightings"]] == ["p_robot1_1"]
    assert [event["event"] for event in manifest["events"]] == ["PERSON_IN"]


def test_a_track_and_a_person_are_clips_of_their_cameras(source):
    track = choose_clip(source, track_id="t1", before_ns=SECOND // 10, after_ns=SECOND)
    assert (track.cameras, track.start_ns, track.end_ns) == (("front",), STAMPS[2] - SECOND // 10, STAMPS[5] + SECOND)
    assert choose_clip(source, person_id="p_robot1_1").cameras == ("front",)
    assert choose_clip(source, start_ns=1, end_ns=2).cameras == ("front", "rear")


@pytest.mark.parametrize(
    "asked",
    [{}, {"track_id": "t9"}, {"person_id": "p_9"}, {"start_ns": 5, "end_ns": 4}, {"track_id": "t1", "end_ns": 4}],
)
def test_what_cannot_be_meant_is_refused(source, asked):
    with pytest.raises(RequestError):
        choose_clip(source, **asked)


class TestFailing:
    """A clip is whole or not there."""

    def test_no_frames(self, source, tmp_path):
        with pytest.raises(StoreError, match="holds no frame"):
            save_clip(source, Clip(("front",), 0, 1, ("mcap", "mp4", "gif")), tmp_path / "out" / "clip")
        assert list((tmp_path / "out").iterdir()) == []

    def test_an_unknown_format_and_a_folder_that_is_there(self, source, tmp_path):
        with pytest.raises(StoreError, match="mcap, jpg"):
            save_clip(source, Clip(("front",), START, START + SECOND, ("avi",)), tmp_path / "clip")
        (tmp_path / "clip").mkdir()
        with pytest.raises(StoreError, match="another name"):
            save_clip(source, ALL, tmp_path / "clip")

    def test_a_frame_that_does_not_decode_is_left_out_of_pictures_and_stays_in_the_recording(self, robot, tmp_path):
        robot.add_frame(Frame("front", START + 2 * SECOND, 8, b"no picture"))
        saved = save_clip(
            LiveSource(robot), Clip(("front",), START, START + 2 * SECOND, ("mcap", "mp4")), tmp_path / "clip"
        )
        assert saved.skipped == 1
        assert len(films_times(saved.folder / "front.mp4")) == 8
        assert sum("image" in connection.topic for connection, _, _ in _messages(saved)) == 9
