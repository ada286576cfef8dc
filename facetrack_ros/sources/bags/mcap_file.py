"""An MCAP file of a recording, by its index; without one or where it is damaged, record by record."""

import heapq
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

from facetrack_ros.bounded_file import open_regular
from facetrack_ros.errors import SourceError
from facetrack_ros.sources.bags.bag_file import BagFile
from facetrack_ros.sources.bags.bounded_decompression import TooLargeError, unpacked_lz4, unpacked_zstd
from facetrack_ros.sources.bags.stored_topic import MOST_MESSAGE_BYTES, StoredMessage, StoredTopic

MAGIC = b"\x89MCAP0\r\n"
_HEAD = struct.Struct("<BQ")  # opcode, length of the body
_MESSAGE = struct.Struct("<HIQQ")  # channel, sequence number, log time, publish time
_FOOTER_BYTES = _HEAD.size + 20 + len(MAGIC)
_FOOTER, _SCHEMA, _CHANNEL, _MESSAGE_CODE, _CHUNK, _CHUNK_INDEX, _STATISTICS, _DATA_END = 2, 3, 4, 5, 6, 8, 11, 15
#: Largest record or chunk that is read, and messages of chunks that overlap in time that are kept to be put in order.
_MOST_RECORD_BYTES, _MOST_HELD_BYTES = MOST_MESSAGE_BYTES, MOST_MESSAGE_BYTES
_UNPACKERS: dict[str, Callable[[bytes, int], bytes]] = {
    **{"zstd": unpacked_zstd, "lz4": unpacked_lz4},
    "": lambda data, most_bytes: data,
}


class _CutShort(Exception):
    """A record that is longer than what is left of the data."""


@dataclass
class _Contents:
    """Schemas, channels and the index of a file."""

    schemas: dict[int, Any] = field(default_factory=dict)
    channels: dict[int, Any] = field(default_factory=dict)
    chunks: list[Any] = field(default_factory=list)
    counts: dict[int, int] | None = None

    def add(self, code: int, body: bytes | memoryview) -> None:
        """Take in a record that describes the file; others are ignored."""
        from mcap.records import Channel, ChunkIndex, Schema, Statistics

        if code == _SCHEMA:
            schema = _parsed(Schema, body)
            self.schemas[schema.id] = schema
        elif code == _CHANNEL:
            channel = _parsed(Channel, body)
            self.channels[channel.id] = channel
        elif code == _CHUNK_INDEX:
            self.chunks.append(_parsed(ChunkIndex, body))
        elif code == _STATISTICS:
            self.counts = dict(_parsed(Statistics, body).channel_message_counts)

    def topics(self) -> Iterator[StoredTopic]:
        """The topic of each channel."""
        for number, channel in self.channels.items():
            schema = self.schemas.get(channel.schema_id)
            definition = ""
            if schema is not None and schema.encoding == "ros2msg":
                definition = schema.data.decode(errors="replace")
            count = self.counts.get(number, 0) if self.counts is not None else None
            kind = schema.name if schema is not None else ""
            yield StoredTopic(channel.topic, kind, channel.message_encoding, definition, count)


