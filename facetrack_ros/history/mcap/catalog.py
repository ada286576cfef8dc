"""The sealed segments of a folder: what is in each, without opening every file."""

from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from facetrack_ros.errors import StoreError
from facetrack_ros.history.mcap.message_table import SegmentTable
from facetrack_ros.history.mcap.pending_warnings import Complaints
from facetrack_ros.history.mcap.reader import read_table, seal_unfinished

_TABLES_KEPT = 64


@dataclass(frozen=True)
class StoredSegment:
    """One sealed segment.

    :param frames: how many it holds, of all cameras.
    :param bytes: of the file.
    :param spans: first and last stamp of each camera's frames.
    :param told: first and last stamp of its other messages, None where there are none. They may be about frames of the segment before.
    """

    path: Path
    frames: int
    bytes: int
    spans: dict[str, tuple[int, int]]
    told: tuple[int, int] | None

    @property
    def first_ns(self) -> int:
        """Stamp of its oldest frame, 0 where it has none."""
        return min((first for first, _ in self.spans.values()), default=0)

    @property
    def last_ns(self) -> int:
        """Stamp of its newest frame, 0 where it has none."""
        return max((last for _, last in self.spans.values()), default=0)


class SegmentCatalog:
    """Knows the sealed segments, in the order they were written, and the tables of those asked about last.

    Not locked: whoever has it locks. A segment that is damaged is left alone and complained about; one that was deleted by
    hand is forgotten.

    :param path: the folder.
    :param mending: whether what a killed process left is sealed.
    :raises OSError: the folder cannot be read.
    """

    def __init__(self, path: Path, complaints: Complaints, mending: bool) -> None:
        self.path = path
        self._complaints, self._mending = complaints, mending
        self._segments: OrderedDict[str, StoredSegment] = OrderedDict()
        self._tables: OrderedDict[str, SegmentTable] = OrderedDict()
        self._sealed_until: dict[str, int] = {}
        self._last_number = 0
        for name in sorted(file.name for file in path.glob("segment-*.mcap")) if path.is_dir() else ():
            self._adopt(path / name)

    def __contains__(self, name: str) -> bool:
        return name in self._segments

    def segments(self) -> list[tuple[str, StoredSegment]]:
        """Names and segments, the first written first."""
        return list(self._segments.items())

    def next_path(self) -> Path:
        """Where the next segment goes."""
        self._last_number += 1
        return self.path / f"segment-{self._last_number:08d}.mcap"

    def know(self, path: Path, table: SegmentTable, size: int) -> None:
        """A segment was sealed."""
        self._keep_table(path.name, table)
        self._note(path, table, size)

    def forget(self, name: str) -> None:
        """A segment is gone."""
        self._segments.pop(name, None)
        self._tables.pop(name, None)

    def lost(self, name: str, sentence: str) -> None:
        """A segment cannot be read; it is forgotten where there is no such file any more."""
        self._complaints.add(sentence)
        if name in self._segments and not self._segments[name].path.exists():
            self.forget(name)

    def notice_deleted(self) -> None:
        """Forget what was deleted by hand."""
        for name, one in self.segments():
            if not one.path.exists():
                self.lost(name, f"{one.path} was deleted; its {one.frames} frames are gone")

    def table(self, name: str) -> SegmentTable | None:
        """What lies where in a segment; None where it cannot be read."""
        table = self._tables.get(name)
        if table is None:
            try:
                table, _ = read_table(self._segments[name].path)
            except StoreError as error:
                self.lost(name, str(error))
                return None
            self._keep_table(name, table)
        self._tables.move_to_end(name)
        return table

    def telling(self, start_ns: int, end_ns: int) -> Iterator[tuple[str, SegmentTable]]:
        """Name and table of each segment that may hold messages other than frames between two stamps."""
        for name, one in self.segments():
            if one.told is not None and one.told[0] <= end_ns and one.told[1] >= start_ns:
                table = self.table(name)
                if table is not None:
                    yield name, table

    def around(self, camera_id: str, start_ns: int, end_ns: int) -> Iterator[tuple[str, SegmentTable]]:
        """Name and table of each segment that may hold frames of a camera between two stamps."""
        for name, one in self.segments():
            span = one.spans.get(camera_id)
            if span is not None and span[0] <= end_ns and span[1] >= start_ns:
                table = self.table(name)
                if table is not None and camera_id in table.cameras:
                    yield name, table

    def has(self, camera_id: str, stamp_ns: int) -> bool:
        """Whether a segment holds a camera's frame of that very stamp."""
        if stamp_ns > self._sealed_until.get(camera_id, -1):  # nearly always
            return False
        for _, table in self.around(camera_id, stamp_ns, stamp_ns):
            stamps = table.stamps[table.cameras[camera_id]]
            at = bisect_left(stamps, stamp_ns)
            if at < len(stamps) and stamps[at] == stamp_ns:
                return True
        return False

    def _adopt(self, path: Path) -> None:
        """Take a file on disk into account."""
        try:
            self._last_number = max(self._last_number, int(path.stem.partition("-")[2]))
        except ValueError:
            return
        try:
            if self._mending:
                try:
                    if seal_unfinished(path) and not path.exists():
                        return
                except StoreError as error:
                    self._complaints.add(str(error))
            table, _ = read_table(path)
            self._note(path, table, path.stat().st_size)
        except (StoreError, OSError) as error:
            self._complaints.add(str(error))

    def _note(self, path: Path, table: SegmentTable, size: int) -> None:
        self._segments[path.name] = StoredSegment(path, table.frames, size, table.spans, table.told)
        for camera, (_, last) in table.spans.items():
            self._sealed_until[camera] = max(self._sealed_until.get(camera, 0), last)

    def _keep_table(self, name: str, table: SegmentTable) -> None:
        self._tables[name] = table
        self._tables.move_to_end(name)
        while len(self._tables) > _TABLES_KEPT:
            self._tables.popitem(last=False)
