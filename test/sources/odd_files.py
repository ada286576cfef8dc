"""Recordings of all kinds made from a real clip, and ways to damage them. Everything is seeded."""

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from fractions import Fraction
from pathlib import Path
from random import Random

import av
import cv2
import numpy as np
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

FRAMES = 16
START_NS, STEP_NS = 1_777_636_800_000_000_000, 100_000_000
IMAGE, RAW = "sensor_msgs/msg/CompressedImage", "sensor_msgs/msg/Image"
STORE = get_typestore(Stores.ROS2_JAZZY)


def _jpeg(image: np.ndarray) -> bytes:
    return cv2.imencode(".jpg", image)[1].tobytes()


def _packets(images: list[np.ndarray], codec: str = "libx264") -> list[bytes]:
    encoder = av.CodecContext.create(codec, "w")
    encoder.height, encoder.width = images[0].shape[:2]
    encoder.pix_fmt, encoder.time_base, encoder.thread_count = "yuv420p", Fraction(1, 10), 1
    encoder.options = {"x264-params": "keyint=8:bframes=0", "tune": "zerolatency"}
    packets = []
    for number, image in enumerate(images):
        frame = av.VideoFrame.from_ndarray(image, format="bgr24").reformat(format="yuv420p")
        frame.pts = number
        packets += encoder.encode(frame)
    return [bytes(packet) for packet in [*packets, *encoder.encode(None)]]


def _header(stamp_ns: int):
    time = STORE.types["builtin_interfaces/msg/Time"](stamp_ns // 10**9, stamp_ns % 10**9)
    return STORE.types["std_msgs/msg/Header"](time, "optical")


def _bag(path: Path, messages: list, storage: str, compression: str = "") -> Path:
    writer = Writer(path, version=9, storage_plugin=StoragePlugin[storage])
    if compression:
        writer.set_compression(CompressionMode[compression], CompressionFormat.ZSTD)
    with writer:
        kind = messages[0].__msgtype__
        connection = writer.add_connection("/front/image", kind, typestore=STORE)
        for row, message in enumerate(messages):
            writer.write(connection, START_NS + STEP_NS * row + 3_000_000, STORE.serialize_cdr(message, kind))
    return path


def _compressed(images: list[np.ndarray], stamps: list[int], encode=_jpeg, format: str = "jpeg") -> list:
    rows = zip(stamps, images)
    return [STORE.types[IMAGE](_header(stamp), format, np.frombuffer(encode(one), np.uint8)) for stamp, one in rows]


def _bag_of_jpeg(storage: str, compression: str = "") -> Callable:
    return lambda path, images, stamps: _bag(path, _compressed(images, stamps), storage, compression)


def _bag_of_raw(path: Path, images: list[np.ndarray], stamps: list[int]) -> Path:
    rows = zip(stamps, images)
    size = images[0].shape[0], images[0].shape[1]
    messages = [STORE.types[RAW](_header(stamp), *size, "bgr8", 0, size[1] * 3, one.ravel()) for stamp, one in rows]
    return _bag(path, messages, "SQLITE3")


def _bag_of_video(path: Path, images: list[np.ndarray], stamps: list[int]) -> Path:
    packets = iter(_packets(images))
    return _bag(path, _compressed(images, stamps, lambda _: next(packets), "h264"), "MCAP")


def _film(suffix: str, codec: str, **options: str) -> Callable:
    def make(path: Path, images: list[np.ndarray], stamps: list[int]) -> Path:
        path = path.with_suffix(suffix)
        with av.open(str(path), "w", options=options) as container:
            stream = container.add_stream(codec, rate=10)
            stream.height, stream.width = images[0].shape[:2]
            stream.pix_fmt = {"mjpeg": "yuvj420p", "gif": "rgb8"}.get(codec, "yuv420p")
            stream.codec_context.thread_count = 1
            for image in images:
                container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="bgr24")))
            container.mux(stream.encode(None))
        return path

    return make


def _folder(suffix: str) -> Callable:
    def make(path: Path, images: list[np.ndarray], stamps: list[int]) -> Path:
        path.mkdir()
        for number, image in enumerate(images):
            cv2.imwrite(str(path / f"frame{number + 1}{suffix}"), image)
        return path

    return make


