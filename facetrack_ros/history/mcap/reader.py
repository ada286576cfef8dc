"""Reader of segments: by their summary if they were sealed, record by record if not."""

import os
import struct
from pathlib import Path

import numpy as np

from facetrack_ros.bounded_file import open_regular
from facetrack_ros.errors import StoreError, store_errors
from facetrack_ros.history.mcap import records as mcap
from facetrack_ros.history.mcap.message_table import MessageTable
from facetrack_ros.history.messages.channel import Channel


def read_table(path: Path) -> tuple[MessageTable, int | None]:
    """A segment's table; for an unfinished segment also the offset where its whole messages end, else None.

    :raises StoreError: the file cannot be read, or is not a segment.
    """
    with store_errors(f"cannot read {path}", "check its permissions and the disk"), open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        if file.read(len(mcap.MAGIC)) != mcap.MAGIC:
            raise StoreError(f"{path} is no stored recording of frames; move it away")
        try:
            return _read_summary(file.fileno(), size), None
        except ValueError:  # cut short, or still being written
            return _scan_records(file.fileno(), size)


def seal_unfinished(path: Path, table: MessageTable, end: int) -> None:
    """Cut off what follows a segment's last whole message and write its summary; delete a segment without messages.

    :param table: of the segment, with ``end`` as :func:`read_table` returns them.
    :raises StoreError: the file cannot be written; it stays as it is.
    """
    advice = "its frames can still be read, make room or check the permissions"
    with store_errors(f"cannot seal {path}", advice):
        if not len(table):
            path.unlink()
            return
        with path.open("r+b") as file:
            file.truncate(end)
            file.seek(end)
            try:
                file.write(mcap.file_tail(end, table))
                file.flush()
            except OSError:
                file.truncate(end)  # all or nothing: half a summary would have to be cut off again
                raise
            os.fsync(file.fileno())


def read_message(file: int, table: MessageTable, row: int) -> tuple[Channel, int, int, memoryview]:
    """Channel, sequence number, stamp and content of a row's message.

    :param file: descriptor of the segment.
    :raises ValueError: it is damaged.
    """
    data = os.pread(file, int(table.sizes[row]), int(table.offsets[row]))
    number, sequence, stamp_ns, content = mcap.read_chunk(data)
    return table.channels[number], sequence, stamp_ns, content


def _read_summary(file: int, size: int) -> MessageTable:
    footer = os.pread(file, mcap.FOOTER_BYTES, max(size - mcap.FOOTER_BYTES, 0))
    if not footer.endswith(mcap.MAGIC) or mcap.read_head(footer) != (mcap.FOOTER, 20):
        raise ValueError("no footer")
    (start,) = struct.unpack_from("<Q", footer, 9)
    if not 0 < start <= size - mcap.FOOTER_BYTES:
        raise ValueError("no summary")
    summary = os.pread(file, size - mcap.FOOTER_BYTES - start, start)
    channels: dict[int, Channel] = {}
    schemas: dict[int, tuple[str, str]] = {}
    rows = np.zeros(0, mcap.CHUNK_INDEX_ROW)
    at = 0
    while at < len(summary):
        opcode, length = mcap.read_head(summary[at : at + 9])
        if opcode == mcap.CHUNK_INDEX:
            rows = _read_chunk_indexes(summary, at)
            at += rows.nbytes
        else:
            _read_definition(opcode, summary[at + 9 : at + 9 + length], schemas, channels)
            at += 9 + length
    offsets, sizes = rows["offset"].astype(np.int64), rows["size"].astype(np.int64)
    if len(rows) and (
        offsets.min() < 0 or (offsets + sizes).max() > start or not set(rows["channel"].tolist()) <= set(channels)
    ):
        raise ValueError("a damaged summary")
    return MessageTable(channels, rows["channel"].copy(), rows["start"].astype(np.int64), offsets, sizes)


def _read_chunk_indexes(summary: bytes, at: int) -> np.ndarray:
    """The run of chunk index records that starts at an offset."""
    count = (len(summary) - at) // mcap.CHUNK_INDEX_ROW.itemsize
    rows = np.frombuffer(summary, mcap.CHUNK_INDEX_ROW, count, at)
    valid = (rows["opcode"] == mcap.CHUNK_INDEX) & (rows["length"] == mcap.CHUNK_INDEX_ROW.itemsize - 9)
    rows = rows[: count if valid.all() else int(np.argmin(valid))]
    if not len(rows) or (rows["channels"] != 10).any() or (rows["compression"] != 0).any():
        raise ValueError("chunks of another writer")
    return rows


def _scan_records(file: int, size: int) -> tuple[MessageTable, int]:
    channels: dict[int, Channel] = {}
    schemas: dict[int, tuple[str, str]] = {}
    columns: tuple[list[int], ...] = ([], [], [], [])
    end = at = len(mcap.MAGIC)
    while True:
        try:
            opcode, length = mcap.read_head(os.pread(file, 9, at))
            after = at + 9 + length
            if after > size:
                break
            if opcode == mcap.CHUNK:
                # A chunk is whole only with its index: both are written by one call.
                index_head = mcap.read_head(os.pread(file, 9, after))
                after += mcap.CHUNK_TAIL_BYTES
                if index_head != (mcap.MESSAGE_INDEX, mcap.CHUNK_TAIL_BYTES - 9) or after > size:
                    break
                try:
                    number, _, stamp_ns, _ = mcap.read_chunk(os.pread(file, 9 + length, at))
                except ValueError:
                    number = -1  # this message is damaged; the following ones need not be
                if number in channels:
                    for column, value in zip(columns, (number, stamp_ns, at, 9 + length)):
                        column.append(value)
            elif opcode in (mcap.HEADER, mcap.SCHEMA, mcap.CHANNEL):
                _read_definition(opcode, os.pread(file, length, at + 9), schemas, channels)
            else:
                break  # the end of the data, or bytes that are no record
        except (ValueError, struct.error):
            break  # torn here
        end = at = after
    return MessageTable.from_columns(channels, columns), end


def _read_definition(
    opcode: int, body: bytes, schemas: dict[int, tuple[str, str]], channels: dict[int, Channel]
) -> None:
    if opcode == mcap.SCHEMA:
        (number,) = struct.unpack_from("<H", body)
        name, at = mcap.read_string(body, 2)
        _, at = mcap.read_string(body, at)
        schemas[number] = name, mcap.read_string(body, at)[0]
    elif opcode == mcap.CHANNEL:
        number, schema = struct.unpack_from("<HH", body)
        topic, at = mcap.read_string(body, 4)
        _, at = mcap.read_string(body, at)
        (size,) = struct.unpack_from("<I", body, at)
        metadata, at = {}, at + 4
        end = at + size
        while at < end:
            key, at = mcap.read_string(body, at)
            metadata[key], at = mcap.read_string(body, at)
        if schema not in schemas:
            raise ValueError("a channel without its schema")
        channels[number] = Channel(topic, *schemas[schema], metadata.get("camera_id", ""))
