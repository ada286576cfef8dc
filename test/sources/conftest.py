"""Pictures, films and bags that the tests of the sources write themselves, and where the real ones are."""

from pathlib import Path

import numpy as np
import pytest

START_NS = 1_700_000_000_123_456_789
COMPRESSED, RAW, TEXT = "sensor_msgs/msg/CompressedImage", "sensor_msgs/msg/Image", "std_msgs/msg/String"
PACKET = "ffmpeg_image_transport_msgs/msg/FFMPEGPacket"
PACKET_DEFINITION = """std_msgs/Header header
int32 width
int32 height
string encoding
uint64 pts
uint8 flags
bool is_bigendian
uint8[] data
"""


@pytest.fixture
def picture():
    """A picture with structure, brighter with each number."""

    def make(number: int = 0, height: int = 48, width: int = 64) -> np.ndarray:
        rows, columns = np.mgrid[:height, :width]
        return np.stack([columns * 2, rows * 3, np.full_like(rows, 20 * number % 256)], axis=2).astype(np.uint8)

    return make


@pytest.fixture
def write_film(picture):
    """Write pictures to a film at the given times in milliseconds."""

    def write(path: Path, times_ms, codec="mpeg4", options=None, creation_time=None, height=48, width=64) -> Path:
        from fractions import Fraction

        import av

        with av.open(str(path), "w", options=options or {}) as container:
            if creation_time:
                container.metadata["creation_time"] = creation_time
            stream = container.add_stream(codec, rate=25)
            stream.width, stream.height, stream.pix_fmt = width, height, "yuvj420p" if codec == "mjpeg" else "yuv420p"
            stream.codec_context.time_base = Fraction(1, 1000)
            for number, time_ms in enumerate(times_ms):
                frame = av.VideoFrame.from_ndarray(picture(number, height, width), format="bgr24")
                frame.pts, frame.time_base = time_ms, Fraction(1, 1000)
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        return path

    return write


@pytest.fixture
def with_exif():
    """Add an EXIF segment with an orientation to JPEG bytes."""

    def add(jpeg: bytes, orientation: int, order: str = "little") -> bytes:
        def number(value: int, size: int) -> bytes:
            return value.to_bytes(size, order)

        entry = number(0x0112, 2) + number(3, 2) + number(1, 4) + number(orientation, 2) + bytes(2)
        tiff = (b"II*\0" if order == "little" else b"MM\0*") + number(8, 4) + number(1, 2) + entry + bytes(4)
        body = b"Exif\0\0" + tiff
        return jpeg[:2] + b"\xff\xe1" + (len(body) + 2).to_bytes(2, "big") + body + jpeg[2:]

    return add


@pytest.fixture(params=["mcap", "sqlite3"])
def write_bag(request, tmp_path):
    """Write ``(topic, type, received_ns, message)`` rows, where a message is made from the types of a store."""
    from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer
    from rosbags.typesys import Stores, get_types_from_msg, get_typestore

    store = get_typestore(Stores.ROS2_JAZZY)
    store.register(get_types_from_msg(PACKET_DEFINITION, PACKET))

    def header(stamp_ns):
        time = store.types["builtin_interfaces/msg/Time"](stamp_ns // 10**9, stamp_ns % 10**9)
        return store.types["std_msgs/msg/Header"](time, "front_optical")

    def compressed(stamp_ns, data, format="jpeg"):
        return COMPRESSED, store.types[COMPRESSED](header(stamp_ns), format, np.frombuffer(data, np.uint8))

    def raw(stamp_ns, image, encoding, padding=0):
        rows = np.pad(image.reshape(len(image), -1), ((0, 0), (0, padding)))
        return RAW, store.types[RAW](
            header(stamp_ns), len(image), image.shape[1], encoding, 0, rows.shape[1], rows.ravel()
        )

    def text(_stamp_ns, words):
        return TEXT, store.types[TEXT](words)

    def packet(stamp_ns, data, encoding):
        return PACKET, store.types[PACKET](
            header(stamp_ns), 64, 48, encoding, 0, 0, False, np.frombuffer(data, np.uint8)
        )

    def write(rows, name="bag", compression="", received_ns=START_NS + 5_000_000, step_ns=1):
        path = tmp_path / name
        plugin = {"mcap": StoragePlugin.MCAP, "sqlite3": StoragePlugin.SQLITE3}[request.param]
        writer = Writer(path, version=9, storage_plugin=plugin)
        if compression:
            writer.set_compression(CompressionMode[compression], CompressionFormat.ZSTD)
        with writer:
            connections = {}
            for row, (topic, (kind, message)) in enumerate(rows):
                if topic not in connections:
                    connections[topic] = writer.add_connection(topic, kind, typestore=store)
                data = message if isinstance(message, bytes) else store.serialize_cdr(message, kind)
                writer.write(connections[topic], received_ns + row * step_ns, data)
        return path

    write.storage = request.param
    write.compressed, write.raw, write.text, write.packet = compressed, raw, text, packet
    return write


@pytest.fixture
def video_packets(picture):
    """Packets of a video of some pictures, as an encoder gives them: in the order in which they are decoded."""

    def encode(codec: str, count: int, b_frames: int = 0, height: int = 48, width: int = 64) -> list[tuple[int, bytes]]:
        from fractions import Fraction

        import av

        try:
            encoder = av.CodecContext.create(codec, "w")
        except Exception:  # the type depends on the version of PyAV
            pytest.skip(f"this FFmpeg has no {codec}")
        encoder.width, encoder.height, encoder.pix_fmt, encoder.thread_count = width, height, "yuv420p", 1
        encoder.time_base, encoder.framerate = Fraction(1, 30), Fraction(30)
        parameters = {"libx264": "x264-params", "libx265": "x265-params"}.get(codec)
        if parameters:
            quiet = ":log-level=none" if codec == "libx265" else ""
            encoder.options = {"crf": "10", parameters: f"keyint=10:scenecut=0:bframes={b_frames}{quiet}"}
        packets = []
        for number in range(count):
            frame = av.VideoFrame.from_ndarray(picture(number, height, width), format="bgr24").reformat(
                format="yuv420p"
            )
            frame.pts = number
            packets += encoder.encode(frame)
        packets += encoder.encode(None)
        return [(packet.pts, bytes(packet)) for packet in packets]

    return encode
