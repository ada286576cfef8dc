"""A segment being written: an MCAP file that grows by whole messages."""

import os
from array import array
from pathlib import Path

import numpy as np

from facetrack_ros.history.mcap import records as mcap
from facetrack_ros.history.mcap.message_table import SegmentTable
from facetrack_ros.history.messages.channel import Channel


class SegmentWriter:
    """Appends messages to a new file. Every message that :meth:`append` returned from is whole in the file.

    Not thread-safe: one thread writes. ``OSError`` of the disk passes through, the file then ending before the message
    that did not fit.

    :param path: must not exist yet.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._channels: dict[int, Channel] = {}
        self._numbers: dict[Channel, int] = {}
        self._columns = (array("H"), array("q"), array("Q"), array("Q"))
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o644)
        self.bytes = 0
        try:
            self._write([mcap.file_head()])
        except OSError:
            self.abandon()
            path.unlink(missing_ok=True)  # nothing is in it, and without its head it is no segment
            raise

    def append(self, channel: Channel, sequence: int, stamp_ns: int, parts: tuple[bytes, ...]) -> None:
        """Write one message, given in pieces.

        :param stamp_ns: not negative.
        """
        number = self._numbers.get(channel)
        pieces = []
        if number is None:
            number = len(self._numbers) + 1
            pieces.append(mcap.channel_records(number, channel))
        offset = self.bytes + sum(map(len, pieces))
        pieces += mcap.chunk_of(number, sequence, stamp_ns, parts)
        self._write(pieces)
        self._numbers[channel] = number
        self._channels[number] = channel
        for column, value in zip(
            self._columns, (number, stamp_ns, offset, self.bytes - offset - mcap.CHUNK_TAIL_BYTES)
        ):
            column.append(value)

    def __len__(self) -> int:
        return len(self._columns[0])

    def table(self) -> SegmentTable:
        """What is in it so far."""
        channels, stamps, offsets, sizes = (
            np.array(column, kind) for column, kind in zip(self._columns, (np.uint16, np.int64, np.int64, np.int64))
        )
        return SegmentTable(dict(self._channels), channels, stamps, offsets, sizes)

    def duplicate(self) -> int:
        """Another descriptor of the file, to bring it to the disk while this goes on writing. The caller closes it."""
        return os.dup(self._file)

    def seal(self) -> None:
        """Write the summary and close: now every MCAP reader finds each message at once."""
        try:
            table = self.table()
            self._write(
                [
                    mcap.file_tail(
                        self.bytes,
                        self._channels,
                        mcap.chunk_index_rows(table.channels_of, table.stamps, table.offsets, table.sizes),
                    )
                ]
            )
        finally:
            self.abandon()

    def abandon(self) -> None:
        """Close without a summary: the messages stay, and :func:`.reader.seal_unfinished` seals the file when there is room."""
        if self._file >= 0:
            os.close(self._file)
        self._file = -1

    def _write(self, pieces: list[bytes]) -> None:
        wanted = sum(map(len, pieces))
        try:
            done = os.writev(self._file, pieces)
            if done < wanted:
                rest = b"".join(pieces)[done:]
                if os.write(self._file, rest) < len(rest):  # says why it did not fit, where the disk is full
                    raise OSError(28, "No space left on device")
        except OSError:
            os.ftruncate(self._file, self.bytes)
            os.lseek(self._file, self.bytes, os.SEEK_SET)
            raise
        self.bytes += wanted
