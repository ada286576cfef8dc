"""A disk that fills up, becomes read-only or loses files costs a running robot only what it refuses."""

import shutil

import numpy as np
import pytest

from facetrack_ros.core.event import PERSON_IN, PersonEvent
from facetrack_ros.core.face import Face
from facetrack_ros.core.frame import Frame
from facetrack_ros.core.track import Track, TrackState
from facetrack_ros.errors import StoreError
from facetrack_ros.history.frames.archive import FrameArchive
from facetrack_ros.history.frames.retention import Limits
from facetrack_ros.history.frames.settings import FrameSettings
from facetrack_ros.history.robot_history import RobotHistory
from facetrack_ros.models.contract import ModelContract

CONTRACT = ModelContract("net", "embedding", "onnx", "net.onnx", "", 1, "MIT", dimension=4, threshold=0.5)
SECOND = 1_000_000_000
START = 1_700_000_000 * SECOND
STEP = SECOND // 10
ALWAYS = (-(2**62), 2**62)
JPEG = bytes([255, 216]) + bytes(99_998)


class RecordingRobot:
    """A robot that sees a new face ten times a second, and keeps the errors that its history raises."""

    def __init__(self, folder, limits=None):
        settings = FrameSettings(mode="continuous", limits=limits or Limits())
        self.history = RobotHistory(folder, "robot1", CONTRACT, settings)
        self.start, self.next = START, 0
        self.errors = []

    def record(self, frames):
        """Frames, faces, an event, and once a second a flush, as the node does it."""
        history, box = self.history, np.zeros(4, np.float32)
        face = Face(box, np.zeros((5, 2), np.float32), 0.9, 0.5, embedding=np.eye(4, dtype=np.float32)[0])
        for i in range(self.next, self.next + frames):
            stamp = self.start + i * STEP
            history.add_frame(Frame("front", stamp, i, JPEG))
            track = Track(f"t{i}", "", TrackState.TRACKING, box, 0.8, face)
            event = PersonEvent(PERSON_IN, stamp, "robot1", "front", "p_1", i, (0, 0, 1, 1), 0.5)
            self.attempt(history.add_tracks, "front", stamp, i, [track])
            self.attempt(history.add_event, event)
            if i % 10 == 9:
                assert history.recorder.drain()
                self.attempt(history.flush)
        self.next += frames

    def attempt(self, call, *arguments):
        try:
            call(*arguments)
        except StoreError as error:
            self.errors.append(str(error))

    def stored(self):
        return [one.number for one in self.history.recorder.archive.reader.between("front", 0, 2 * START)]

    def sightings(self):
        return [
            kept.frame_number
            for kept, _ in self.history.sightings.search(np.eye(4, dtype=np.float32)[0], *ALWAYS, limit=9999)[0]
        ]


def test_a_disk_that_fills_in_mid_segment_is_reported_and_used_again_when_there_is_room(small_disk, caplog):
    robot = RecordingRobot(small_disk.path)
    robot.record(20)
    small_disk.fill(leave=550_000)
    robot.record(20)
    assert any("No space left" in sentence for sentence in robot.errors), robot.errors
    held = robot.stored()
    assert held[:20] == list(range(20))
    assert 22 <= len(held) <= 26
    small_disk.empty()
    robot.errors.clear()
    robot.record(10)
    assert robot.stored() == [*held, *range(40, 50)]
    assert set(robot.sightings()) >= {*range(20), *range(40, 50)}
    robot.attempt(robot.history.close)
    # All is whole after a restart too.
    caplog.clear()
    again = RecordingRobot(small_disk.path)
    assert again.stored() == [*held, *range(40, 50)]
    assert not caplog.messages
    again.history.close()


def test_the_room_others_need_is_made_from_the_oldest_frames(small_disk):
    robot = RecordingRobot(small_disk.path, Limits(frames=0, bytes=5_000_000, free_bytes=2_000_000))
    robot.record(60)
    before = robot.stored()
    assert len(before) > 30
    assert before[-1] == 59
    small_disk.fill(leave=1_200_000)
    robot.record(40)
    after = robot.stored()
    assert after[0] > before[0]
    assert after[-1] > 59
    assert len(after) < len(before)


def test_a_disk_that_becomes_read_only_is_reported_and_used_again(small_disk):
    robot = RecordingRobot(small_disk.path)
    robot.record(20)
    robot.history.recorder.archive.close()  # a file open for writing would keep the disk from being locked
    robot.history.sightings.close()
    robot.history.events.close()
    small_disk.mount("remount,ro")
    with pytest.raises(StoreError, match=r"Read-only|read-only"):
        RecordingRobot(small_disk.path)
    archive = robot.history.recorder.archive
    with pytest.raises(StoreError, match="Read-only"):
        archive.append(Frame("front", START + SECOND * 60, 600, JPEG))
    assert robot.stored() == list(range(20))
    assert FrameArchive.open_readonly(archive.path, "robot1").stats().frames == 20
    small_disk.mount("remount,rw")
    assert archive.append(Frame("front", START + SECOND * 61, 610, JPEG))


def test_the_data_folder_removed_under_a_running_robot_costs_what_was_in_it(small_disk, caplog):
    robot = RecordingRobot(small_disk.path / "data")
    robot.record(20)
    shutil.rmtree(small_disk.path / "data")
    robot.record(20)
    told = "; ".join(robot.errors)
    assert "sightings-net.sqlite was deleted" in told
    assert any("segment-00000001.mcap" in sentence for sentence in caplog.messages)
    assert robot.stored() == list(range(20, 40))
    robot.history.close()
    again = RecordingRobot(small_disk.path / "data")
    assert again.stored() == list(range(20, 40))
    # Sightings since the last commit before went with the file.
    assert set(range(30, 40)) <= set(again.sightings()) <= set(range(20, 40))
    again.history.close()


@pytest.mark.parametrize("place", [0.4, 0.7, 0.95])
def test_a_damaged_database_page_costs_what_was_on_it(tmp_path, place, caplog):
    robot = RecordingRobot(tmp_path)
    robot.record(500)
    robot.history.close()
    (path,) = (tmp_path / "robot1").glob("sightings-*.sqlite")
    page = 16_384
    with path.open("r+b") as file:
        file.seek(int(path.stat().st_size * place) // page * page)
        file.write(b"\xff" * page)
    again = RecordingRobot(tmp_path)
    again.attempt(again.history.flush)
    held = set(again.sightings())
    assert len(held) >= 300
    assert len(again.stored()) == 500
    again.next = 500
    again.record(30)
    # A page that only writing touches shows then, and costs the second that was not yet committed.
    after = set(again.sightings())
    assert after >= set(range(510, 530)), again.errors
    assert len(after & held) >= 300
    again.history.close()
    aside = (tmp_path / "robot1" / f"{path.name}.damaged-1").exists()
    assert aside == any(record.name.endswith("sightings.recovery") for record in caplog.records)
    assert aside or len(held) == 500
    clean = RecordingRobot(tmp_path)
    assert set(clean.sightings()) == after
    clean.history.close()


@pytest.mark.parametrize("hours", [5, -5])
def test_a_clock_that_jumps_hours_costs_nothing(tmp_path, hours):
    robot = RecordingRobot(tmp_path)
    robot.record(30)
    robot.start += hours * 3600 * SECOND
    robot.record(30)
    robot.history.close()
    again = RecordingRobot(tmp_path)
    assert sorted(again.stored()) == list(range(60))
    assert set(again.sightings()) == set(range(60))
    assert not robot.errors
    again.history.close()