#: Each makes a recording of some pictures with these stamps, where its kind has stamps, and returns its path.
KINDS: dict[str, Callable[[Path, list[np.ndarray], list[int]], Path]] = {
    "mcap": _bag_of_jpeg("MCAP"),
    "sqlite3": _bag_of_jpeg("SQLITE3"),
    "mcap by message": _bag_of_jpeg("MCAP", "MESSAGE"),
    "sqlite3 by file": _bag_of_jpeg("SQLITE3", "FILE"),
    "mcap by chunk": _bag_of_jpeg("MCAP", "STORAGE"),
    "raw": _bag_of_raw,
    "video bag": _bag_of_video,
    "mp4": _film(".mp4", "libx264"),
    "fragmented mp4": _film(".mp4", "libx264", movflags="frag_keyframe+empty_moov"),
    "mkv": _film(".mkv", "mpeg4"),
    "ts": _film(".ts", "libx264"),
    "avi": _film(".avi", "mjpeg"),
    "jpg folder": _folder(".jpg"),
    "png folder": _folder(".png"),
}


def source_text(path: Path) -> str:
    """SOURCE of a recording."""
    is_bag = (path / "metadata.yaml").exists() or path.suffix in (".mcap", ".db3", ".zstd")
    is_bag = is_bag or (path.is_dir() and any(file.suffix in (".mcap", ".db3", ".zstd") for file in path.iterdir()))
    return f"bag:{path}" if is_bag else str(path)


def _one_file(path: Path, random: Random) -> Path:
    files = sorted(file for file in path.iterdir() if file.name != "metadata.yaml") if path.is_dir() else [path]
    return random.choice(files)


def truncated(path: Path, random: Random) -> Path:
    file = _one_file(path, random)
    file.write_bytes(file.read_bytes()[: int(file.stat().st_size * random.random())])
    return path


def flipped(path: Path, random: Random) -> Path:
    file = _one_file(path, random)
    data = bytearray(file.read_bytes())
    for _ in range(random.choice((1, 10, 200))):
        data[random.randrange(len(data))] ^= 1 << random.randrange(8)
    file.write_bytes(data)
    return path


def zeroed(path: Path, random: Random) -> Path:
    file = _one_file(path, random)
    if file.suffix == ".db3":
        with closing(sqlite3.connect(file)) as database:
            database.execute("UPDATE messages SET data = x'' WHERE id % 3 = 0")
            database.commit()
        return path
    data = bytearray(file.read_bytes())
    begin = random.randrange(len(data))
    length = min(random.choice((100, 4096, 20_000)), len(data) - begin)
    data[begin : begin + length] = bytes(length)
    file.write_bytes(data)
    return path


def emptied(path: Path, random: Random) -> Path:
    _one_file(path, random).write_bytes(b"")
    return path


def header_damaged(path: Path, random: Random) -> Path:
    file = _one_file(path, random)
    data = bytearray(file.read_bytes())
    for _ in range(random.choice((1, 4, 40))):
        data[random.randrange(min(96, len(data)))] = random.randrange(256)
    file.write_bytes(data)
    return path


def wrong_extension(path: Path, random: Random) -> Path:
    file = _one_file(path, random)
    suffixes = (".db3", ".mcap") if source_text(path).startswith("bag:") else (".avi", ".mp4", ".jpg", ".txt", "")
    renamed = file.rename(file.with_suffix(random.choice([one for one in suffixes if one != file.suffix])))
    return renamed if file == path else path


def renamed(path: Path, random: Random) -> Path:
    name = random.choice(("run #3", "what?", "a%20b", "run:7", "été", "-x", " two  spaces"))
    return path.rename(path.with_name(name + path.suffix))


def part_missing(path: Path, random: Random) -> Path:
    if not path.is_dir():
        return truncated(path, random)
    (path / "metadata.yaml").unlink(missing_ok=True)
    if not source_text(path).startswith("bag:"):
        _one_file(path, random).unlink()
    return path


def shuffled_stamps(random: Random) -> list[int]:
    """Stamps as odd clocks give them: going back, repeated, zero, or far off."""
    stamps = [START_NS + STEP_NS * row for row in range(FRAMES)]
    kind = random.randrange(5)
    if kind == 0:
        random.shuffle(stamps)
    elif kind == 1:
        stamps = stamps[: FRAMES // 2] * 2
    elif kind == 2:
        stamps[0] = random.choice((1, 2_100_000_000 * 10**9))
    elif kind == 3:
        stamps = [0] * FRAMES
    else:
        stamps[random.randrange(FRAMES)] -= 3 * 10**15
    return stamps


#: Each damages a recording and returns its path.
MUTATIONS: dict[str, Callable[[Path, Random], Path]] = {
    "truncated": truncated,
    "flipped": flipped,
    "zeroed": zeroed,
    "emptied": emptied,
    "header damaged": header_damaged,
    "wrong extension": wrong_extension,
    "renamed": renamed,
    "part missing": part_missing,
    "odd times": lambda path, random: path,
}


def copied(path: Path, folder: Path) -> Path:
    """A copy that may be damaged."""
    target = folder / path.name
    if path.is_dir():
        shutil.copytree(path, target)
    else:
        shutil.copyfile(path, target)
    return target
