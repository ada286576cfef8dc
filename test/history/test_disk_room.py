"""One rule of free space: frames and clips leave it all, small files a tenth."""

import numpy as np
import pytest

from facetrack_ros.core.event import PERSON_IN, PersonEvent
from facetrack_ros.core.face import Face
from facetrack_ros.core.track import Track, TrackState
from facetrack_ros.errors import DiskError
from facetrack_ros.history.disk_room import DiskRoom
from facetrack_ros.history.events.log import EventLog
from facetrack_ros.history.frames.retention import Limits
from facetrack_ros.history.frames.settings import FrameSettings
from facetrack_ros.history.robot_history import RobotHistory
from facetrack_ros.models.contract import ModelContract

MB = 10**6
CONTRACT = ModelContract("net", "embedding", "onnx", "net.onnx", "", 1, "MIT", dimension=4, threshold=0.5)
IN = PersonEvent(PERSON_IN, 1_795_348_800 * 10**9, "robot1", "front", "p_1", 7, (1.0, 2.0, 30.0, 40.0), 0.75)

BOX = np.array([1, 2, 30, 40], np.float32)
FACE = Face(BOX, np.zeros((5, 2), np.float32), 0.9, 0.5, embedding=np.full(4, 0.5, np.float32))
TRACK = Track("t_1", "p_1", TrackState.TRACKING, BOX, 0.9, FACE)


@pytest.fixture
def free(monkeypatch):
    """Sets the free space of every disk."""
    return lambda size: monkeypatch.setattr("facetrack_ros.history.disk_room.free_bytes", lambda path: size)


@pytest.mark.parametrize(
    ("size", "large", "small"), [(600 * MB, True, True), (499 * MB, False, True), (49 * MB, False, False)]
)
def test_small_files_may_use_nine_tenths_of_what_large_ones_leave(tmp_path, free, size, large, small):
    free(size)
    for whether, kind in ((large, False), (small, True)):
        if whether:
            DiskRoom(500 * MB).check(tmp_path, small=kind)
        else:
            with pytest.raises(OSError, match="MB are free"):
                DiskRoom(500 * MB).check(tmp_path, small=kind)
    DiskRoom(0).check(tmp_path)


def test_events_wait_for_room_and_are_written_when_there_is_some(tmp_path, free):
    log = EventLog(tmp_path, room=DiskRoom(500 * MB))
    free(10 * MB)
    with pytest.raises(DiskError, match="less than 50 MB are free"):
        log.append(IN)
    assert not log.append(IN)
    assert log.unwritten == 2
    free(100 * MB)
    assert log.append()
    assert (log.unwritten, log.written) == (0, 2)


def test_a_history_stores_no_sighting_without_room_and_says_so(tmp_path, free):
    history = RobotHistory(tmp_path, "robot1", CONTRACT, FrameSettings(limits=Limits(free_bytes=500 * MB)))
    free(10 * MB)
    with pytest.raises(DiskError, match="cannot store sightings"):
        history.add_tracks("front", IN.stamp_ns, 1, (TRACK,))
    free(100 * MB)
    history.add_tracks("front", IN.stamp_ns, 1, (TRACK,))
    assert history.sightings.count == 1
    history.close()
