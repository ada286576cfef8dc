"""Bags that once went wrong: each is read as far as it can be, and what is lost is told."""

import pytest

from facetrack_ros.errors import SourceError
from facetrack_ros.sources.factory import open_source


def read(path):
    source = open_source(f"bag:{path}")
    return source, list(source)


@pytest.mark.parametrize(
    ("name", "frames"),
    [
        ("no_metadata", 8),
        ("storage_identifier_empty", 8),
        ("json_beside_ros2.mcap", 8),
        ("h264_in_compressed_image", 4),
        ("zstd_per_message.mcap", 4),
    ],
)
def test_an_odd_bag_is_read_whole_without_a_word(real_data, name, frames):
    source, pictures = read(real_data(f"cases/bags/{name}"))
    assert len(pictures) == frames
    assert not source.unused
    assert not source.notes
    stamps = [picture.stamp_ns for picture in pictures]
    assert stamps == sorted(set(stamps))


def test_a_file_cut_short_in_its_index_is_read_whole_and_how_to_repair_it_is_told(real_data):
    source, pictures = read(real_data("cases/bags/power_lost"))
    assert len(pictures) == 8
    assert not source.unused
    (note,) = source.notes
    assert "power_lost.mcap is cut short" in note
    assert "mcap recover" in note


def test_the_file_that_is_missing_is_named_and_the_rest_is_read(real_data):
    source, pictures = read(real_data("cases/bags/one_split_deleted"))
    assert len(pictures) == 8
    assert "gone_1.mcap is missing" in source.unused.lines()[0]


def test_messages_in_the_log_of_a_killed_writer_are_read_and_the_bag_is_not_touched(real_data):
    folder = real_data("cases/bags/wal_left")
    before = {path.name: (path.stat().st_mtime_ns, path.read_bytes()) for path in folder.iterdir()}
    source, pictures = read(folder)
    assert len(pictures) == 8
    assert not source.unused
    assert {path.name: (path.stat().st_mtime_ns, path.read_bytes()) for path in folder.iterdir()} == before


def test_depth_images_are_refused_with_what_they_are(real_data):
    source, pictures = read(real_data("cases/bags/compressed_depth"))
    assert not pictures
    assert source.unused.total == 4
    assert "compressedDepth" in source.unused.lines()[0]


def test_the_pictures_of_h264_are_those_that_the_packets_hold(real_data):
    _, pictures = read(real_data("cases/bags/h264_in_compressed_image"))
    assert {picture.image.shape for picture in pictures} == {pictures[0].image.shape}
    assert all(picture.image.std() > 10 for picture in pictures)


def test_a_bag_of_ros_1_is_refused_with_how_to_convert_it(tmp_path):
    (tmp_path / "old.bag").write_bytes(b"#ROSBAG V2.0\n" + bytes(100))
    with pytest.raises(SourceError, match="bag of ROS 1: `rosbags-convert"):
        open_source(f"bag:{tmp_path / 'old.bag'}")
