"""Films and bags made to do harm are refused or read in part, in bounded memory and time."""

import sqlite3
import struct
import zlib

import numpy as np
import pytest
from mcap.writer import CompressionType
from odd_paths import odd_paths
from odd_pictures import gif, jpeg, png
from peak_memory import peaks

from facetrack_ros.errors import SourceError
from facetrack_ros.sources.bag import BagSource
from facetrack_ros.sources.factory import open_source
from facetrack_ros.sources.film_header import FEW_SAMPLES
from facetrack_ros.sources.start_time import default_start
from facetrack_ros.sources.video_file import VideoFileSource

MOST_MB = 100
_READ = """
import pathlib
from facetrack_ros.errors import FacetrackError
from facetrack_ros.sources.factory import open_source
from facetrack_ros.sources.start_time import default_start
def read(text):
    try:
        if not text.startswith("bag:"):
            default_start(text)
    except FacetrackError:
        pass
    with open_source(text) as source:
        return f"{sum(1 for _ in source)} pictures, {source.unused.lines()}"
try:
    read(sys.argv[1])  # an honest one, so that all is loaded
except FacetrackError as error:
    pass
for text in sys.argv[2:]:
    results[text] = measure(lambda: read(text))
"""


def claiming(path, count: int):
    """A film whose tables claim ``count`` frames of ten bytes in one chunk."""
    data = bytearray(path.read_bytes())
    for name, offset, values in ((b"stsz", 8, (10, count)), (b"stts", 12, (count,)), (b"stsc", 16, (count,))):
        struct.pack_into(f">{len(values)}I", data, data.index(name) + offset, *values)
    path.write_bytes(data)
    return path


def test_a_film_that_claims_more_frames_than_it_can_hold_is_refused(write_film, tmp_path):
    film = claiming(write_film(tmp_path / "film.mp4", range(0, 1000, 100)), 500_000_000)
    with pytest.raises(SourceError, match="claims to hold 500000000 frames"):
        open_source(str(film))
    default_start(film)
    assert VideoFileSource(claiming(film, FEW_SAMPLES))


def test_films_that_take_memory(write_film, tmp_path):
    honest = write_film(tmp_path / "honest.mp4", range(0, 1000, 100))
    bad = {
        "index.mp4": claiming(write_film(tmp_path / "index.mp4", range(0, 1000, 100)), 30_000_000),
        "canvas.gif": gif(20_000, 20_000, 3),
        "frames.gif": gif(64, 48, 100_000),
        "picture.mjpeg": jpeg(20_000, 20_000) * 3,
        "claims.png": png(20_000, 20_000, rows=1),
        "list.m3u8": b"#EXTM3U\n#EXTINF:1,\nfile:///dev/zero\n",
        "list.mp4": b"ffconcat version 1.0\nfile /dev/zero\n",
        "words.mp4": b"words, " * 1_000_000,
        "boxes.mp4": b"\0\0\0\x08ftyp" + b"\0\0\0\x08free" * 2_000_000,
    }
    for name, content in bad.items():
        if isinstance(content, bytes):
            (tmp_path / name).write_bytes(content)
    found = peaks(_READ, honest, *(tmp_path / name for name in bad), timeout=200)
    print({name.rpartition("/")[2]: (round(peak), what[-90:]) for name, (peak, what) in found.items()})
    assert not {name: peak for name, (peak, _) in found.items() if peak > MOST_MB}
    assert all(" pictures" in what or what.startswith("SourceError") for _, what in found.values())


@pytest.mark.parametrize("form", ["{}", "bag:{}", "bag:{}:/image", "@{}"])
@pytest.mark.parametrize("ending", [".mp4", ".webp", ".mcap"])
def test_odd_paths_are_refused_at_once(tmp_path, form, ending):
    for path in odd_paths(tmp_path, ending).values():
        with pytest.raises(SourceError):
            list(open_source(form.format(path)))


def test_a_folder_of_odd_files_is_read_as_far_as_it_goes(tmp_path):
    odd_paths(tmp_path, ".jpg")
    (tmp_path / "metadata.txt").write_text("words")
    source = open_source(str(tmp_path))
    assert not list(source)
    assert source.unused


