"""The records of an MCAP file (https://mcap.dev/spec), as far as segments use them.

A segment holds each message in a chunk of its own, not compressed, with its message index right behind. So a killed
process loses no message that was written, and the file's summary, written when it is sealed, leads to each message.
"""

import struct
import zlib

import numpy as np

from facetrack_ros.history.messages.channel import Channel

MAGIC = b"\x89MCAP0\r\n"
HEADER, FOOTER, SCHEMA, CHANNEL, MESSAGE, CHUNK, MESSAGE_INDEX, CHUNK_INDEX = range(1, 9)
STATISTICS, SUMMARY_OFFSET, DATA_END = 0x0B, 0x0E, 0x0F
_HEAD = struct.Struct("<BQ")
_CHUNK = struct.Struct("<QQQIIQ")  # start, end, size, checksum, compression (an empty text), size of the records
_MESSAGE = struct.Struct("<HIQQ")
_INDEX = struct.Struct("<HIQQ")
FOOTER_BYTES = _HEAD.size + 20 + len(MAGIC)
CHUNK_HEAD_BYTES = _HEAD.size + _CHUNK.size + _HEAD.size + _MESSAGE.size
CHUNK_TAIL_BYTES = _HEAD.size + _INDEX.size
# A chunk index of a chunk with one message: all are of one size, so that numpy reads thousands at once.
CHUNK_INDEX_ROW = np.dtype(
    [
        ("opcode", "u1"),
        ("length", "<u8"),
        ("start", "<u8"),
        ("end", "<u8"),
        ("offset", "<u8"),
        ("size", "<u8"),
        ("channels", "<u4"),
        ("channel", "<u2"),
        ("index_offset", "<u8"),
        ("index_size", "<u8"),
        ("compression", "<u4"),
        ("stored", "<u8"),
        ("plain", "<u8"),
    ]
)


def record(opcode: int, content: bytes) -> bytes:
    """One record."""
    return _HEAD.pack(opcode, len(content)) + content


def read_head(data: bytes) -> tuple[int, int]:
    """Opcode and length of the record that begins here.

    :raises ValueError: nothing begins here.
    """
    if len(data) < _HEAD.size:
        raise ValueError("cut short")
    return _HEAD.unpack_from(data)


def text(words: str) -> bytes:
    """A text with its length."""
    data = words.encode()
    return struct.pack("<I", len(data)) + data


def read_text(data: bytes, at: int) -> tuple[str, int]:
    """A text and where it ends.

    :raises ValueError: it runs over the end.
    """
    if at + 4 > len(data):
        raise ValueError("cut short")
    (size,) = struct.unpack_from("<I", data, at)
    if at + 4 + size > len(data):
        raise ValueError("cut short")
    return data[at + 4 : at + 4 + size].decode(), at + 4 + size


def file_head() -> bytes:
    """Magic and header."""
    return MAGIC + record(HEADER, text("ros2") + text("facetrack_ros"))


def channel_records(number: int, channel: Channel) -> bytes:
    """Schema and channel; both have the same number, from 1 on."""
    schema = struct.pack("<H", number) + text(channel.type) + text("ros2msg") + text(channel.definition)
    metadata = text("camera_id") + text(channel.camera_id)
    body = (
        struct.pack("<HH", number, number)
        + text(channel.topic)
        + text("cdr")
        + struct.pack("<I", len(metadata))
        + metadata
    )
    return record(SCHEMA, schema) + record(CHANNEL, body)


def chunk_of(channel: int, sequence: int, stamp_ns: int, parts: tuple[bytes, ...]) -> list[bytes]:
    """One message as chunk and message index, in pieces that one call can write without joining them."""
    size = sum(map(len, parts))
    head = _HEAD.pack(MESSAGE, _MESSAGE.size + size) + _MESSAGE.pack(channel, sequence & 0xFFFFFFFF, stamp_ns, stamp_ns)
    checksum = zlib.crc32(head)
    for part in parts:
        checksum = zlib.crc32(part, checksum)
    inside = len(head) + size
    chunk = _HEAD.pack(CHUNK, _CHUNK.size + inside) + _CHUNK.pack(stamp_ns, stamp_ns, inside, checksum, 0, inside)
    index = _HEAD.pack(MESSAGE_INDEX, _INDEX.size) + _INDEX.pack(channel, 16, stamp_ns, 0)
    return [chunk + head, *parts, index]


