"""Bags give their pictures with the stamps of their headers, JPEG untouched."""

import cv2
import numpy as np
import pytest
import yaml

from facetrack_ros.core.frame import encode_jpeg
from facetrack_ros.errors import SourceError
from facetrack_ros.sources.bag import BagSource
from facetrack_ros.sources.factory import open_source
from facetrack_ros.sources.stamped_frames import stamped_frames
from facetrack_ros.sources.start_time import GivenTimes, start_times

START_NS = 1_700_000_000_123_456_789


def test_jpeg_payloads_come_untouched_with_the_stamps_of_their_headers(write_bag, picture):
    jpegs = [encode_jpeg(picture(number)) for number in range(3)]
    stamps = [START_NS, START_NS + 100_000_000, START_NS + 333_000_001]
    path = write_bag([("/front/image/compressed", write_bag.compressed(*pair)) for pair in zip(stamps, jpegs)])
    pictures = list(open_source(f"bag:{path}:/front/image/compressed"))
    assert [found.jpeg for found in pictures] == jpegs
    assert [found.stamp_ns for found in pictures] == stamps
    assert [found.offset_ns for found in pictures] == [0, 100_000_000, 333_000_001]
    assert {found.frame_id for found in pictures} == {"front_optical"}


@pytest.mark.parametrize("encoding", ["bgr8", "rgb8"])
def test_raw_colour_images_come_as_bgr_with_the_padding_of_rows_left_out(write_bag, picture, encoding):
    image = picture(3)
    sent = image if encoding == "bgr8" else image[:, :, ::-1]
    path = write_bag([("/image", write_bag.raw(START_NS, sent, encoding, padding=5))])
    assert np.array_equal(next(iter(BagSource(path))).image, image)


def test_raw_grey_images_come_as_bgr(write_bag, picture):
    grey = picture(3)[:, :, 0]
    path = write_bag([("/image", write_bag.raw(START_NS, grey, "mono8"))])
    assert np.array_equal(next(iter(BagSource(path))).image, np.dstack([grey] * 3))


def test_a_raw_image_whose_sizes_contradict_each_other_is_skipped_and_counted(write_bag, picture):
    short = write_bag.raw(START_NS, picture(), "bgr8")
    short[1].height += 1
    source = BagSource(write_bag([("/image", short), ("/image", write_bag.raw(START_NS + 1, picture(), "bgr8"))]))
    assert [found.stamp_ns for found in source] == [START_NS + 1]
    assert source.unused.total == 1


def test_png_payloads_come_as_pixels(write_bag, picture):
    data = cv2.imencode(".png", picture(2))[1].tobytes()
    path = write_bag([("/image", write_bag.compressed(START_NS, data, "png"))])
    found = next(iter(BagSource(path)))
    assert found.jpeg is None
    assert np.array_equal(found.image, picture(2))


def test_the_only_image_topic_need_not_be_named(write_bag, picture):
    path = write_bag(
        [("/chatter", write_bag.text(0, "hello")), ("/image", write_bag.compressed(START_NS, encode_jpeg(picture())))]
    )
    assert BagSource(path).topic == "/image"
    assert open_source(f"bag:{path}:image").topic == "/image"


def test_of_several_image_topics_one_must_be_named(write_bag, picture):
    data = encode_jpeg(picture())
    path = write_bag([(topic, write_bag.compressed(START_NS, data)) for topic in ("/left", "/right")])
    with pytest.raises(SourceError, match="/left, /right"):
        open_source(f"bag:{path}")
    assert len(list(open_source(f"bag:{path}:/right"))) == 1


def test_a_topic_that_is_not_there_is_answered_with_those_that_are(write_bag, picture):
    path = write_bag([("/left", write_bag.compressed(START_NS, encode_jpeg(picture())))])
    with pytest.raises(SourceError, match="no image topic /other: choose from /left"):
        open_source(f"bag:{path}:/other")


def test_a_bag_without_pictures_says_so(write_bag):
    path = write_bag([("/chatter", write_bag.text(0, "hello"))])
    with pytest.raises(SourceError, match="has no topic of"):
        BagSource(path)


def test_images_that_are_no_pictures_are_counted_by_their_encoding(write_bag, picture):
    depth, colour = write_bag.raw(START_NS, picture()[:, :, :2], "16UC1"), write_bag.raw(START_NS, picture(), "bgr8")
    source = BagSource(write_bag([("/image", depth), ("/image", colour), ("/image", depth)]))
    assert len(list(source)) == 1
    assert source.unused.total == 2
    assert "16UC1" in source.unused.lines()[0]


def test_damaged_pictures_are_skipped_and_counted(write_bag, picture):
    data = encode_jpeg(picture())
    rows = [
        write_bag.compressed(START_NS + number, payload)
        for number, payload in enumerate((data, data[:-300], b"", data))
    ]
    source = BagSource(write_bag([("/image", row) for row in rows]))
    assert [found.stamp_ns for found in source] == [START_NS, START_NS + 3]
    assert source.unused.total == 2


def test_a_stamp_of_zero_counts_as_when_the_message_was_received(write_bag, picture):
    path = write_bag([("/image", write_bag.compressed(0, encode_jpeg(picture())))])
    assert next(iter(BagSource(path))).stamp_ns == START_NS + 5_000_000


