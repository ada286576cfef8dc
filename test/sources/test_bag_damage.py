"""Damaged and odd bags: what is whole is read, what is lost is counted, and the advice fits."""

import cv2
import pytest
import yaml

from facetrack_ros.core.frame import encode_jpeg
from facetrack_ros.errors import SourceError
from facetrack_ros.sources.bag import BagSource
from facetrack_ros.sources.factory import open_source

START_NS = 1_700_000_000_123_456_789
MCAP_END = b"\x89MCAP0\r\n"


@pytest.fixture
def bag(write_bag, picture):
    """A bag of 30 pictures of some 20 kB."""

    def make(name="bag", **options):
        jpegs = [encode_jpeg(picture(row, 480, 640), 95) for row in range(30)]
        stamps = [START_NS + 100_000_000 * row for row in range(30)]
        rows = [("/image", write_bag.compressed(stamp, jpeg)) for stamp, jpeg in zip(stamps, jpegs)]
        return write_bag(rows, name=name, received_ns=START_NS + 5_000_000, step_ns=100_000_000, **options)

    make.storage = write_bag.storage
    return make


def storage_file(path):
    (found,) = [file for file in path.iterdir() if file.name != "metadata.yaml"]
    return found


def accounted(path) -> tuple[int, list[str]]:
    source = BagSource(path)
    return len(list(source)), source.unused.lines() + source.notes


def test_without_metadata_a_cut_file_is_read_to_its_last_whole_message(bag):
    path = bag()
    (path / "metadata.yaml").unlink()
    file = storage_file(path)
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    if bag.storage == "sqlite3":
        frames, lines = accounted(path)
        assert 0 < frames < 30
        assert ".recover" in lines[0]
    else:  # the one chunk is cut
        with pytest.raises(SourceError, match="mcap recover"):
            BagSource(path)


def test_with_metadata_the_messages_that_a_damaged_file_lost_are_counted(bag):
    path = bag()
    file = storage_file(path)
    data = bytearray(file.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 40_000] = bytes(40_000)
    file.write_bytes(data)
    source = BagSource(path)
    used = len(list(source))
    assert used + source.unused.total == 30


def test_a_file_within_a_folder_without_its_metadata_or_its_ending_is_read(bag):
    path = bag()
    file = storage_file(path)
    renamed = file.rename(path / ("recording.db3" if bag.storage == "mcap" else "recording.mcap"))
    (path / "metadata.yaml").unlink()
    assert accounted(path) == (30, [])
    assert accounted(renamed) == (30, [])


def test_metadata_that_is_damaged_is_told_with_how_to_write_it_anew(bag):
    path = bag()
    (path / "metadata.yaml").write_text("rosbag2_bagfile_information:\n  version: [")
    frames, lines = accounted(path)
    assert frames == 30
    assert f"ros2 bag reindex {path}" in lines[0]


@pytest.mark.parametrize("name", ["run #3", "what?", "a%20b", "run:7"])
def test_every_path_can_be_opened(bag, tmp_path, name):
    path = bag().rename(tmp_path / name)
    assert accounted(path) == (30, [])
    assert len(list(open_source(f"bag:{path}:/image"))) == 30


def test_messages_of_0_bytes_are_counted(write_bag, picture):
    rows = [write_bag.compressed(START_NS, encode_jpeg(picture())), ("sensor_msgs/msg/CompressedImage", b"")]
    path = write_bag([("/image", row) for row in rows])
    assert accounted(path) == (1, ["1 frame: messages of 0 bytes"])


def test_messages_that_are_cut_short_are_counted(write_bag, picture):
    kind, message = write_bag.compressed(START_NS, encode_jpeg(picture()))
    path = write_bag([("/image", (kind, message)), ("/image", (kind, b"\0\1\0\0" + bytes(3)))])
    assert accounted(path) == (1, ["1 frame: messages that are damaged"])


def test_a_bag_compressed_as_a_file_is_read_without_metadata_and_when_cut(bag):
    path = bag(compression="FILE")
    (path / "metadata.yaml").unlink()
    assert accounted(path) == (30, [])
    file = storage_file(path)
    file.write_bytes(file.read_bytes()[:-2000])
    if bag.storage == "mcap":
        return  # its index and its one chunk are gone, see above
    frames, lines = accounted(path)
    assert frames <= 30
    assert lines


def test_a_bag_compressed_by_message_is_read_without_metadata(bag):
    path = bag(compression="MESSAGE")
    (path / "metadata.yaml").unlink()
    assert accounted(path) == (30, [])


def test_another_compression_is_refused_with_how_to_convert_it(bag):
    path = bag(compression="MESSAGE")
    about = yaml.safe_load((path / "metadata.yaml").read_text())
    about["rosbag2_bagfile_information"]["compression_format"] = "lzma"
    (path / "metadata.yaml").write_text(yaml.safe_dump(about))
    with pytest.raises(SourceError, match=r"compressed with lzma.*ros2 bag convert"):
        BagSource(path)


def test_parts_are_read_in_the_order_of_their_numbers(bag, tmp_path):
    folder = tmp_path / "parts"
    folder.mkdir()
    ending = ".mcap" if bag.storage == "mcap" else ".db3"
    for number in (0, 1, 2, 10):
        storage_file(bag(f"part{number}")).rename(folder / f"run_{number}{ending}")
    with_parts = BagSource(folder)
    assert len(list(with_parts)) == 120
    from facetrack_ros.sources.bags.bag_folder import bag_folder

    assert [path.stem for path in bag_folder(folder).files] == ["run_0", "run_1", "run_2", "run_10"]


@pytest.mark.parametrize(
    ("content", "says"),
    [(b"", "is empty"), (bytes(5000), "nothing but zeros"), (b"hello", "neither an MCAP nor"), (MCAP_END, "no topic")],
)
def test_a_file_that_is_no_recording_is_refused_in_one_sentence(tmp_path, content, says):
    (tmp_path / "bag.mcap").write_bytes(content)
    with pytest.raises(SourceError, match=says) as caught:
        open_source(f"bag:{tmp_path / 'bag.mcap'}")
    assert "\n" not in str(caught.value)


def test_png_of_sixteen_bits_is_grey_unless_it_is_depth(write_bag, picture):
    grey = cv2.imencode(".png", picture()[:, :, 0].astype("uint16") * 256)[1].tobytes()
    rows = [
        write_bag.compressed(START_NS + row, grey, format) for row, format in enumerate(("mono16; png", "16UC1; png"))
    ]
    frames, lines = accounted(write_bag([("/image", row) for row in rows]))
    assert frames == 1
    assert "depth" in lines[0]
