"""MCAP files in many chunks or none: cut, damaged, with other channels, out of order."""

import numpy as np
import pytest
from mcap.writer import CompressionType, Writer

from facetrack_ros.core.frame import encode_jpeg
from facetrack_ros.errors import SourceError
from facetrack_ros.sources.bag import BagSource

START_NS, STEP_NS, COUNT = 1_700_000_000_123_456_789, 100_000_000, 40
SCHEMA = """std_msgs/Header header
string format
uint8[] data
================================================================================
MSG: std_msgs/Header
builtin_interfaces/Time stamp
string frame_id
"""


@pytest.fixture
def write(tmp_path, picture):
    """Write 40 images of about 10 kB beside text on another channel; returns the file."""
    from rosbags.typesys import Stores, get_typestore

    store = get_typestore(Stores.ROS2_JAZZY)
    kind = "sensor_msgs/msg/CompressedImage"

    def make(order=range(COUNT), close=True, **options):
        path = tmp_path / "bag.mcap"
        with path.open("wb") as file:
            writer = Writer(file, chunk_size=50_000, **options)
            writer.start("ros2", "test")
            image = writer.register_schema(kind, "ros2msg", SCHEMA.encode())
            images = writer.register_channel("/image", "cdr", image)
            log = writer.register_channel("/log", "json", writer.register_schema("Log", "jsonschema", b"{}"))
            for row in order:
                stamp_ns = START_NS + row * STEP_NS
                time = store.types["builtin_interfaces/msg/Time"](stamp_ns // 10**9, stamp_ns % 10**9)
                header = store.types["std_msgs/msg/Header"](time, "")
                data = np.frombuffer(encode_jpeg(picture(row, 240, 320), 95), np.uint8)
                message = store.serialize_cdr(store.types[kind](header, "jpeg", data), kind)
                writer.add_message(images, stamp_ns, bytes(message), stamp_ns)
                writer.add_message(log, stamp_ns, b'{"row": 1}', stamp_ns)
            if close:
                writer.finish()
        return path

    return make


@pytest.mark.parametrize("compression", list(CompressionType))
@pytest.mark.parametrize("chunking", [True, False])
def test_every_image_is_read(write, compression, chunking):
    source = BagSource(write(compression=compression, use_chunking=chunking))
    assert [found.offset_ns for found in source] == [row * STEP_NS for row in range(COUNT)]
    assert not source.unused
    assert not source.notes


@pytest.mark.parametrize("chunking", [True, False])
def test_a_file_that_is_cut_short_is_read_to_its_last_whole_record(write, chunking):
    path = write(use_chunking=chunking)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    source = BagSource(path)
    found = [picture.offset_ns // STEP_NS for picture in source]
    assert found == list(range(len(found)))
    assert COUNT // 2 < len(found) < COUNT
    assert f"mcap recover {path}" in source.unused.lines()[0]


def test_a_file_that_was_not_closed_says_so(write):
    path = write(close=False, use_chunking=False)
    source = BagSource(path)
    assert len(list(source)) == COUNT
    assert "was not closed" in source.unused.lines()[0]


def test_the_images_of_a_damaged_chunk_are_counted_and_the_rest_is_read(write):
    path = write(compression=CompressionType.NONE)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)
    source = BagSource(path)
    used = len(list(source))
    assert 0 < source.unused.total < COUNT // 2
    assert used + source.unused.total == COUNT
    assert "is damaged at byte" in source.unused.lines()[0]


def test_messages_out_of_order_come_in_the_order_they_were_received(write):
    source = BagSource(write(order=[*range(10, 20), *range(10), *range(20, COUNT)]))
    assert [found.offset_ns for found in source] == [row * STEP_NS for row in range(COUNT)]


def test_a_topic_in_another_serialization_is_named_with_it(write):

    with pytest.raises(SourceError, match=r"Log in json on /log.*choose from /image"):
        BagSource(write(), "/log")
