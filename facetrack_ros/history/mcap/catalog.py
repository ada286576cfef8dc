"""The sealed segments of a folder, and what each holds."""

import logging
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from facetrack_ros.errors import StoreError
from facetrack_ros.history.disk_room import was_deleted
from facetrack_ros.history.mcap.message_table import MessageTable
from facetrack_ros.history.mcap.reader import read_table, seal_unfinished, torn_bytes

#: Number of tables kept in memory, chosen by hand.
_MAX_TABLES = 64
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class StoredSegment:
    """One sealed segment.

    :param frames: number of frames of all cameras.
    :param bytes: size of the file.
    :param frame_spans: first and last stamp of each camera's frames.
    :param other_span: first and last stamp of its other messages, which may concern frames of the segment before; None
        if there are none.
    """

    path: Path
    frames: int
    bytes: int
    frame_spans: dict[str, tuple[int, int]]
    other_span: tuple[int, int] | None

    @property
    def first_ns(self) -> int:
        """Stamp of the oldest frame, 0 without frames."""
        return min((first for first, _ in self.frame_spans.values()), default=0)

    @property
    def last_ns(self) -> int:
        """Stamp of the newest frame, 0 without frames."""
        return max((last for _, last in self.frame_spans.values()), default=0)


class SegmentCatalog:
    """The sealed segments in the order they were written, and the tables of those used last.

    Not thread-safe: the owner locks. Damaged segments are left alone, segments deleted by hand are dropped; either is
    logged.

    :param path: the folder.
    :param seal: whether to seal segments that a killed process left unfinished.
    :raises OSError: the folder cannot be read.
    """

    def __init__(self, path: Path, seal: bool) -> None:
        self.path = path
        self._segments: OrderedDict[str, StoredSegment] = OrderedDict()
        self._tables: OrderedDict[str, MessageTable] = OrderedDict()
        self._damaged: set[str] = set()
        self._sealed_until: dict[str, int] = {}
        self._last_number = 0
        files = sorted(path.glob("segment-*.mcap")) if path.is_dir() else []
        for file in files:
            self._load(file, seal, last=file == files[-1])

    def __contains__(self, name: str) -> bool:
        return name in self._segments

    def segments(self) -> list[tuple[str, StoredSegment]]:
        """Names and segments in the order they were written."""
        return list(self._segments.items())

    def next_path(self) -> Path:
        """Path of the next segment: the number after that of the last one, which a segment that failed does not use."""
        number = self._last_number + 1
        while (path := self.path / f"segment-{number:08d}.mcap").exists():
            number += 1
        return path

    def add(self, path: Path, table: MessageTable, size: int) -> None:
        """Add a segment that was sealed.

        :param size: of the file, bytes.
        """
        self._last_number = _number(path)
        self._keep_table(path.name, table)
        self._add(path, table, size)

    def replace(self, name: str, table: MessageTable, size: int) -> None:
        """Note that a segment's file was written anew.

        :param size: of the file, bytes.
        """
        self._add(self._segments[name].path, table, size)
        self._keep_table(name, table)

    def remove(self, name: str) -> None:
        """Drop a segment whose file was deleted."""
        self._segments.pop(name, None)
        self._tables.pop(name, None)

    def remove_deleted(self) -> None:
        """Drop the segments whose files were deleted by hand."""
        for name, segment in self.segments():
            if was_deleted(segment.path):
                logger.warning("%s was deleted; its %d frames are gone", segment.path, segment.frames)
                self.remove(name)

    def report_damage(self, name: str, sentence: str) -> None:
        """Log that a segment is damaged or unreadable, once a segment; drop it if its file is gone."""
        if name not in self._damaged:
            self._damaged.add(name)
            logger.warning(sentence)
        if name in self._segments and was_deleted(self._segments[name].path):
            self.remove(name)

    def table(self, name: str) -> MessageTable | None:
        """A segment's table; None if it cannot be read."""
        table = self._tables.get(name)
        if table is None:
            try:
                table, _ = read_table(self._segments[name].path)
            except StoreError as error:
                self.report_damage(name, str(error))
                return None
        self._keep_table(name, table)
        return table

    def with_messages(self, start_ns: int, end_ns: int) -> Iterator[tuple[str, MessageTable]]:
        """Name and table of each segment that may hold messages other than frames between two stamps."""
        spans = {name: segment.other_span for name, segment in self._segments.items()}
        yield from self._overlapping(spans, start_ns, end_ns)

    def with_frames(self, camera_id: str, start_ns: int, end_ns: int) -> Iterator[tuple[str, MessageTable]]:
        """Name and table of each segment that may hold frames of a camera between two stamps."""
        spans = {name: segment.frame_spans.get(camera_id) for name, segment in self._segments.items()}
        found = self._overlapping(spans, start_ns, end_ns)
        yield from ((name, table) for name, table in found if camera_id in table.frame_rows)

    def has_frame(self, camera_id: str, stamp_ns: int) -> bool:
        """Whether a segment holds a camera's frame of exactly that stamp."""
        if stamp_ns > self._sealed_until.get(camera_id, -1):  # nearly always
            return False
        for _, table in self.with_frames(camera_id, stamp_ns, stamp_ns):
            stamps = table.stamps[table.frame_rows[camera_id]]
            at = bisect_left(stamps, stamp_ns)
            if at < len(stamps) and stamps[at] == stamp_ns:
                return True
        return False

    def _overlapping(
        self, spans: dict[str, tuple[int, int] | None], start_ns: int, end_ns: int
    ) -> Iterator[tuple[str, MessageTable]]:
        for name, span in spans.items():
            if span is not None and span[0] <= end_ns and span[1] >= start_ns:
                table = self.table(name)
                if table is not None:
                    yield name, table

    def _load(self, path: Path, seal: bool, last: bool) -> None:
        try:
            self._last_number = max(self._last_number, _number(path))
        except ValueError:
            return
        try:
            table, end = read_table(path)
            if seal and end is not None:
                _tell_unsealed(path, table, torn_bytes(path, end), last)
                try:
                    seal_unfinished(path, table, end)
                except StoreError as error:
                    logger.warning(str(error))
                else:
                    if not len(table):
                        return
            self._add(path, table, path.stat().st_size)
        except (StoreError, OSError) as error:
            self.report_damage(path.name, str(error))

    def _add(self, path: Path, table: MessageTable, size: int) -> None:
        self._segments[path.name] = StoredSegment(path, table.frames, size, table.frame_spans, table.other_span)
        for camera, (_, last) in table.frame_spans.items():
            self._sealed_until[camera] = max(self._sealed_until.get(camera, 0), last)

    def _keep_table(self, name: str, table: MessageTable) -> None:
        self._tables[name] = table
        self._tables.move_to_end(name)
        while len(self._tables) > _MAX_TABLES:
            self._tables.popitem(last=False)


def _number(path: Path) -> int:
    return int(path.stem.partition("-")[2])


def _tell_unsealed(path: Path, table: MessageTable, torn_bytes: int, last: bool) -> None:
    """Log what is left of a segment without its end: of the last one when a process was killed, else it was cut."""
    kept = f"{path} has no end: its {table.frames} whole frames are kept"
    if torn_bytes or not last:
        lost = f"{torn_bytes} bytes after them are no whole message" if torn_bytes else "frames after them may be lost"
        logger.warning("%s, %s", kept, lost)
    else:
        logger.info("%s", kept)
