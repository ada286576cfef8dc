"""Segments read back: by their summary where they were sealed, record by record where they were not."""

import os
import struct
from pathlib import Path

import numpy as np

from facetrack_ros.errors import StoreError
from facetrack_ros.history.mcap import records as mcap
from facetrack_ros.history.mcap.message_table import SegmentTable
from facetrack_ros.history.messages.channel import Channel


def read_table(path: Path) -> tuple[SegmentTable, int | None]:
    """A segment's table, and where the file's whole messages end if it was not sealed, else None.

    :raises StoreError: it cannot be read, or is not a segment.
    """
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            if file.read(len(mcap.MAGIC)) != mcap.MAGIC:
                raise StoreError(f"{path} is no stored recording of frames; move it away")
            try:
                return _by_summary(file.fileno(), size), None
            except ValueError:  # cut short, or still being written
                return _by_records(file.fileno(), size)
    except OSError as error:
        raise StoreError(f"cannot read {path}: {error.strerror}; check its permissions and the disk") from error


def seal_unfinished(path: Path) -> bool:
    """Seal a segment that was broken off: what is torn at its end is cut off, the summary is written.

    :returns: whether there was something to mend. A segment without a single message is deleted.
    :raises StoreError: it cannot be read or written; it stays as it is.
    """
    table, end = read_table(path)
    if end is None:
        return False
    try:
        if not len(table.stamps):
            path.unlink()
            return True
        tail = mcap.file_tail(
            end, table.channels, mcap.chunk_index_rows(table.channels_of, table.stamps, table.offsets, table.sizes)
        )
        with path.open("r+b") as file:
            file.truncate(end)
            file.seek(end)
            try:
                file.write(tail)
                file.flush()
            except OSError:
                file.truncate(end)  # all or nothing: half a summary would be torn again
                raise
            os.fsync(file.fileno())
    except OSError as error:
        raise StoreError(
            f"cannot mend {path}: {error.strerror}; its frames can still be read, make room or check the permissions"
        ) from error
    return True


def read_message(file: int, table: SegmentTable, row: int) -> tuple[Channel, int, int, memoryview]:
    """Channel, sequence number, stamp and content of a row's message.

    :param file: descriptor of the segment.
    :raises ValueError: it is damaged.
    """
    data = os.pread(file, int(table.sizes[row]), int(table.offsets[row]))
    number, sequence, stamp_ns, content = mcap.read_chunk(data)
    return table.channels[number], sequence, stamp_ns, content


def _by_summary(file: int, size: int) -> SegmentTable:
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
            count = (len(summary) - at) // mcap.CHUNK_INDEX_ROW.itemsize
            rows = np.frombuffer(summary, mcap.CHUNK_INDEX_ROW, count, at)
            mine = (rows["opcode"] == opcode) & (rows["length"] == mcap.CHUNK_INDEX_ROW.itemsize - 9)
            rows = rows[: count if mine.all() else int(np.argmin(mine))]
            if not len(rows) or (rows["channels"] != 10).any() or (rows["compression"] != 0).any():
                raise ValueError("chunks of another make")
            at += rows.nbytes
            continue
        _read_definition(opcode, summary[at + 9 : at + 9 + length], schemas, channels)
        at += 9 + length
    offsets, sizes = rows["offset"].astype(np.int64), rows["size"].astype(np.int64)
    if len(rows) and (
        offsets.min() < 0 or (offsets + sizes).max() > start or not set(rows["channel"].tolist()) <= set(channels)
    ):
        raise ValueError("a damaged summary")
    return SegmentTable(channels, rows["channel"].copy(), rows["start"].astype(np.int64), offsets, sizes)


def _by_records(file: int, size: int) -> tuple[SegmentTable, int]:
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
                # Whole only with its index: the two are written as one.
                if mcap.read_head(os.pread(file, 9, after)) != (mcap.MESSAGE_INDEX, mcap.CHUNK_TAIL_BYTES - 9):
                    break
                if after + mcap.CHUNK_TAIL_BYTES > size:
                    break
                after += mcap.CHUNK_TAIL_BYTES
                try:
                    number, _, stamp_ns, _ = mcap.read_chunk(os.pread(file, 9 + length, at))
                except ValueError:
                    number = -1  # this one is damaged; what follows need not be
                if number in channels:
                    for column, value in zip(columns, (number, stamp_ns, at, 9 + length)):
                        column.append(value)
            elif opcode in (mcap.HEADER, mcap.SCHEMA, mcap.CHANNEL):
                _read_definition(opcode, os.pread(file, length, at + 9), schemas, channels)
            else:
                break  # the data's end, or what is no record
        except (ValueError, struct.error):
            break  # torn here
        end = at = after
    kinds = (np.uint16, np.int64, np.int64, np.int64)
    return SegmentTable(channels, *(np.array(column, kind) for column, kind in zip(columns, kinds))), end


def _read_definition(
    opcode: int, body: bytes, schemas: dict[int, tuple[str, str]], channels: dict[int, Channel]
) -> None:
    if opcode == mcap.SCHEMA:
        (number,) = struct.unpack_from("<H", body)
        name, at = mcap.read_text(body, 2)
        _, at = mcap.read_text(body, at)
        schemas[number] = name, mcap.read_text(body, at)[0]
    elif opcode == mcap.CHANNEL:
        number, schema = struct.unpack_from("<HH", body)
        topic, at = mcap.read_text(body, 4)
        _, at = mcap.read_text(body, at)
        (size,) = struct.unpack_from("<I", body, at)
        metadata, at = {}, at + 4
        end = at + size
        while at < end:
            key, at = mcap.read_text(body, at)
            metadata[key], at = mcap.read_text(body, at)
        if schema not in schemas:
            raise ValueError("a channel without its schema")
        channels[number] = Channel(topic, *schemas[schema], metadata.get("camera_id", ""))