def test_the_file_within_the_folder_may_be_named_too(write_bag, picture):
    path = write_bag([("/image", write_bag.compressed(START_NS, encode_jpeg(picture())))])
    inner = next(found for found in path.iterdir() if found.suffix in (".mcap", ".db3"))
    assert len(list(open_source(f"bag:{inner}:/image"))) == 1


def test_a_bag_named_without_the_word_gets_advice(write_bag, picture):
    path = write_bag([("/image", write_bag.compressed(START_NS, encode_jpeg(picture())))])
    with pytest.raises(SourceError, match=f"bag:{path}:TOPIC"):
        open_source(str(path))


def test_a_path_with_a_colon_can_be_opened(write_bag, picture):
    path = write_bag([("/image", write_bag.compressed(START_NS, encode_jpeg(picture())))], name="run:3")
    assert len(list(open_source(f"bag:{path}"))) == 1
    assert len(list(open_source(f"bag:{path}:/image"))) == 1


@pytest.mark.parametrize("keep", [0.0, 0.5])
def test_a_damaged_bag_is_one_sentence_or_the_pictures_up_to_there(write_bag, picture, keep):
    rows = [("/image", write_bag.compressed(START_NS + row, encode_jpeg(picture(row, 480, 640)))) for row in range(30)]
    path = write_bag(rows)
    inner = next(found for found in path.iterdir() if found.suffix in (".mcap", ".db3"))
    inner.write_bytes(inner.read_bytes()[: int(inner.stat().st_size * keep)])
    found = sentence = None
    try:
        found = list(BagSource(path))
    except SourceError as error:
        sentence = str(error)
    assert len(found) < 30 if sentence is None else "\n" not in sentence


@pytest.mark.parametrize("mode", ["FILE", "MESSAGE", "STORAGE"])
def test_compressed_bags_are_read_like_any_other(write_bag, picture, mode):
    data = [encode_jpeg(picture(number)) for number in range(4)]
    if (mode, write_bag.storage) == ("STORAGE", "sqlite3"):
        pytest.skip("only mcap compresses itself")
    path = write_bag(
        [("/image", write_bag.compressed(START_NS + row, jpeg)) for row, jpeg in enumerate(data)], compression=mode
    )
    assert [found.jpeg for found in BagSource(path)] == data


def test_a_bag_split_into_files_is_one_recording(write_bag, picture):
    data = [encode_jpeg(picture(number)) for number in range(4)]
    rows = [("/image", write_bag.compressed(START_NS + row, jpeg)) for row, jpeg in enumerate(data)]
    first, second = (
        write_bag(rows[:2], name="first"),
        write_bag(rows[2:], name="second", received_ns=START_NS + 9_000_000),
    )
    head, tail = (yaml.safe_load((path / "metadata.yaml").read_text()) for path in (first, second))
    whole = head["rosbag2_bagfile_information"]
    for name in tail["rosbag2_bagfile_information"]["relative_file_paths"]:
        (second / name).rename(first / name)
        whole["relative_file_paths"].append(name)
    whole["message_count"] = 4
    whole["topics_with_message_count"][0]["message_count"] = 4
    (first / "metadata.yaml").write_text(yaml.safe_dump(head))
    assert [found.jpeg for found in BagSource(first)] == data
    assert [found.stamp_ns for found in BagSource(first)] == [START_NS + row for row in range(4)]


@pytest.mark.parametrize("start_ns", [None, 5_000_000_000_000])
def test_cameras_of_one_bag_keep_their_true_distance_in_time(write_bag, picture, start_ns):
    data = encode_jpeg(picture())
    path = write_bag(
        [
            ("/left", write_bag.compressed(START_NS + 700_000_000, data)),
            ("/right", write_bag.compressed(START_NS, data)),
        ]
    )
    cameras = {"left": f"bag:{path}:/left", "right": f"bag:{path}:/right"}
    sources = {camera: open_source(text) for camera, text in cameras.items()}
    given = {} if start_ns is None else {"": start_ns}
    starts = start_times(cameras, sources, GivenTimes(given, {}))
    stamps = {
        camera: next(stamped_frames(sources[camera], camera, starts[camera].stamp_ns)).stamp_ns for camera in cameras
    }
    assert stamps["right"] == (START_NS if start_ns is None else start_ns)
    assert stamps["left"] - stamps["right"] == 700_000_000


def test_cameras_of_one_bag_end_together_at_a_given_end(write_bag, picture):
    data = encode_jpeg(picture())
    times = (("/left", 0), ("/right", 2), ("/left", 5), ("/right", 9))
    path = write_bag([(topic, write_bag.compressed(START_NS + s * 10**8, data)) for topic, s in times])
    cameras = {"left": f"bag:{path}:/left", "right": f"bag:{path}:/right"}
    sources = {camera: open_source(text) for camera, text in cameras.items()}
    starts = start_times(cameras, sources, GivenTimes({}, {"": 100 * 10**9}))
    assert {camera: start.stamp_ns // 10**8 for camera, start in starts.items()} == {"left": 991, "right": 993}


def test_a_folder_that_is_no_bag_is_refused(tmp_path):
    with pytest.raises(SourceError, match="is no bag"):
        BagSource(tmp_path)
