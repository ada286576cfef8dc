"""A folder of frames is a folder of recordings like any other."""

import numpy as np
import pytest
from mcap.reader import make_reader
from rosbags.rosbag2 import Reader
from rosbags.typesys import Stores, get_typestore

from facetrack_ros.core.face import Face
from facetrack_ros.core.frame import Frame, encode_jpeg
from facetrack_ros.core.track import Track, TrackState
from facetrack_ros.history.frames.archive import FrameArchive
from facetrack_ros.history.messages.tracks import read_tracks, tracks_channel, tracks_message
from facetrack_ros.sources.bag import BagSource
from facetrack_ros.sources.stamped_frames import stamped_frames

SECOND = 1_000_000_000
START = 1_700_000_000 * SECOND
STEP = SECOND // 10


def frame(i, camera="front", start=START, size=2000, jpeg=None):
    return Frame(camera, start + i * STEP, i, jpeg or bytes([255, 216, i % 256]) * (size // 3))


def stamps(found):
    return [one.stamp_ns for one in found]


@pytest.fixture
def segment(tmp_path):
    picture = encode_jpeg(np.full((48, 64, 3), 90, np.uint8))
    archive = FrameArchive(tmp_path / "frames", "robot1")
    for i in range(5):
        archive.append(frame(i, jpeg=picture))
        archive.append(frame(i, "rear", jpeg=picture + b"!"))
    tracks = (
        Track(
            "t1",
            "p_1",
            TrackState.TRACKING,
            np.array([1, 2, 3, 4], np.float32),
            0.5,
            Face(np.array([1, 2, 2, 3], np.float32), np.ones((5, 2), np.float32), 0.9, 0.7),
        ),
    )
    archive.append_message(
        tracks_channel("robot1", "front"), 3, START, tracks_message("front", START, 3, "net", tracks)
    )
    archive.close()
    return next((tmp_path / "frames").iterdir()), picture


def test_the_mcap_library_reads_it_by_its_index_and_finds_no_fault(segment):
    path, _ = segment
    with path.open("rb") as file:
        reader = make_reader(file, validate_crcs=True)
        summary = reader.get_summary()
        assert summary.statistics.message_count == 11
        assert len(summary.chunk_indexes) == 11
        assert {channel.topic for channel in summary.channels.values()} == {
            "/robot1/front/image/compressed",
            "/robot1/rear/image/compressed",
            "/robot1/front/tracks",
        }
        read = list(
            reader.iter_messages(
                topics="/robot1/rear/image/compressed", starting_at=START + STEP, ending_before=START + 3 * STEP
            )
        )
    assert [message.log_time for _, _, message in read] == [START + STEP, START + 2 * STEP]
    schema, _, _ = read[0]
    assert (schema.name, schema.encoding) == ("sensor_msgs/msg/CompressedImage", "ros2msg")


def test_rosbags_decodes_each_message_of_it(segment):
    path, picture = segment
    store = get_typestore(Stores.ROS2_JAZZY)
    with Reader(path) as reader:
        images = [
            store.deserialize_cdr(data, connection.msgtype)
            for connection, _, data in reader.messages()
            if connection.topic == "/robot1/front/image/compressed"
        ]
        tracks = [bytes(data) for connection, _, data in reader.messages() if connection.topic.endswith("tracks")]
    assert [image.header.stamp.nanosec for image in images] == [i * STEP for i in range(5)]
    assert {image.data.tobytes() for image in images} == {picture}
    assert {(image.format, image.header.frame_id) for image in images} == {("jpeg", "front")}
    stamp, (track,) = read_tracks(tracks[0])
    assert (stamp, track.track_id, track.person_id, track.bbox.tolist()) == (START, "t1", "p_1", [1, 2, 3, 4])
    assert track.face.bbox.tolist() == [1, 2, 2, 3]


def test_it_is_a_source_of_frames_again(segment):
    path, picture = segment
    source = BagSource(path, "/robot1/front/image/compressed")
    assert [(one.stamp_ns, one.jpeg) for one in stamped_frames(source, "front")] == [
        (START + i * STEP, picture) for i in range(5)
    ]


def test_png_says_so(archive):
    archive.append(frame(0, jpeg=b"\x89PNG rest"))
    archive.close()
    with next(archive.path.iterdir()).open("rb") as file:
        assert b"png" in next(make_reader(file).iter_messages())[2].data
