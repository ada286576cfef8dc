"""Reader of segments: by their summary if they were sealed, record by record if not."""

import struct
from pathlib import Path

import numpy as np

from facetrack_ros.bounded_file import open_regular
from facetrack_ros.core.sealed_files.folder_keys import key_of
from facetrack_ros.core.sealed_files.record_file import DamagedRecord, StoredFile, open_stored
from facetrack_ros.errors import StoreError, store_errors
from facetrack_ros.history.mcap import records as mcap
from facetrack_ros.history.mcap.message_table import MessageTable
from facetrack_ros.history.messages.channel import Channel


def read_table(path: Path) -> tuple[MessageTable, int | None]:
    """A segment's table; for an unfinished segment also the offset where its whole messages end, else None.

    :raises StoreError: the file cannot be read, or is not a segment.
    """
    with store_errors(f"cannot read {path}", "check its permissions and the disk"):
        if key_of(path) is None or not path.is_file():
            open_regular(path).close()  # raises what else it is
        try:
            with open_stored(path) as file:
                if file.pread(len(mcap.MAGIC), 0) != mcap.MAGIC:
                    raise DamagedRecord
                try:
                    return _read_summary(file, file.size), None
                except ValueError:  # cut short, or still being written
                    return _scan_records(file, file.size)
        except DamagedRecord as error:
            raise StoreError(f"{path} is no stored recording of frames; move it away") from error


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
        try:
            with open_stored(path, write=True) as file:
                file.truncate(end)
                file.finish([mcap.file_tail(end, table)])  # all or nothing: half a summary would have to be cut off
                file.sync()
        except ValueError as error:
            raise StoreError(f"{path} is damaged, and stays as it is") from error


def torn_bytes(path: Path, end: int) -> int:
    """Bytes of an unfinished segment behind its last whole message.

    :param end: as :func:`read_table` returns it.
    :raises OSError: the file cannot be read.
    :raises ValueError: it is no segment.
    """
    with open_stored(path) as file:
        return file.unused_after(end)


def read_message(file: StoredFile, table: MessageTable, row: int) -> tuple[Channel, int, int, memoryview]:
    """Channel, sequence number, stamp and content of a row's message.

    :param file: the segment, open.
    :raises ValueError: it is damaged.
    """
    data = file.pread(int(table.sizes[row]), int(table.offsets[row]))
    number, sequence, stamp_ns, content = mcap.read_chunk(data)
    return table.channels[number], sequence, stamp_ns, content


def _read_summary(file: StoredFile, size: int) -> MessageTable:
    footer = file.pread(mcap.FOOTER_BYTES, max(size - mcap.FOOTER_BYTES, 0))
    if not footer.endswith(mcap.MAGIC) or mcap.read_head(footer) != (mcap.FOOTER, 20):
        raise ValueError("no footer")
    (start,) = struct.unpack_from("<Q", footer, 9)
    if not 0 < start <= size - mcap.FOOTER_BYTES:
        raise ValueError("no summary")
    summary = file.pread(size - mcap.FOOTER_BYTES - start, start)
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


def _scan_records(file: StoredFile, size: int) -> tuple[MessageTable, int]:
    channels: dict[int, Channel] = {}
    schemas: dict[int, tuple[str, str]] = {}
    columns: tuple[list[int], ...] = ([], [], [], [])
    at = len(mcap.MAGIC)
    while True:
        try:
            after = _scan_record(file, size, at, schemas, channels, columns)
        except DamagedRecord as error:
            after = error.end  # what comes after an encrypted part that was changed can still be read
        except (ValueError, struct.error):
            break  # torn here
        if after is None or after <= at:
            break
        at = after
    return MessageTable.from_columns(channels, columns), at


def _scan_record(
    file: StoredFile,
    size: int,
    at: int,
    schemas: dict[int, tuple[str, str]],
    channels: dict[int, Channel],
    columns: tuple[list[int], ...],
) -> int | None:
    """Take in the record at an offset; where it ends, None: it is not whole, or the last."""
    opcode, length = mcap.read_head(file.pread(9, at))
    after = at + 9 + length
    if after > size:
        return None
    if opcode == mcap.CHUNK:
        # A chunk is whole only with its index: both are written by one call.
        index_head = mcap.read_head(file.pread(9, after))
        after += mcap.CHUNK_TAIL_BYTES
        if index_head != (mcap.MESSAGE_INDEX, mcap.CHUNK_TAIL_BYTES - 9) or after > size:
            return None
        try:
            number, _, stamp_ns, _ = mcap.read_chunk(file.pread(9 + length, at))
        except ValueError:
            number = -1  # this message is damaged; the following ones need not be
        if number in channels:
            for column, value in zip(columns, (number, stamp_ns, at, 9 + length)):
                column.append(value)
    elif opcode in (mcap.HEADER, mcap.SCHEMA, mcap.CHANNEL):
        _read_definition(opcode, file.pread(length, at + 9), schemas, channels)
    else:
        return None  # the end of the data, or bytes that are no record
    return after


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
