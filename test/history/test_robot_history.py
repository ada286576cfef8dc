"""One robot's history: frames, faces with their thumbnails, events."""

import cv2
import numpy as np
import pytest

from facetrack_ros.config import Config
from facetrack_ros.core.event import PERSON_IN, PERSON_OUT, PersonEvent
from facetrack_ros.core.face import Face
from facetrack_ros.core.frame import Frame, encode_jpeg
from facetrack_ros.core.track import Track, TrackState
from facetrack_ros.history.events.format import read_events
from facetrack_ros.history.frames.archive import FrameArchive
from facetrack_ros.history.frames.settings import FrameSettings
from facetrack_ros.history.frames.stored_tracks import stored_tracks
from facetrack_ros.history.layout import history_folders
from facetrack_ros.history.robot_history import RobotHistory
from facetrack_ros.models.contract import ModelContract

CONTRACT = ModelContract("net", "embedding", "onnx", "net.onnx", "", 1, "MIT", dimension=4, threshold=0.5)
ALWAYS = (-(2**62), 2**62)
A = np.array([1, 0, 0, 0], np.float32)


def picture(stamp_ns=1, number=0, camera="front"):
    image = np.zeros((120, 200, 3), np.uint8)
    image[30:70, 50:90] = 255
    return Frame(camera, stamp_ns, number, encode_jpeg(image))


def track(name="t1", person="", embedding=A, quality=0.5):
    face = Face(np.array([50, 30, 90, 70], np.float32), np.zeros((5, 2), np.float32), 0.9, quality, embedding=embedding)
    return Track(name, person, TrackState.TRACKING, np.array([40, 20, 100, 120], np.float32), 0.8, face)


def sightings(history):
    return [sighting for sighting, _ in history.sightings.search(A, *ALWAYS)[0]]


@pytest.fixture
def history(tmp_path):
    of_one_robot = RobotHistory(tmp_path, "robot1", CONTRACT, FrameSettings(ring_frames=5))
    yield of_one_robot
    of_one_robot.close()


def test_a_face_becomes_a_sighting_with_a_thumbnail(history):
    history.add_frame(picture(7, 3))
    history.add_tracks("front", 7, 3, [track()])
    (kept,) = sightings(history)
    thumbnail = cv2.imdecode(np.frombuffer(kept.thumbnail, np.uint8), cv2.IMREAD_COLOR)
    assert thumbnail.shape == (72, 72, 3)
    assert thumbnail[36, 36].min() > 240
    assert thumbnail[4, 4].max() < 15
    assert (kept.stamp_ns, kept.frame_number, kept.bbox.tolist()) == (7, 3, [40, 20, 100, 120])


def test_a_face_whose_frame_is_gone_is_stored_without_thumbnail(history):
    for stamp in range(10):
        history.add_frame(picture(stamp))
    history.add_tracks("front", 2, 2, [track("t1")])
    history.add_tracks("front", 8, 8, [track("t2")])
    assert {kept.stamp_ns: bool(kept.thumbnail) for kept in sightings(history)} == {2: False, 8: True}


def test_a_damaged_frame_costs_the_thumbnail_only(history):
    history.add_frame(Frame("front", 1, 0, b"no picture"))
    history.add_tracks("front", 1, 0, [track()])
    assert [kept.thumbnail for kept in sightings(history)] == [b""]


def test_only_faces_with_an_embedding_are_stored(history):
    history.add_tracks(
        "front", 1, 0, [track(embedding=None), Track("t2", "p_1", TrackState.LOST, np.zeros(4, np.float32), 0.5)]
    )
    assert sightings(history) == []


def test_a_track_named_later_names_its_sightings_even_while_its_face_is_hidden(history):
    history.add_tracks("front", 1, 0, [track("t1")])
    history.add_tracks("front", 2, 1, [Track("t1", "p_robot1_1", TrackState.TRACKING, np.zeros(4, np.float32), 0.5)])
    assert [kept.person_id for kept in sightings(history)] == ["p_robot1_1"]
    assert history.sightings.best_of_person("p_robot1_1").stamp_ns == 1


