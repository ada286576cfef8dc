"""Video in bags: H.264, H.265 and others, as CompressedImage and as packets of ffmpeg_image_transport."""

import numpy as np
import pytest

from facetrack_ros.core.frame import encode_jpeg
from facetrack_ros.sources.bag import BagSource

START_NS = 1_700_000_000_123_456_789
STEP_NS = 33_000_000


def rows_of(write, packets):
    return [("/video", write(START_NS + number * STEP_NS, data)) for number, data in packets]


@pytest.mark.parametrize(("codec", "format"), [("libx264", "h264"), ("libx265", "h265"), ("mpeg4", "mpeg4")])
@pytest.mark.parametrize("b_frames", [0, 2])
def test_every_picture_comes_with_the_stamp_of_its_packet(write_bag, video_packets, picture, codec, format, b_frames):
    packets = video_packets(codec, 25, b_frames)
    path = write_bag(rows_of(lambda stamp, data: write_bag.compressed(stamp, data, format), packets))
    source = BagSource(path)
    pictures = list(source)
    assert not source.unused
    assert [found.offset_ns for found in pictures] == [number * STEP_NS for number in range(25)]
    for number, found in enumerate(pictures):
        assert np.abs(found.image.astype(int) - picture(number)).mean() < 12


@pytest.mark.parametrize(("codec", "encoding"), [("libx264", "libx264"), ("libx265", "hevc_nvenc;yuv420p;bgr8;bgr8")])
def test_packets_of_ffmpeg_image_transport_are_decoded(write_bag, video_packets, codec, encoding):
    packets = video_packets(codec, 12)
    path = write_bag(rows_of(lambda stamp, data: write_bag.packet(stamp, data, encoding), packets))
    source = BagSource(path)
    assert len(list(source)) == 12
    assert not source.unused


def test_packets_before_the_first_key_picture_are_counted(write_bag, video_packets):
    packets = video_packets("libx264", 25)[4:]
    path = write_bag(rows_of(lambda stamp, data: write_bag.compressed(stamp, data, "h264"), packets))
    source = BagSource(path)
    pictures = list(source)
    assert pictures[0].stamp_ns == START_NS + 10 * STEP_NS
    assert len(pictures) == 15
    assert source.unused.lines() == ["6 frames: video packets before the first key picture"]


def test_a_damaged_packet_is_counted_and_its_neighbours_are_used(write_bag, video_packets):
    packets = video_packets("libx264", 30)
    packets[15] = packets[15][0], packets[15][1][:5]
    path = write_bag(rows_of(lambda stamp, data: write_bag.compressed(stamp, data, "h264"), packets))
    source = BagSource(path)
    pictures = list(source)
    assert len(pictures) + source.unused.total == 30
    assert len(pictures) >= 25


def test_parameter_sets_in_a_message_of_their_own_are_no_picture(write_bag, video_packets):
    number, first = video_packets("libx264", 5)[0]
    place = first.index(b"\0\0\1\x65")
    packets = [(number, first[:place]), (number, first[place:]), *video_packets("libx264", 5)[1:]]
    path = write_bag(rows_of(lambda stamp, data: write_bag.compressed(stamp, data, "h264"), packets))
    source = BagSource(path)
    assert len(list(source)) == 5
    assert not source.unused


def test_jpeg_without_its_end_marker_is_used_and_completed(write_bag, picture):
    jpeg = encode_jpeg(picture())
    rows = [("/image", write_bag.compressed(START_NS + row, data)) for row, data in enumerate((jpeg[:-2], jpeg))]
    source = BagSource(write_bag(rows))
    assert [found.jpeg for found in source] == [jpeg, jpeg]
    assert not source.unused


def test_a_format_that_nothing_decodes_is_named(write_bag):
    path = write_bag([("/image", write_bag.compressed(START_NS, b"jxl data that is none", "jxl"))])
    source = BagSource(path)
    assert not list(source)
    assert "'jxl'" in source.unused.lines()[0]
