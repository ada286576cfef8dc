"""Frames on disk: files that any tool of ROS opens, found by stamp, bounded, and never worse than their worst byte."""

import os

import numpy as np
import pytest
from mcap.reader import make_reader
from rosbags.rosbag2 import Reader
from rosbags.typesys import Stores, get_typestore

from facetrack_ros.errors import StoreError
from facetrack_ros.history.frame_archive import FrameArchive
from facetrack_ros.history.retention import Limits
from facetrack_ros.history.track_message import read_tracks, tracks_channel, tracks_message
from facetrack_ros.sources.bag import BagSource
from facetrack_ros.sources.frames import frames
from facetrack_ros.tracking.track import Track, TrackState
from facetrack_ros.vision.face import Face
from facetrack_ros.vision.frame import Frame, encode_jpeg

SECOND = 1_000_000_000
START = 1_700_000_000 * SECOND
STEP = SECOND // 10


def frame(i, camera="front", start=START, size=2000, jpeg=None):
    return Frame(camera, start + i * STEP, i, jpeg or bytes([255, 216, i % 256]) * (size // 3))


def stamps(found):
    return [one.stamp_ns for one in found]


@pytest.fixture
def archive(tmp_path):
    opened = FrameArchive(tmp_path / "frames", "robot1")
    yield opened
    opened.close()


def fill(archive, count, **options):
    for i in range(count):
        archive.append(frame(i, **options))


class TestFiles:
    """A segment is a recording like any other."""

    @pytest.fixture
    def segment(self, tmp_path):
        picture = encode_jpeg(np.full((48, 64, 3), 90, np.uint8))
        archive = FrameArchive(tmp_path / "frames", "robot1")
        for i in range(5):
            archive.append(frame(i, jpeg=picture))
            archive.append(frame(i, "rear", jpeg=picture + b"!"))
        tracks = (Track("t1", "p_1", TrackState.TRACKING, np.array([1, 2, 3, 4], np.float32), 0.5,
                        Face(np.array([1, 2, 2, 3], np.float32), np.ones((5, 2), np.float32), 0.9, 0.7)),)
        archive.append_message(tracks_channel("robot1", "front"), 3, START,
                               tracks_message("front", START, 3, "net", tracks))
        archive.close()
        return next((tmp_path / "frames").iterdir()), picture

    def test_the_mcap_library_reads_it_by_its_index_and_finds_no_fault(self, segment):
        path, picture = segment
        with path.open("rb") as file:
            reader = make_reader(file, validate_crcs=True)
            summary = reader.get_summary()
            assert summary.statistics.message_count == 11 and len(summary.chunk_indexes) == 11
            assert {channel.topic for channel in summary.channels.values()} == {
                "/robot1/front/image/compressed", "/robot1/rear/image/compressed", "/robot1/front/tracks"}
            read = list(reader.iter_messages(topics="/robot1/rear/image/compressed", starting_at=START + STEP,
                                             ending_before=START + 3 * STEP))
        assert [message.log_time for _, _, message in read] == [START + STEP, START + 2 * STEP]
        schema, _, message = read[0]
        assert (schema.name, schema.encoding) == ("sensor_msgs/msg/CompressedImage", "ros2msg")

    def test_rosbags_decodes_each_message_of_it(self, segment):
        path, picture = segment
        store = get_typestore(Stores.ROS2_JAZZY)
        with Reader(path) as reader:
            images = [store.deserialize_cdr(data, connection.msgtype) for connection, _, data in reader.messages()
                      if connection.topic == "/robot1/front/image/compressed"]
            tracks = [bytes(data) for connection, _, data in reader.messages() if connection.topic.endswith("tracks")]
        assert [image.header.stamp.nanosec for image in images] == [i * STEP for i in range(5)]
        assert {image.data.tobytes() for image in images} == {picture}
        assert {(image.format, image.header.frame_id) for image in images} == {("jpeg", "front")}
        stamp, (track,) = read_tracks(tracks[0])
        assert (stamp, track.track_id, track.person_id, track.bbox.tolist()) == (START, "t1", "p_1", [1, 2, 3, 4])
        assert track.face.bbox.tolist() == [1, 2, 2, 3]

    def test_it_is_a_source_of_frames_again(self, segment):
        path, picture = segment
        source = BagSource(path, "/robot1/front/image/compressed")
        assert [(one.stamp_ns, one.jpeg) for one in frames(source, "front")] == [(START + i * STEP, picture) for i in range(5)]

    def test_png_says_so(self, archive):
        archive.append(frame(0, jpeg=b"\x89PNG rest"))
        archive.close()
        with next(archive.path.iterdir()).open("rb") as file:
            assert b"png" in next(make_reader(file).iter_messages())[2].data


class TestFinding:
    def test_frames_are_found_while_they_are_written_after_and_by_another_reader(self, archive):
        fill(archive, 350)  # 35 s: four segments, one of them open
        assert archive.stats().segments == 4
        for there in (archive, FrameArchive.open_readonly(archive.path, "robot1")):
            assert there.near("front", START + 123 * STEP + 7, 10).number == 123
            assert there.near("front", START + 123 * STEP + 7, 6) is None
            assert there.near("rear", START, SECOND) is None
            assert stamps(there.between("front", START + 98 * STEP, START + 102 * STEP)) == [
                START + i * STEP for i in range(98, 103)]
            assert there.cameras() == ("front",)
        archive.close()
        again = FrameArchive(archive.path, "robot1")
        assert (again.stats().frames, again.stats().oldest_ns, again.stats().newest_ns) == (350, START, START + 349 * STEP)
        assert again.near("front", START + 349 * STEP, 0).jpeg == frame(349).jpeg

    def test_of_two_equally_near_the_earlier_counts_also_over_segments(self, archive):
        archive.append(frame(0))
        archive.append(frame(200))
        assert archive.near("front", START + 100 * STEP, 100 * STEP).number == 0
        assert archive.near("front", START + 101 * STEP, 100 * STEP).number == 200

    def test_a_frame_sent_twice_is_stored_once_also_after_a_restart(self, archive):
        assert [archive.append(frame(i)) for i in (0, 1, 1, 0)] == [True, True, False, False]
        archive.close()
        again = FrameArchive(archive.path, "robot1")
        assert [again.append(frame(i)) for i in (1, 2)] == [False, True]
        again.close()
        assert again.stats().frames == 3

    def test_frames_out_of_order_and_clocks_that_jump_hours_are_found_in_order(self, archive):
        hours = 5 * 3600 * SECOND
        for start in (START, START + hours, START - hours, START + SECOND // 20):
            for i in (1, 0, 2):
                archive.append(frame(i, start=start))
        archive.close()
        for there in (archive, FrameArchive(archive.path, "robot1")):
            found = stamps(there.between("front", 0, 2 * START))
            assert found == sorted(found) and len(found) == 12
            assert there.near("front", START - hours + STEP, 0).number == 1

    @pytest.mark.parametrize("stamp", [-1, 2**31 * SECOND])
    def test_a_stamp_that_no_message_holds_is_refused(self, archive, stamp):
        with pytest.raises(StoreError, match="clock"):
            archive.append(Frame("front", stamp, 0, b"x"))


class TestLimits:
    def test_the_oldest_segments_make_room_and_the_limit_holds_at_every_moment(self, tmp_path):
        archive = FrameArchive(tmp_path, "robot1", Limits(frames=100))
        for i in range(500):
            archive.append(frame(i))
            assert archive.stats().frames <= 100
        assert archive.stats().frames >= 80 and archive.stats().newest_ns == START + 499 * STEP
        assert sum(1 for _ in archive.between("front", 0, 2 * START)) == archive.stats().frames

    def test_bytes_are_a_limit_too(self, tmp_path):
        archive = FrameArchive(tmp_path, "robot1", Limits(bytes=200_000))
        for i in range(400):
            archive.append(frame(i))
            assert sum(file.stat().st_size for file in tmp_path.iterdir()) <= 205_000
        assert archive.stats().frames > 50

    def test_age_is_counted_from_the_newest_frame(self, tmp_path):
        archive = FrameArchive(tmp_path, "robot1", Limits(frames=0, age_ns=40 * SECOND))
        fill(archive, 1000)
        oldest = archive.stats().oldest_ns
        assert START + 40 * SECOND <= oldest <= START + 60 * SECOND

    def test_a_clock_that_would_delete_more_than_half_deletes_nothing_and_is_told(self, tmp_path):
        archive = FrameArchive(tmp_path, "robot1", Limits(frames=0, age_ns=3600 * SECOND))
        fill(archive, 600)
        for i in range(3):
            archive.append(frame(i, start=START + 48 * 3600 * SECOND))
        archive.close()
        sentence, = archive.take_complaints()
        assert "600 of 603" in sentence and "check the clock" in sentence
        assert FrameArchive(tmp_path, "robot1").stats().frames == 603
        allowed = FrameArchive(tmp_path, "robot1", Limits(frames=0, age_ns=3600 * SECOND))
        allowed.append(frame(9, start=START + 48 * 3600 * SECOND))
        assert allowed.prune(brake=False) == 6 and allowed.stats().frames == 4

    def test_room_that_others_need_stays_free(self, tmp_path):
        archive = FrameArchive(tmp_path, "robot1", Limits(free_bytes=1 << 60))
        with pytest.raises(StoreError, match="MB are free"):
            archive.append(frame(0))
        assert archive.stats().frames == 0


class TestDamage:
    """Each costs what it touched, and a sentence."""

    @pytest.fixture
    def stored(self, tmp_path):
        archive = FrameArchive(tmp_path, "robot1")
        fill(archive, 300)
        archive.close()
        return sorted(tmp_path.iterdir())

    def numbers(self, archive):
        return [one.number for one in archive.between("front", 0, 2 * START)]

    @pytest.mark.parametrize("cut", [1, 40, 3000, 20_000])
    def test_a_truncated_segment_keeps_its_whole_frames_and_is_sealed_again(self, stored, cut):
        path = stored[1]
        os.truncate(path, path.stat().st_size - cut)
        archive = FrameArchive(path.parent, "robot1")
        found = self.numbers(archive)
        lost = sorted(set(range(300)) - set(found))
        assert len(lost) <= cut // 2000 + 1 and lost == list(range(200 - len(lost), 200))
        with path.open("rb") as file:
            assert len(list(make_reader(file, validate_crcs=True).iter_messages())) == 100 - len(lost)

    def test_a_flipped_byte_costs_one_frame(self, stored):
        path = stored[1]
        with path.open("r+b") as file:
            file.seek(path.stat().st_size // 2)
            byte = file.read(1)
            file.seek(-1, 1)
            file.write(bytes([byte[0] ^ 255]))
        archive = FrameArchive(path.parent, "robot1")
        assert len(self.numbers(archive)) == 299
        assert "damaged" in archive.take_complaints()[0] and archive.take_complaints() == []

    def test_a_segment_deleted_by_hand_is_told_and_forgotten(self, stored):
        archive = FrameArchive(stored[0].parent, "robot1")
        stored[1].unlink()
        assert self.numbers(archive) == [*range(100), *range(200, 300)]
        assert stored[1].name in archive.take_complaints()[0]
        assert archive.stats().frames == 200

    def test_a_file_that_is_none_of_ours_is_left_alone(self, stored):
        stored[1].write_bytes(b"something else")
        archive = FrameArchive(stored[0].parent, "robot1")
        assert len(self.numbers(archive)) == 200
        assert "no stored recording" in archive.take_complaints()[0]
        assert stored[1].read_bytes() == b"something else"
        archive.append(frame(300))
        archive.close()
        assert len(self.numbers(archive)) == 201

    @pytest.mark.parametrize("garbage", [b"\0" * 5000, os.urandom(300), b""])
    def test_what_a_power_cut_left_at_the_end_is_cut_off(self, tmp_path, garbage):
        archive = FrameArchive(tmp_path, "robot1")
        fill(archive, 50)
        path = next(tmp_path.iterdir())
        with path.open("ab") as file:
            file.write(garbage)
        again = FrameArchive(tmp_path, "robot1")
        assert self.numbers(again) == list(range(50))
        with path.open("rb") as file:
            assert make_reader(file).get_summary().statistics.message_count == 50

    def test_the_folder_removed_while_running_costs_what_was_in_it(self, tmp_path):
        archive = FrameArchive(tmp_path / "frames", "robot1")
        fill(archive, 150)
        for file in archive.path.iterdir():
            file.unlink()
        archive.path.rmdir()
        for i in range(150, 160):
            archive.append(frame(i))
        assert self.numbers(archive) == list(range(150, 160))
        assert any("was deleted" in sentence for sentence in archive.take_complaints())
