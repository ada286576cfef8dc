"""The records of an MCAP file (https://mcap.dev/spec), as far as segments use them.

Each message of a segment is in a chunk of its own, uncompressed, followed by its message index. A killed process
therefore loses no message that was written, and the summary, written when the segment is sealed, leads to each
message.
"""

import struct
import zlib

import numpy as np

from facetrack_ros.history.mcap.message_table import MessageTable
from facetrack_ros.history.messages.channel import Channel

MAGIC = b"\x89MCAP0\r\n"
HEADER, FOOTER, SCHEMA, CHANNEL, MESSAGE, CHUNK, MESSAGE_INDEX, CHUNK_INDEX = range(1, 9)
STATISTICS, SUMMARY_OFFSET, DATA_END = 0x0B, 0x0E, 0x0F
_HEAD = struct.Struct("<BQ")  # opcode, length
_CHUNK = struct.Struct("<QQQIIQ")  # start, end, size, checksum, length of the compression's name, size of the records
_MESSAGE = struct.Struct("<HIQQ")  # channel, sequence, log time, publish time
_INDEX = struct.Struct("<HIQQ")  # channel, size of the entries, log time, offset in the chunk
FOOTER_BYTES = _HEAD.size + 20 + len(MAGIC)
CHUNK_HEAD_BYTES = _HEAD.size + _CHUNK.size + _HEAD.size + _MESSAGE.size
CHUNK_TAIL_BYTES = _HEAD.size + _INDEX.size
#: The chunk index record of a chunk with one message. All have one size, so numpy reads thousands of them at once.
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
    """Opcode and length of the record at the start of ``data``.

    :raises ValueError: ``data`` is too short.
    """
    if len(data) < _HEAD.size:
        raise ValueError("cut short")
    return _HEAD.unpack_from(data)


def string(value: str) -> bytes:
    """A string with its length."""
    data = value.encode()
    return struct.pack("<I", len(data)) + data


def read_string(data: bytes, at: int) -> tuple[str, int]:
    """The string at an offset, and the offset after it.

    :raises ValueError: it exceeds ``data``.
    """
    if at + 4 > len(data):
        raise ValueError("cut short")
    (size,) = struct.unpack_from("<I", data, at)
    end = at + 4 + size
    if end > len(data):
        raise ValueError("cut short")
    return data[at + 4 : end].decode(), end


def file_head() -> bytes:
    """Magic and header."""
    return MAGIC + record(HEADER, string("ros2") + string("facetrack_ros"))


def channel_records(number: int, channel: Channel) -> bytes:
    """Schema and channel, both of the same number, from 1 on."""
    schema = struct.pack("<H", number) + string(channel.type) + string("ros2msg") + string(channel.definition)
    metadata = string("camera_id") + string(channel.camera_id)
    body = struct.pack("<HH", number, number) + string(channel.topic) + string("cdr")
    return record(SCHEMA, schema) + record(CHANNEL, body + struct.pack("<I", len(metadata)) + metadata)


def chunk_of(channel: int, sequence: int, stamp_ns: int, parts: tuple[bytes, ...]) -> list[bytes]:
    """Chunk and message index of one message, in pieces that one call writes without joining them."""
    size = sum(map(len, parts))
    head = _HEAD.pack(MESSAGE, _MESSAGE.size + size) + _MESSAGE.pack(channel, sequence & 0xFFFFFFFF, stamp_ns, stamp_ns)
    checksum = zlib.crc32(head)
    for part in parts:
        checksum = zlib.crc32(part, checksum)
    size += len(head)
    chunk = _HEAD.pack(CHUNK, _CHUNK.size + size) + _CHUNK.pack(stamp_ns, stamp_ns, size, checksum, 0, size)
    index = _HEAD.pack(MESSAGE_INDEX, _INDEX.size) + _INDEX.pack(channel, 16, stamp_ns, 0)
    return [chunk + head, *parts, index]


def read_chunk(data: bytes) -> tuple[int, int, int, memoryview]:
    """Channel, sequence number, stamp and content of a chunk's message. The message index may follow the chunk.

    :raises ValueError: it is damaged, or not a chunk of one message.
    """
    opcode, length = read_head(data)
    if opcode != CHUNK or len(data) < _HEAD.size + length or length < CHUNK_HEAD_BYTES - _HEAD.size:
        raise ValueError("no chunk")
    _, _, size, checksum, compression, stored = _CHUNK.unpack_from(data, _HEAD.size)
    records = memoryview(data)[_HEAD.size + _CHUNK.size : _HEAD.size + length]
    if compression or not size == stored == len(records) or zlib.crc32(records) != checksum:
        raise ValueError("a damaged chunk")
    opcode, length = _HEAD.unpack_from(records)
    if opcode != MESSAGE or length != len(records) - _HEAD.size:
        raise ValueError("not one message")
    channel, sequence, stamp_ns, _ = _MESSAGE.unpack_from(records, _HEAD.size)
    return channel, sequence, stamp_ns, records[_HEAD.size + _MESSAGE.size :]


def file_tail(start: int, table: MessageTable) -> bytes:
    """All that seals a segment: the end of the data, the summary, the footer.

    :param start: its offset in the file.
    """
    channels, rows = table.channels, _chunk_index_rows(table)
    data_end = record(DATA_END, struct.pack("<I", 0))
    summary_start = start + len(data_end)
    head = b"".join(channel_records(number, channel) for number, channel in channels.items())
    lines = rows.tobytes()
    first, last = (int(table.stamps.min()), int(table.stamps.max())) if len(table) else (0, 0)
    counts = b"".join(struct.pack("<HQ", number, int((rows["channel"] == number).sum())) for number in channels)
    totals = len(rows), len(channels), len(channels), 0, 0, len(rows), first, last, len(counts)
    statistics = record(STATISTICS, struct.pack("<QHIIIIQQI", *totals) + counts)
    offset = b""
    if len(rows):
        offset = record(SUMMARY_OFFSET, struct.pack("<BQQ", CHUNK_INDEX, summary_start + len(head), len(lines)))
    summary = head + lines + statistics + offset
    offset_start = summary_start + len(summary) - len(offset) if offset else 0
    footer = _HEAD.pack(FOOTER, 20) + struct.pack("<QQ", summary_start, offset_start)
    return data_end + summary + footer + struct.pack("<I", zlib.crc32(summary + footer)) + MAGIC


def _chunk_index_rows(table: MessageTable) -> np.ndarray:
    rows = np.zeros(len(table), CHUNK_INDEX_ROW)
    rows["opcode"], rows["length"] = CHUNK_INDEX, CHUNK_INDEX_ROW.itemsize - _HEAD.size
    rows["start"] = rows["end"] = table.stamps
    rows["offset"], rows["size"] = table.offsets, table.sizes
    rows["channels"], rows["channel"] = 10, table.channel_numbers  # the one entry of a map takes 10 bytes
    rows["index_offset"] = rows["offset"] + rows["size"]
    rows["index_size"] = CHUNK_TAIL_BYTES
    rows["stored"] = rows["plain"] = rows["size"] - (_HEAD.size + _CHUNK.size)
    return rows
