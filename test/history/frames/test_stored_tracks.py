"""Stored tracks are found by the stamps of their frames, in whichever segment they are, reading no other segment."""

from facetrack_ros.core.frame import Frame
from facetrack_ros.history.frames.archive import FrameArchive
from facetrack_ros.history.frames.stored_tracks import stored_tracks
from facetrack_ros.history.mcap import catalog as segment_catalog
from facetrack_ros.history.messages.tracks import tracks_channel, tracks_message

SECOND = 1_000_000_000
START = 1_700_000_000 * SECOND
STEP = SECOND // 10
BEHIND = 30  # frames by which the tracks come later than the frames


def fill(archive, count):
    channel = tracks_channel("robot1", "front")
    for i in range(count):
        archive.append(Frame("front", START + i * STEP, i, bytes([255, 216, i % 256]) * 66))
        if i >= BEHIND:
            stamp = START + (i - BEHIND) * STEP
            archive.append_message(channel, i - BEHIND, stamp, tracks_message("front", stamp, i - BEHIND, "model", ()))


def test_tracks_lie_a_segment_after_their_frames_and_are_found(archive):
    fill(archive, 350)
    assert archive.stats().segments == 4
    for there in (archive, FrameArchive.open_readonly(archive.path, "robot1")):
        found = stored_tracks(there, "front", START + 80 * STEP, START + 120 * STEP)
        assert sorted(found) == [START + i * STEP for i in range(80, 121)]


def test_only_the_segments_of_the_time_asked_about_are_read(archive, monkeypatch):
    fill(archive, 1000)
    archive.close()
    read, read_table = [], segment_catalog.read_table
    there = FrameArchive.open_readonly(archive.path, "robot1")
    monkeypatch.setattr(segment_catalog, "read_table", lambda path: read.append(path) or read_table(path))
    assert there.stats().segments > 8
    assert len(stored_tracks(there, "front", START + 400 * STEP, START + 410 * STEP)) == 11
    assert 1 <= len(read) <= 2
