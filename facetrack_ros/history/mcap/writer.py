"""Writer of a segment: an MCAP file that grows by whole messages."""

from array import array
from pathlib import Path

from facetrack_ros.core.sealed_files.record_file import StoredFile, create_stored
from facetrack_ros.history.mcap import records as mcap
from facetrack_ros.history.mcap.message_table import MessageTable
from facetrack_ros.history.messages.channel import Channel


class SegmentWriter:
    """Appends messages to a new file. A message is whole in the file when :meth:`append` returns.

    Not thread-safe. An ``OSError`` of the disk passes through; the file then ends before the message that failed.

    :ivar bytes: size of the content; an encrypted file is larger by some bytes a message.
    :param path: must not exist yet.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._channels: dict[int, Channel] = {}
        self._numbers: dict[Channel, int] = {}
        self._columns = (array("H"), array("q"), array("Q"), array("Q"))
        self._file: StoredFile = create_stored(path, exclusive=True)
        self.bytes = 0
        try:
            self._write([mcap.file_head()])
        except OSError:
            self.abandon()
            path.unlink(missing_ok=True)  # a file without its head is no segment
            raise

    def append(self, channel: Channel, sequence: int, stamp_ns: int, parts: tuple[bytes, ...]) -> None:
        """Write one message.

        :param stamp_ns: not negative.
        :param parts: the message in pieces, which are not joined.
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
        size = self.bytes - offset - mcap.CHUNK_TAIL_BYTES
        for column, value in zip(self._columns, (number, stamp_ns, offset, size)):
            column.append(value)

    def __len__(self) -> int:
        return len(self._columns[0])

    def table(self) -> MessageTable:
        """The messages so far."""
        return MessageTable.from_columns(dict(self._channels), self._columns)

    def duplicate(self) -> int:
        """A second descriptor of the file, for a sync beside further writing. The caller closes it."""
        return self._file.duplicate()

    def seal(self) -> None:
        """Write the summary, by which MCAP readers find each message, and close."""
        try:
            tail = mcap.file_tail(self.bytes, self.table())
            self._file.finish([tail])
            self.bytes += len(tail)
        finally:
            self.abandon()

    def abandon(self) -> None:
        """Close without a summary; :func:`.reader.seal_unfinished` can add it later."""
        self._file.close()

    def _write(self, pieces: list[bytes]) -> None:
        self._file.append(pieces)
        self.bytes += sum(map(len, pieces))