def read_chunk(data: bytes) -> tuple[int, int, int, memoryview]:
    """Channel, sequence, stamp and message of a chunk (its message index may follow).

    :raises ValueError: it is damaged, or not a chunk of one message.
    """
    opcode, length = read_head(data)
    if opcode != CHUNK or len(data) < _HEAD.size + length or length < CHUNK_HEAD_BYTES - _HEAD.size:
        raise ValueError("no chunk")
    _, _, inside, checksum, compression, stored = _CHUNK.unpack_from(data, _HEAD.size)
    records = memoryview(data)[_HEAD.size + _CHUNK.size : _HEAD.size + length]
    if compression or not inside == stored == len(records) or zlib.crc32(records) != checksum:
        raise ValueError("a damaged chunk")
    opcode, size = _HEAD.unpack_from(records)
    if opcode != MESSAGE or size != len(records) - _HEAD.size:
        raise ValueError("not one message")
    channel, sequence, stamp_ns, _ = _MESSAGE.unpack_from(records, _HEAD.size)
    return channel, sequence, stamp_ns, records[_HEAD.size + _MESSAGE.size :]


def chunk_index_rows(channels: np.ndarray, stamps: np.ndarray, offsets: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """The summary's lines for chunks.

    :param channels: ``(n,)``.
    :param stamps: ``(n,)`` nanoseconds.
    :param offsets: ``(n,)`` where each chunk begins.
    :param sizes: ``(n,)`` bytes of each chunk without its message index.
    """
    rows = np.zeros(len(channels), CHUNK_INDEX_ROW)
    rows["opcode"], rows["length"] = CHUNK_INDEX, CHUNK_INDEX_ROW.itemsize - _HEAD.size
    rows["start"] = rows["end"] = stamps
    rows["offset"], rows["size"] = offsets, sizes
    rows["channels"], rows["channel"] = 10, channels
    rows["index_offset"] = rows["offset"] + rows["size"]
    rows["index_size"] = CHUNK_TAIL_BYTES
    rows["stored"] = rows["plain"] = rows["size"] - (_HEAD.size + _CHUNK.size)
    return rows


def file_tail(start: int, channels: dict[int, Channel], rows: np.ndarray) -> bytes:
    """All that seals a file: the data's end, the summary, the footer.

    :param start: where this will stand in the file.
    """
    data_end = record(DATA_END, struct.pack("<I", 0))
    summary_start = start + len(data_end)
    head = b"".join(channel_records(number, channel) for number, channel in channels.items())
    lines = rows.tobytes()
    stamps = rows["start"]
    first, last = (int(stamps.min()), int(stamps.max())) if len(rows) else (0, 0)
    counts = b"".join(struct.pack("<HQ", number, int((rows["channel"] == number).sum())) for number in channels)
    statistics = record(
        STATISTICS,
        struct.pack("<QHIIIIQQI", len(rows), len(channels), len(channels), 0, 0, len(rows), first, last, len(counts))
        + counts,
    )
    offset = b""
    if len(rows):
        offset = record(SUMMARY_OFFSET, struct.pack("<BQQ", CHUNK_INDEX, summary_start + len(head), len(lines)))
    summary = head + lines + statistics + offset
    footer = _HEAD.pack(FOOTER, 20) + struct.pack(
        "<QQ", summary_start, summary_start + len(summary) - len(offset) if offset else 0
    )
    return data_end + summary + footer + struct.pack("<I", zlib.crc32(summary + footer)) + MAGIC
