"""What goes to disk, and that nobody who hands in frames ever waits for it."""

import threading

import cv2
import numpy as np
import pytest

from facetrack_ros.core.event import FACE_MATCHED, PERSON_IN, PersonEvent
from facetrack_ros.core.frame import Frame, encode_jpeg
from facetrack_ros.core.track import Track, TrackState
from facetrack_ros.errors import StoreError
from facetrack_ros.history.frames.archive import FrameArchive
from facetrack_ros.history.frames.recorder import FrameRecorder
from facetrack_ros.history.frames.settings import FrameSettings
from facetrack_ros.history.messages.schemas import TRACKS
from facetrack_ros.history.messages.tracks import read_tracks
from facetrack_ros.history.robot_history import RobotHistory
from facetrack_ros.models.contract import ModelContract

CONTRACT = ModelContract("net", "embedding", "onnx", "net.onnx", "", 1, "MIT", dimension=4, threshold=0.5)
SECOND = 1_000_000_000
START = 1_700_000_000 * SECOND
STEP = SECOND // 10
PICTURE = encode_jpeg(np.full((32, 32, 3), 60, np.uint8))


def frame(i, camera="front", jpeg=PICTURE):
    return Frame(camera, START + i * STEP, i, jpeg)


def matched(i, camera="front"):
    return PersonEvent(
        FACE_MATCHED, START + i * STEP, "robot1", camera, "p_1", i, reference_face_id="g_1", similarity=0.8
    )


def history(tmp_path, **settings):
    return RobotHistory(
        tmp_path,
        "robot1",
        CONTRACT,
        FrameSettings(**{"mode": "alert", "before_ns": 2 * SECOND, "after_ns": SECOND, **settings}),
    )


def stored(tmp_path, camera="front"):
    archive = FrameArchive.open_readonly(tmp_path / "robot1" / "frames", "robot1")
    return [one.number for one in archive.reader.between(camera, 0, 2 * START)]


class TestAlert:
    def play(self, robot, alerts, count=100, cameras=("front", "rear")):
        for i in range(count):
            for camera in cameras:
                robot.add_frame(frame(i, camera))
            if i in alerts:
                alerts[i](robot, i)
        robot.close()

    def test_a_recognised_face_keeps_what_its_camera_saw_before_and_after(self, tmp_path):
        self.play(history(tmp_path), {50: lambda robot, i: robot.add_event(matched(i))})
        assert stored(tmp_path) == list(range(30, 61))
        assert stored(tmp_path, "rear") == []

    def test_alerts_close_to_each_other_keep_each_frame_once(self, tmp_path):
        alert = lambda robot, i: robot.add_event(matched(i))  # noqa: E731
        self.play(history(tmp_path), {50: alert, 55: alert, 75: alert})
        assert stored(tmp_path) == [*range(30, 66), *range(66, 86)]
        assert len(stored(tmp_path)) == 56

    def test_an_alert_of_the_whole_robot_keeps_every_camera(self, tmp_path):
        self.play(history(tmp_path), {50: lambda robot, i: robot.alert(START + i * STEP)})
        assert stored(tmp_path) == stored(tmp_path, "rear") == list(range(30, 61))

    def test_the_memory_is_as_far_as_it_reaches_back(self, tmp_path):
        self.play(history(tmp_path, ring_frames=5), {50: lambda robot, i: robot.add_event(matched(i))})
        assert stored(tmp_path) == list(range(46, 61))

    @pytest.mark.parametrize(
        ("settings", "alert"),
        [
            ({"on_alert": False}, lambda robot, i: robot.add_event(matched(i))),
            ({"mode": "off"}, lambda robot, i: robot.alert(START + i * STEP)),
            (
                {},
                lambda robot, i: robot.add_event(
                    PersonEvent(PERSON_IN, START, "robot1", "front", "p", 0, (0, 0, 1, 1), 0.5)
                ),
            ),
        ],
    )
    def test_nothing_is_kept_without_an_alert(self, tmp_path, settings, alert):
        self.play(history(tmp_path, **settings), {50: alert})
        assert stored(tmp_path) == []

    def test_a_call_is_an_alert_whatever_the_setting(self, tmp_path):
        self.play(history(tmp_path, on_alert=False), {50: lambda robot, i: robot.alert(START + i * STEP, "rear")})
        assert stored(tmp_path) == []
        assert len(stored(tmp_path, "rear")) == 31

    def test_tracks_are_kept_with_their_frames(self, tmp_path):
        robot = history(tmp_path)
        track = Track("t1", "p_1", TrackState.TRACKING, np.array([1, 2, 3, 4], np.float32), 0.5)
        for i in range(100):
            robot.add_frame(frame(i))
            robot.add_tracks("front", START + i * STEP, i, (track,))
            if i == 50:
                robot.add_event(matched(i))
        robot.close()
        archive = FrameArchive.open_readonly(tmp_path / "robot1" / "frames", "robot1")
        read = [read_tracks(data) for _, _, data in archive.reader.messages(TRACKS, "front", 0, 2 * START)]
        assert [stamp for stamp, _ in read] == [START + i * STEP for i in range(30, 61)]
        assert read[0][1][0].track_id == "t1"


