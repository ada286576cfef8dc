"""Frames stored as H.264 are found by stamp, read by other programs, and never show another frame's image."""

import itertools
import os
import shutil

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mcap.reader import make_reader

from facetrack_ros.config import Config
from facetrack_ros.core.frame import Frame, encode_jpeg
from facetrack_ros.core.h264 import is_key_packet
from facetrack_ros.errors import StoreError
from facetrack_ros.history.frames.archive import FrameArchive
from facetrack_ros.history.frames.recorder import FrameRecorder
from facetrack_ros.history.frames.settings import CONTINUOUS, H264, FrameSettings
from facetrack_ros.history.frames.video_encoder import VideoEncoder
from facetrack_ros.history.mcap.reader import read_table
from facetrack_ros.history.messages.schemas import IMAGE, VIDEO
from facetrack_ros.history.messages.video import read_video
from facetrack_ros.sources.bag import BagSource
from facetrack_ros.sources.stamped_frames import stamped_frames

SECOND = 1_000_000_000
START = 1_700_000_000 * SECOND
STEP = SECOND // 10


def picture(i, size=(128, 96)):
    """A clock: a block whose place is the frame's number, on a grey that tells it too."""
    image = np.full((size[1], size[0], 3), 40 + i % 64, np.uint8)
    x, y = i % 8 * 16, i // 8 % 6 * 16
    image[y : y + 16, x : x + 16] = 230
    return image


def frame(i, camera="front", size=(128, 96), start=START):
    return Frame(camera, start + i * STEP, i, encode_jpeg(picture(i, size)), "lens")


def is_picture(found, i):
    return (
        found.number == i
        and found.jpeg[:2] == b"\xff\xd8"
        and found.frame_id == "lens"
        and cv2.PSNR(found.image, picture(i, found.image.shape[1::-1])) > 30
    )


def fill(archive, numbers, encoder=None, **options):
    encoder = encoder or VideoEncoder()
    for i in numbers:
        archive.append(frame(i, **options), encoder)


def all_of(archive, camera="front"):
    return list(archive.reader.between(camera, 0, 2 * START))


@pytest.fixture
def sealed(tmp_path):
    """15 s of two cameras in two segments."""
    archive = FrameArchive(tmp_path / "sealed", "robot1")
    encoder = VideoEncoder()
    for i in range(150):
        archive.append(frame(i), encoder)
        archive.append(frame(i, "rear", (96, 64)), encoder)
    archive.close()
    return sorted(archive.path.iterdir())