class McapFile(BagFile):
    """An open MCAP file. Of a damaged or unfinished file, all whole records are read.

    :param plain: where the file is, if it was unpacked.
    :raises SourceError: it is no MCAP file, or holds no topic.
    :raises OSError: it cannot be read.
    """

    def __init__(self, path: Path, plain: Path | None = None) -> None:
        super().__init__(path)
        self._file: BinaryIO = open_regular(plain or path)
        self._remedy = f"`mcap recover {path} -o NEW.mcap` saves what is whole"
        try:
            self._size = self._file.seek(0, 2)
            self._file.seek(0)
            if self._file.read(len(MAGIC)) != MAGIC:
                raise SourceError(f"{path} is no MCAP file: check what it is")
            self._contents = self._summary() or self._scanned()
        except BaseException:
            self._file.close()
            raise
        for topic in self._contents.topics():
            known = self.topics.get(topic.name)
            if known is not None and known.count is not None and topic.count is not None:
                topic = replace(topic, count=known.count + topic.count)
            self.topics[topic.name] = topic

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def messages(self, topic: str) -> Iterator[StoredMessage]:
        """The readable messages of a topic, in the order they were received."""
        found = self._indexed(topic) if self._contents.chunks else self._sequential(topic)
        for log_ns, _, data in found:
            yield StoredMessage(self.topics[topic], log_ns, data)

    def _indexed(self, topic: str) -> Iterator[tuple[int, int, bytes]]:
        """Messages chunk by chunk; those of chunks that overlap in time are merged."""
        wanted = self._wanted(topic)
        waiting: list[tuple[int, int, bytes]] = []
        held = 0
        for index in sorted(self._contents.chunks, key=lambda one: (one.message_start_time, one.chunk_start_offset)):
            if index.message_index_offsets and not any(map(wanted, index.message_index_offsets)):
                continue
            while waiting and (waiting[0][0] < index.message_start_time or held > _MOST_HELD_BYTES):
                held -= _cost(waiting[0][2])
                yield heapq.heappop(waiting)
            place = index.chunk_start_offset
            try:
                code, body = self._record_at(place)
                if code != _CHUNK:
                    raise ValueError
                found = [
                    (_MESSAGE.unpack_from(part)[2], place + offset, bytes(part[_MESSAGE.size :]))
                    for code, offset, part in _records_of(_chunk_data(body))
                    if code == _MESSAGE_CODE and wanted(_channel(part))
                ]
            except Exception:  # the decompressors let errors of their own through
                self._damaged(f"is damaged at byte {place}: {self._remedy}")
                continue
            for message in found:
                held += _cost(message[2])
                heapq.heappush(waiting, message)
        while waiting:
            yield heapq.heappop(waiting)

    def _sequential(self, topic: str) -> Iterator[tuple[int, int, bytes]]:
        """Messages record by record, up to the end of the data or to where the file is cut short."""
        for code, offset, body in self._all_records():
            if code == _MESSAGE_CODE and len(body) >= _MESSAGE.size and self._wanted(topic)(_channel(body)):
                yield _MESSAGE.unpack_from(body)[2], offset, bytes(body[_MESSAGE.size :])
            elif code in (_SCHEMA, _CHANNEL):
                self._contents.add(code, body)

    def _wanted(self, topic: str) -> Callable[[int], bool]:
        numbers = {number for number, channel in self._contents.channels.items() if channel.topic == topic}
        return numbers.__contains__

    def _all_records(self) -> Iterator[tuple[int, int, bytes | memoryview]]:
        """Opcode, offset and body of each record of the data section, those within chunks too."""
        ended = False
        self._file.seek(len(MAGIC))
        try:
            for code, offset, body in _records(self._file, self._size - len(MAGIC)):
                place = offset + len(MAGIC)
                if code == _CHUNK:
                    yield from self._chunk_records(place, body)
                elif code in (_DATA_END, _FOOTER):
                    ended = True
                    break
                else:
                    yield code, place, body
        except _CutShort as error:
            self._damaged(f"is cut short after byte {error.args[0] + len(MAGIC)}: {self._remedy}")
            return
        if not ended:
            self._damaged(f"was not closed: {self._remedy}")
        elif self._contents.counts is None:
            self._damaged(f"is cut short after its last message, in its index: {self._remedy}", complete=True)

    def _chunk_records(self, place: int, body: bytes | memoryview) -> list[tuple[int, int, memoryview]]:
        try:
            return [(code, place + offset, part) for code, offset, part in _records_of(_chunk_data(body))]
        except Exception:  # as above
            self._damaged(f"is damaged at byte {place}: {self._remedy}")
            return []

    def _record_at(self, place: int) -> tuple[int, bytes]:
        self._file.seek(place)
        code, length = _HEAD.unpack(self._file.read(_HEAD.size))
        if place + _HEAD.size + length > self._size:
            raise _CutShort(place)
        if length > _MOST_RECORD_BYTES:
            raise TooLargeError
        return code, self._file.read(length)

    def _summary(self) -> _Contents | None:
        """What the file says of itself at its end; None if there is no whole index."""
        try:
            self._file.seek(-_FOOTER_BYTES, 2)
            footer = self._file.read()
            code, length = _HEAD.unpack_from(footer)
            (start,) = struct.unpack_from("<Q", footer, _HEAD.size)
            if (code, length) != (_FOOTER, 20) or not footer.endswith(MAGIC) or not start:
                return None
            if self._size - start > _MOST_RECORD_BYTES:
                return None
            self._file.seek(start)
            contents = _Contents()
            for code, _, body in _records(BytesIO(self._file.read(self._size - _FOOTER_BYTES - start))):
                contents.add(code, body)
        except Exception:  # anything may be there
            return None
        return contents if contents.channels and contents.counts is not None else None

    def _scanned(self) -> _Contents:
        """Schemas and channels of a file without a summary, from all its records."""
        self._contents = _Contents()
        for code, _, body in self._all_records():
            self._contents.add(code, body)
        self.damages.clear()  # reading the messages finds them again
        if not self._contents.channels:
            raise SourceError(f"{self.path} holds no topic, or it is damaged: {self._remedy}, or record it again")
        return self._contents