class TestContinuous:
    def test_everything_is_kept_and_found_beside_what_is_in_memory(self, tmp_path):
        robot = history(tmp_path, mode="continuous", ring_frames=10)
        for i in range(60):
            robot.add_frame(frame(i))
        assert robot.recorder.drain()
        assert [one.number for one in robot.frames_between("front", START, START + 59 * STEP)] == list(range(60))
        assert robot.find_frame("front", START + 5 * STEP + 1, 5).number == 5
        assert robot.find_frame("front", START + 55 * STEP + 1, 5).number == 55
        assert robot.find_frame("front", START - SECOND, 5) is None
        robot.close()
        assert stored(tmp_path) == list(range(60))

    def test_png_where_asked_and_what_does_not_decode_as_it_came(self, tmp_path):
        robot = history(tmp_path, mode="continuous", format="png")
        robot.add_frame(frame(0))
        robot.add_frame(frame(1, jpeg=b"no picture"))
        robot.close()
        archive = FrameArchive.open_readonly(tmp_path / "robot1" / "frames", "robot1")
        first, second = archive.reader.between("front", 0, 2 * START)
        assert first.jpeg.startswith(b"\x89PNG")
        assert cv2.imdecode(np.frombuffer(first.jpeg, np.uint8), 1).shape == (32, 32, 3)
        assert second.jpeg == b"no picture"

    def test_a_folder_of_its_own(self, tmp_path):
        robot = history(tmp_path / "data", mode="continuous", directory=tmp_path / "cache")
        robot.add_frame(frame(0))
        robot.close()
        assert len(list((tmp_path / "cache" / "robot1").glob("*.mcap"))) == 1


class StuckArchive:
    """A disk that takes nothing until it is let go."""

    path = "the disk"
    robot_id = "robot1"

    def __init__(self):
        self.let_go = threading.Event()
        self.frames = []
        self.messages = 0

    def append(self, frame, coder=None):
        assert self.let_go.wait(60)
        self.frames.append(frame)
        return True

    def append_message(self, *message):
        assert self.let_go.wait(60)
        self.messages += 1

    def sync(self):
        pass

    def close(self):
        pass


def test_a_stuck_disk_makes_nobody_wait_and_what_is_lost_is_told(monkeypatch):
    monkeypatch.setattr("facetrack_ros.history.frames.recorder.QUEUE_BYTES", 100_000)
    disk = StuckArchive()
    recorder = FrameRecorder(disk, FrameSettings(mode="continuous"), "net", dict)
    for i in range(30):
        recorder.add_frame(frame(i, jpeg=bytes(10_000)))  # returns although nothing is written
    assert recorder.lost == 20
    assert not disk.frames
    with pytest.raises(StoreError, match="20 frames are not on disk"):
        recorder.flush()
    recorder.flush()  # told once
    disk.let_go.set()
    assert recorder.drain()
    assert [one.number for one in disk.frames] == list(range(10))
    recorder.close()


def test_what_waits_for_a_stuck_disk_is_as_large_as_is_counted(monkeypatch):
    monkeypatch.setattr("facetrack_ros.history.frames.recorder.QUEUE_BYTES", 100_000)
    disk = StuckArchive()
    recorder = FrameRecorder(disk, FrameSettings(mode="continuous", ring_frames=1), "net", dict)
    seen = [frame(i) for i in range(20)]
    for one in seen:
        assert one.image is not None  # as a thumbnail or a detector has it decoded
        recorder.add_frame(one)
    faces = (Track("t_1", "p_1", TrackState.TRACKING, np.zeros(4, np.float32), 0.9),)
    for i in range(10_000):
        recorder.add_tracks("front", START + i, i, faces)
    disk.let_go.set()
    assert recorder.drain()
    assert disk.messages <= 100_000 // 4_000
    assert len(disk.frames) == 20
    assert not any("image" in vars(one) for one in disk.frames)
    recorder.close()


def test_a_recording_that_is_read_waits_for_the_disk_and_loses_nothing(monkeypatch):
    monkeypatch.setattr("facetrack_ros.history.frames.recorder.QUEUE_BYTES", 20_000)
    disk = StuckArchive()
    disk.let_go.set()
    recorder = FrameRecorder(disk, FrameSettings(mode="continuous", wait=True), "net", dict)
    for i in range(50):
        recorder.add_frame(frame(i, jpeg=bytes(10_000)))
    recorder.close()
    assert [one.number for one in disk.frames] == list(range(50))
    assert recorder.lost == 0