def test_every_frame_is_found_by_its_stamp_while_it_is_written_and_after(archive):
    fill(archive, range(130))
    for there in (archive, FrameArchive.open_readonly(archive.path, "robot1")):
        for i in (0, 7, 99, 100, 101, 129, 3):
            assert is_picture(there.reader.near("front", START + i * STEP + 5, 10), i)
        assert there.reader.near("front", START + STEP // 2, 10) is None
        assert [one.number for one in there.reader.between("front", START + 95 * STEP, START + 105 * STEP)] == list(
            range(95, 106)
        )
        assert all(is_picture(one, one.number) for one in all_of(there))
        assert there.stats().frames == 130
        assert there.cameras() == ("front",)


def test_it_takes_a_fraction_of_the_bytes(tmp_path):
    sizes = []
    for encoder in (None, VideoEncoder()):
        archive = FrameArchive(tmp_path / str(len(sizes)), "robot1")
        for i in range(60):
            archive.append(frame(i, size=(640, 480)), encoder)
        sizes.append(archive.stats().bytes)
    assert sizes[1] < sizes[0] / 3


def test_a_segment_begins_with_a_key_picture_and_has_one_each_second(sealed):
    for path in sealed:
        with path.open("rb") as file:
            found = {}
            for _, channel, message in make_reader(file, validate_crcs=True).iter_messages():
                _, packet = read_video(message.data)
                found.setdefault(channel.topic, []).append((message.log_time, is_key_packet(packet)))
        assert sorted(found) == ["/robot1/front/image/video", "/robot1/rear/image/video"]
        for stream in found.values():
            keys = [stamp for stamp, key in stream if key]
            assert stream[0][1]
            assert all(later - one <= SECOND for one, later in itertools.pairwise(keys))
            assert len(keys) <= len(stream) // 10 + 1


def test_the_schema_decodes_the_messages_in_other_programs(sealed):
    from rosbags.typesys import Stores, get_types_from_msg, get_typestore

    store = get_typestore(Stores.ROS2_HUMBLE)
    with sealed[0].open("rb") as file:
        schema, _, message = next(make_reader(file).iter_messages())
    store.register({VIDEO: get_types_from_msg(schema.data.decode(), VIDEO)[VIDEO]})
    read = store.deserialize_cdr(message.data, VIDEO)
    assert schema.name == VIDEO
    assert (read.frame_id, read.format) == ("lens", "h264")
    assert bytes(read.data[:5]) == b"\0\0\0\1\x67"
    assert read.timestamp.sec == START // SECOND


def test_it_is_a_source_of_frames_again(sealed):
    found = list(stamped_frames(BagSource(sealed[0], "/robot1/front/image/video"), "front"))
    assert [one.stamp_ns for one in found] == [START + i * STEP for i in range(100)]
    assert all(cv2.PSNR(one.image, picture(i)) > 30 for i, one in enumerate(found))
    assert found[0].frame_id == "lens"


@pytest.mark.parametrize("cut", [1, 700, 5000])
def test_after_a_kill_every_frame_that_was_written_is_there(tmp_path, sealed, cut):
    path = tmp_path / "cut" / sealed[1].name
    path.parent.mkdir()
    shutil.copy(sealed[1], path)
    os.truncate(path, path.stat().st_size - cut)
    archive = FrameArchive(path.parent, "robot1")
    found = all_of(archive)
    assert [one.number for one in found] == list(range(100, 100 + len(found)))
    assert len(found) >= 35
    assert all(is_picture(one, one.number) for one in found)
    fill(archive, range(150, 160))
    assert all(is_picture(one, one.number) for one in all_of(archive))


def test_a_damaged_message_costs_the_frames_up_to_the_next_key_picture_and_shows_none_of_them(sealed, caplog):
    table, _ = read_table(sealed[0])
    row = table.frame_rows["front"][44]
    with sealed[0].open("r+b") as file:
        file.seek(int(table.offsets[row] + table.sizes[row] - 5))
        byte = file.read(1)
        file.seek(-1, 1)
        file.write(bytes([byte[0] ^ 255]))
    archive = FrameArchive.open_readonly(sealed[0].parent, "robot1")
    found = all_of(archive)
    assert [one.number for one in found] == [*range(44), *range(50, 150)]
    assert all(is_picture(one, one.number) for one in found)
    assert archive.reader.near("front", START + 47 * STEP, 0) is None
    assert is_picture(archive.reader.near("front", START + 43 * STEP, 0), 43)
    assert len(all_of(archive, "rear")) == 150
    (record,) = caplog.records
    assert sealed[0].name in record.getMessage()


def test_a_frame_that_was_not_stored_leaves_no_hole_in_those_that_follow(archive, monkeypatch):
    encoder = VideoEncoder()
    fill(archive, range(5), encoder)
    with monkeypatch.context() as broken:
        broken.setattr("os.pwritev", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
        with pytest.raises(StoreError, match="No space"):
            fill(archive, [5], encoder)
    fill(archive, range(6, 12), encoder)
    found = all_of(archive)
    assert [one.number for one in found] == [0, 1, 2, 3, 4, 6, 7, 8, 9, 10, 11]
    assert all(is_picture(one, one.number) for one in found)


def test_a_segment_deleted_while_it_is_written_costs_only_what_was_in_it(archive):
    encoder = VideoEncoder()
    fill(archive, range(5), encoder)
    next(archive.path.iterdir()).unlink()
    fill(archive, range(5, 9), encoder)
    assert [one.number for one in all_of(archive) if is_picture(one, one.number)] == [5, 6, 7, 8]


def test_what_h264_cannot_hold_is_kept_as_it_came_and_logged_once(archive, caplog):
    encoder = VideoEncoder()
    archive.append(frame(0), encoder)
    archive.append(frame(1, size=(127, 96)), encoder)
    archive.append(Frame("front", START + 2 * STEP, 2, b"\xff\xd8 no picture"), encoder)
    archive.append(frame(3), encoder)
    found = all_of(archive)
    assert [one.number for one in found] == [0, 1, 2, 3]
    assert found[1].jpeg == frame(1, size=(127, 96)).jpeg
    assert found[2].jpeg == b"\xff\xd8 no picture"
    assert is_picture(found[0], 0)
    assert is_picture(found[3], 3)
    odd, broken = caplog.messages
    assert "127x96" in odd
    assert "readable picture" in broken
    archive.append(frame(4, size=(127, 96)), encoder)
    assert len(caplog.messages) == 2


def test_a_camera_that_changes_its_size_goes_on(archive):
    encoder = VideoEncoder()
    fill(archive, range(4), encoder)
    fill(archive, range(4, 8), encoder, size=(64, 64))
    assert all(is_picture(one, one.number) for one in all_of(archive))
    assert len(all_of(archive)) == 8


@settings(deadline=None, max_examples=15)
@given(st.lists(st.integers(0, 40), min_size=1, max_size=25), st.lists(st.integers(0, 40), min_size=1, max_size=8))
def test_whatever_the_order_they_came_in_each_stamp_shows_its_picture(tmp_path_factory, order, asked):
    archive = FrameArchive(tmp_path_factory.mktemp("frames"), "robot1")
    fill(archive, order)
    assert [one.number for one in all_of(archive)] == sorted(set(order))
    assert all(is_picture(one, one.number) for one in all_of(archive))
    for i in asked:
        found = archive.reader.near("front", START + i * STEP, 0)
        assert (found is not None) == (i in order)
        assert found is None or is_picture(found, i)
    archive.close()


def test_the_recorder_stores_h264_where_the_configuration_says_so(tmp_path):
    chosen = FrameSettings.of_config(Config({"frame_history.compression": "h264", "frame_history.mode": "continuous"}))
    assert chosen.format == H264
    assert chosen.mode == CONTINUOUS
    recorder = FrameRecorder(FrameArchive(tmp_path, "robot1"), chosen, "net", dict)
    for i in range(20):
        recorder.add_frame(frame(i))
    assert recorder.drain()
    assert recorder.stored == 20
    assert recorder.lost == 0
    assert all(is_picture(one, one.number) for one in all_of(recorder.archive))
    recorder.close()
    with next(tmp_path.iterdir()).open("rb") as file:
        assert {schema.name for schema, _, _ in make_reader(file).iter_messages()} == {VIDEO} != {IMAGE}