def _records(stream: BinaryIO, size: int | None = None) -> Iterator[tuple[int, int, bytes]]:
    """Opcode, offset and body of each record.

    :param size: bytes from the first record on; None: all that a stream in memory holds.
    :raises _CutShort: a record is longer than what is left; its offset.
    """
    if size is None:
        size = len(stream.getvalue())  # type: ignore[attr-defined]  # of BytesIO
    offset = 0
    while offset < size:
        head = stream.read(_HEAD.size)
        if len(head) < _HEAD.size:
            raise _CutShort(offset)
        code, length = _HEAD.unpack(head)
        if not code or offset + _HEAD.size + length > size:  # zeros: its writer lost power, or it is sparse
            raise _CutShort(offset)
        if length > _MOST_RECORD_BYTES:  # an attachment, or nonsense
            stream.seek(length, 1)
        else:
            body = stream.read(length)
            if len(body) < length:
                raise _CutShort(offset)
            yield code, offset, body
        offset += _HEAD.size + length


def _records_of(data: bytes) -> Iterator[tuple[int, int, memoryview]]:
    """The records of a chunk, without copying them, as :func:`_records`."""
    view, offset = memoryview(data), 0
    while offset < len(data):
        code, length = _HEAD.unpack_from(data, offset)
        start, offset = offset, offset + _HEAD.size + length
        if not code or offset > len(data):
            raise _CutShort(start)
        yield code, start, view[start + _HEAD.size : offset]


def _parsed(kind: Any, body: bytes | memoryview) -> Any:
    from mcap.data_stream import ReadDataStream

    return kind.read(ReadDataStream(BytesIO(body)))


def _chunk_data(body: bytes | memoryview) -> bytes:
    """The records of a chunk, decompressed.

    :raises Exception: it is damaged, or compressed in an unknown way.
    """
    from mcap.records import Chunk

    chunk = _parsed(Chunk, body)
    if chunk.uncompressed_size > _MOST_RECORD_BYTES:
        raise TooLargeError
    unpack = _UNPACKERS[chunk.compression]
    data = unpack(chunk.data, chunk.uncompressed_size)
    if len(data) != chunk.uncompressed_size or (chunk.uncompressed_crc and zlib.crc32(data) != chunk.uncompressed_crc):
        raise ValueError("the chunk's checksum or size differs")
    return data


def _cost(data: bytes) -> int:
    """Memory of a message that waits, bytes."""
    return len(data) + 200


def _channel(body: bytes | memoryview) -> int:
    return int.from_bytes(body[:2], "little")