def test_metadata_that_is_a_pipe_or_expands_without_end(tmp_path, write):
    import os

    bag = tmp_path / "folder"
    bag.mkdir()
    write().rename(bag / "a.mcap")
    os.mkfifo(bag / "metadata.yaml")
    with pytest.raises(SourceError):
        BagSource(bag)
    (bag / "metadata.yaml").unlink()
    levels = "\n".join(f"  l{row}: &l{row} [{', '.join([f'*l{row - 1}'] * 10)}]" for row in range(1, 12))
    text = f"a:\n  l0: &l0 [x, x]\n{levels}\nrosbag2_bagfile_information:\n  relative_file_paths: [*l11]\n"
    (bag / "metadata.yaml").write_text(text)
    assert len(list(BagSource(bag))) == 40


@pytest.fixture
def write(tmp_path, picture):
    from mcap.writer import Writer

    from facetrack_ros.core.frame import encode_jpeg

    def make(compression=CompressionType.ZSTD, message: bytes = b"", count: int = 40):
        path = tmp_path / f"{compression.name}.mcap"
        with path.open("wb") as file:
            writer = Writer(file, chunk_size=1_000, compression=compression, enable_crcs=False)
            writer.start("ros2", "test")
            kind = "sensor_msgs/msg/CompressedImage"
            images = writer.register_channel("/image", "cdr", writer.register_schema(kind, "ros2msg", b"uint8[] data"))
            data = message or cdr_of(encode_jpeg(picture()))
            for row in range(count):
                writer.add_message(images, (row + 1) * 10**9, data, (row + 1) * 10**9)
            writer.finish()
        return path

    return make


def cdr_of(jpeg: bytes) -> bytes:
    from rosbags.typesys import Stores, get_typestore

    store = get_typestore(Stores.ROS2_JAZZY)
    stamp = store.types["builtin_interfaces/msg/Time"](1_700_000_000, 0)
    header = store.types["std_msgs/msg/Header"](stamp, "")
    kind = "sensor_msgs/msg/CompressedImage"
    return bytes(store.serialize_cdr(store.types[kind](header, "jpeg", np.frombuffer(jpeg, np.uint8)), kind))


def zeros_of(size: int) -> bytes:
    import zstandard

    packer, found = zstandard.ZstdCompressor().compressobj(), bytearray()
    for _ in range(size // 10_000_000):
        found += packer.compress(bytes(10_000_000))
    return bytes(found + packer.flush())


def test_bags_that_take_memory(write, tmp_path):
    honest = write(CompressionType.NONE)
    large = bytes(80_000_000)
    bags = [write(CompressionType.ZSTD, zeros_of(300_000_000), 2), write(CompressionType.LZ4, large, 3)]
    claims = tmp_path / "claims.mcap"
    data = bytearray(honest.read_bytes())
    claims.write_bytes(data[:-40] + struct.pack("<BQ", 5, 1 << 40) + bytes(100))
    with claims.open("r+b") as file:
        file.truncate(1 << 40)
    blob = tmp_path / "blob.db3"
    database = sqlite3.connect(blob)
    database.execute("CREATE TABLE topics (id INTEGER, name TEXT, type TEXT, serialization_format TEXT)")
    database.execute("CREATE TABLE messages (id INTEGER PRIMARY KEY, topic_id INTEGER, timestamp INTEGER, data BLOB)")
    database.execute("INSERT INTO topics VALUES (1, '/image', 'sensor_msgs/msg/CompressedImage', 'cdr')")
    database.execute("INSERT INTO messages VALUES (1, 1, 1, zeroblob(500000000))")
    database.execute(
        "INSERT INTO messages VALUES (2, 1, 2, ?)", (cdr_of(zlib.decompress(zlib.compress(jpeg(64, 48)))),)
    )
    database.commit()
    database.close()
    view = tmp_path / "view.db3"
    database = sqlite3.connect(view)
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"
    database.execute(
        f"CREATE VIEW topics AS {endless} SELECT i id, '/image' name, 'x' type, 'cdr' serialization_format FROM n"
    )
    database.execute(f"CREATE VIEW messages AS {endless} SELECT i id, 1 topic_id, i timestamp, x'' data FROM n")
    database.close()
    found = peaks(_READ, f"bag:{honest}", *(f"bag:{path}" for path in (*bags, claims, blob, view)), timeout=200)
    print({name.rpartition("/")[2]: (round(peak), what[-120:]) for name, (peak, what) in found.items()})
    assert not {name: peak for name, (peak, _) in found.items() if peak > MOST_MB}
    assert all(" pictures" in what or what.startswith("SourceError") for _, what in found.values())