def test_status_counts_frames_sightings_and_events(history):
    assert history.status().cameras == ()
    assert history.status().oldest_ns is None
    history.add_frame(picture(100))
    history.add_frame(picture(300, camera="rear"))
    history.add_tracks("front", 50, 0, [track()])
    history.add_event(PersonEvent(PERSON_IN, 1, "robot1", "front", "p_1", 0, (0, 0, 1, 1), 0.5))
    status = history.status()
    assert [(c.camera_id, c.frames, c.oldest_ns, c.newest_ns, c.sightings) for c in status.cameras] == [
        ("front", 1, 50, 100, 1),
        ("rear", 1, 300, 300, 0),
    ]
    assert (status.robot_id, status.model_id) == ("robot1", "net")
    assert (status.sightings, status.frames, status.events) == (1, 2, 1)
    assert (status.oldest_ns, status.newest_ns) == (50, 300)
    assert status.disk_bytes > 1000
    assert [event["event"] for event in read_events(history.path)] == [PERSON_IN]


def test_the_event_log_may_be_in_another_folder_which_is_a_history_too(tmp_path):
    history = RobotHistory(tmp_path / "data", "robot1", CONTRACT, event_dir=tmp_path / "events")
    history.add_event(PersonEvent(PERSON_IN, 7, "robot1", "front", "p1", 3, (0, 0, 1, 1), 0.9))
    history.close()
    (folder,) = history_folders(tmp_path / "events")
    assert [event["person_id"] for event in read_events(folder.path)] == ["p1"]
    assert not list(read_events(tmp_path / "data" / "robot1"))


def test_frame_settings_can_be_changed_while_it_runs(history):
    for stamp in range(5):
        history.add_frame(picture(stamp))
    history.apply_frame_settings(FrameSettings(ring_frames=2))
    assert [frame.stamp_ns for frame in history.frames_between("front", 0, 10)] == [3, 4]
    history.add_frame(picture(5, camera="rear"))
    assert history.ring("rear").capacity == 2


@pytest.mark.parametrize("compression", ["jpg", "h264"])
def test_the_frame_with_the_best_face_of_each_visit_is_stored(tmp_path, compression):
    settings = {"frame_history.compression": compression, "frame_history.memory_buffer_size": 5}
    history = RobotHistory.of_config(Config(settings), tmp_path, "robot1", CONTRACT)
    second = 10**9
    for number in range(1, 41):
        history.add_frame(picture(number * second, number))
        quality = 0.9 if number == 12 else 0.5
        history.add_tracks("front", number * second, number, (track("t_1", "p_1", quality=quality),))
        if number == 20:
            history.alert(number * second, "front")
    history.add_tracks("front", 40 * second, 40, (track("t_2", "p_2", quality=0.4),))
    history.add_event(PersonEvent(PERSON_OUT, 50 * second, "robot1", "front", "p_1", 40, last_seen_ns=40 * second))
    history.close()
    archive = FrameArchive.open_readonly(tmp_path / "robot1" / "frames", "robot1")
    # Of the first visit the best one, of the second one, which did not end, likewise; the rest is around the alert.
    assert archive.reader.stamps("front", *ALWAYS) == [stamp * second for stamp in (12, *range(16, 26), 40)]
    found = archive.reader.near("front", 12 * second, 0)
    assert found.number == 12
    assert found.image.shape == (120, 200, 3)
    assert [each.person_id for each in stored_tracks(archive, "front", 12 * second, 12 * second)[12 * second]] == [
        "p_1"
    ]


@pytest.mark.parametrize("settings", [{"frame_history.visit_frames": False}, {"frame_history.mode": "off"}])
def test_no_frame_of_a_visit_is_stored_where_that_is_off(tmp_path, settings):
    history = RobotHistory.of_config(Config(settings), tmp_path, "robot1", CONTRACT)
    history.add_frame(picture(1))
    history.add_tracks("front", 1, 1, (track("t_1", "p_1"),))
    history.add_event(PersonEvent(PERSON_OUT, 2, "robot1", "front", "p_1", 1, last_seen_ns=1))
    history.close()
    assert not list(tmp_path.rglob("*.mcap"))


def test_files_that_others_may_use_are_narrowed_when_the_robot_starts(tmp_path, caplog):
    settings = FrameSettings(mode="continuous", directory=tmp_path / "frames")

    def run():
        opened = RobotHistory(tmp_path / "data", "robot1", CONTRACT, settings, event_dir=tmp_path / "logs")
        opened.add_frame(picture())
        opened.close()

    run()
    robots = [tmp_path / each / "robot1" for each in ("data", "frames", "logs")]
    held = [*robots, next(robots[0].glob("*.sqlite")), next(robots[1].glob("*.mcap"))]
    for path in held:
        path.chmod(0o755 if path.is_dir() else 0o644)
    with caplog.at_level("INFO", "facetrack_ros"):
        run()
    assert not [path for path in held if path.stat().st_mode & 0o077]
    assert any("open to other users" in message for message in caplog.messages)
