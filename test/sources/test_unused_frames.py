"""Frames that a source could not use are counted by reason."""

from facetrack_ros.sources.picture_folder import PictureFolderSource
from facetrack_ros.sources.unused_frames import UnusedFrames


def test_frames_are_counted_by_reason_in_the_order_the_reasons_came_up():
    unused = UnusedFrames()
    assert not unused
    unused.add("JPEG images that are cut short")
    unused.add("depth images", 2)
    unused.add("JPEG images that are cut short")
    unused.add("nothing", 0)
    unused.add_unknown("after the end")
    assert unused.total == 4
    assert unused.lines() == [
        "2 frames: JPEG images that are cut short",
        "2 frames: depth images",
        "an unknown number of frames: after the end",
    ]
    assert unused.by_reason()["after the end"] is None


def test_frames_of_unknown_number_are_not_nothing():
    unused = UnusedFrames()
    unused.add_unknown("frames after the end")
    assert unused
    assert unused.total == 0


def test_each_reading_of_a_source_counts_anew(tmp_path):
    (tmp_path / "a.png").write_bytes(b"no picture")
    source = PictureFolderSource(tmp_path)
    for _ in range(2):
        assert list(source) == []
        assert source.unused.total == 1
