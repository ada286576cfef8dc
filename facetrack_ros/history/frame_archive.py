"""Frames on disk: a folder of segments, found by stamp, pruned by whole segment."""

import errno
import os
import threading
from bisect import bisect_left
from collections import OrderedDict
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Iterator

import numpy as np

from facetrack_ros.errors import StoreError
from facetrack_ros.history import image_message
from facetrack_ros.history.retention import Limits, Stored, judge
from facetrack_ros.history.segment_format import Channel
from facetrack_ros.history.segment_reader import mend, read_message, read_table
from facetrack_ros.history.segment_table import SegmentTable
from facetrack_ros.history.segment_writer import SegmentWriter
from facetrack_ros.vision.frame import Frame

SEGMENT_SPAN_NS = 10_000_000_000
SEGMENT_BYTES = 64_000_000
_TABLES_KEPT = 64
_PNG = b"\x89PNG"
_COMPLAINTS_KEPT = 100


@dataclass(frozen=True)
class ArchiveStats:
    """What is on disk. ``oldest_ns`` and ``newest_ns`` are None while there is nothing."""

    frames: int
    bytes: int
    segments: int
    oldest_ns: "int | None"
    newest_ns: "int | None"


@dataclass
class _Segment:
    path: Path
    frames: int
    bytes: int
    spans: "dict[str, tuple[int, int]]"

    @property
    def first_ns(self) -> int:
        return min((first for first, _ in self.spans.values()), default=0)

    @property
    def last_ns(self) -> int:
        return max((last for _, last in self.spans.values()), default=0)


class FrameArchive:
    """The frames of one robot on disk, as MCAP files that ``ros2 bag play`` and Foxglove open as they are.

    The files are the truth: opening reads their summaries, what a killed process left is sealed. A segment that is
    damaged is left alone and told by :meth:`take_complaints`; one that was deleted by hand is forgotten. Safe to use from
    several threads, of which one appends.

    :param directory: made when it is not there; one writing process at a time.
    :param robot_id: part of the topics.
    :param limits: what may be kept.
    :param readonly: only read, beside a process that writes perhaps; nothing is mended.
    :raises StoreError: it cannot be made or read.
    """

    def __init__(self, directory: "Path | str", robot_id: str, limits: Limits = Limits(), readonly: bool = False) -> None:
        self.path = Path(directory)
        self.robot_id = robot_id
        self._complaints: "dict[str, None]" = {}
        self._readonly = readonly
        self._lock = threading.RLock()
        self.change_limits(limits)
        self._segments: "OrderedDict[str, _Segment]" = OrderedDict()
        self._tables: "OrderedDict[str, SegmentTable]" = OrderedDict()
        self._writer: "SegmentWriter | None" = None
        self._open_stamps: "dict[str, set[int]]" = {}
        self._open_span = (0, 0)
        self._unsynced: "list[int]" = []
        self._newest_ns = 0
        self._sealed_until: "dict[str, int]" = {}
        self._last_number = 0
        try:
            if not readonly:
                self.path.mkdir(parents=True, exist_ok=True)
            names = sorted(file.name for file in self.path.glob("segment-*.mcap")) if self.path.is_dir() else []
        except OSError as error:
            raise StoreError(f"cannot keep frames in {self.path}: {error.strerror}; choose a folder that can be "
                             "written (frame_history.disk_cache_dir)") from error
        for name in names:
            self._adopt(self.path / name)
        self._newest_ns = max((one.last_ns for one in self._segments.values()), default=0)

    def change_limits(self, limits: Limits) -> None:
        """Keep no more than this from now on; what is too much goes with the next pruning."""
        with self._lock:
            self.limits = limits
            # The open segment counts too and cannot be pruned: it stays small against the limits.
            self._segment_frames = max(limits.frames // 10, 1) if limits.frames else 1 << 30
            self._segment_bytes = min(SEGMENT_BYTES, max(limits.bytes // 10, 1)) if limits.bytes else SEGMENT_BYTES

    @classmethod
    def open_readonly(cls, directory: "Path | str", robot_id: str) -> "FrameArchive":
        """What is stored at this moment, of a robot that is switched off or running."""
        return cls(directory, robot_id, readonly=True)

    def append(self, frame: Frame) -> bool:
        """Store a frame as it came. One of a stamp that is stored already is the same picture sent twice.

        :returns: whether it was new.
        :raises StoreError: its stamp is none a message can hold, or the disk does not take it.
        """
        if not 0 <= frame.stamp_ns <= image_message.LAST_STAMP_NS:
            raise StoreError(f"frame {frame.number} of {frame.camera_id} is stamped {frame.stamp_ns / 1e9:.3f} s, which no "
                             "message can hold; check the camera's clock")
        with self._lock:
            if self._has(frame.camera_id, frame.stamp_ns):
                return False
            format = "png" if frame.jpeg.startswith(_PNG) else "jpeg"
            head = image_message.image_head(frame.stamp_ns, frame.frame_id or frame.camera_id, format, len(frame.jpeg))
            channel = Channel(f"/{self.robot_id}/{frame.camera_id}/image/compressed", image_message.TYPE,
                              image_message.DEFINITION, frame.camera_id)
            self._append(channel, frame.number, frame.stamp_ns, (head, frame.jpeg))
            self._open_stamps.setdefault(frame.camera_id, set()).add(frame.stamp_ns)
            first, last = self._open_span
            self._open_span = (min(first, frame.stamp_ns), max(last, frame.stamp_ns))
            self._newest_ns = frame.stamp_ns  # the newest to come: a clock that was wrong is not believed for ever
            return True

    def append_message(self, channel: Channel, sequence: int, stamp_ns: int, message: bytes) -> None:
        """Store something else beside the frames: tracks, events.

        :param message: in CDR.
        :raises StoreError: the disk does not take it.
        """
        with self._lock:
            self._append(channel, sequence, stamp_ns, (message,))

    def near(self, camera_id: str, stamp_ns: int, tolerance_ns: int) -> "Frame | None":
        """The frame closest to a stamp, the earlier of two equally close ones.

        :param tolerance_ns: farthest it may be; 0 asks for that very stamp.
        """
        with self._lock:
            found = []
            for name, table in self._around(camera_id, stamp_ns - tolerance_ns, stamp_ns + tolerance_ns):
                rows = table.cameras[camera_id]
                stamps = table.stamps[rows]
                at = bisect_left(stamps, stamp_ns)
                found += [(abs(int(stamps[i]) - stamp_ns), int(stamps[i]), name, rows[i])
                          for i in (at - 1, at) if 0 <= i < len(rows)]
            for away, _, name, row in sorted(found, key=lambda one: one[:2]):
                if away > tolerance_ns:
                    return None
                frame = next(self._frames(name, [row]), None)
                if frame is not None:
                    return frame
        return None

    def between(self, camera_id: str, start_ns: int, end_ns: int) -> "Iterator[Frame]":
        """Frames with ``start_ns <= stamp <= end_ns`` in order of their stamps, read one by one.

        A damaged frame is left out and told by :meth:`take_complaints`.
        """
        with self._lock:
            places = [(int(table.stamps[row]), name, row)
                      for name, table in self._around(camera_id, start_ns, end_ns)
                      for row in table.rows_between(image_message.TYPE, camera_id, start_ns, end_ns)]
        places.sort(key=lambda place: place[0])
        for name, group in groupby(places, key=lambda place: place[1]):
            yield from self._frames(name, [row for _, _, row in group])

    def messages(self, type: str, camera_id: str, start_ns: int, end_ns: int) -> "Iterator[tuple[Channel, int, bytes]]":
        """Channel, stamp and CDR of a camera's messages of another type, in order of stamps within each segment."""
        with self._lock:
            # Messages may lie a segment later than the frames they are about.
            places = [(name, table.rows_between(type, camera_id, start_ns, end_ns)) for name, table in self._all_tables()
                      if type in {channel.type for channel in table.channels.values()}]
        for name, rows in places:
            for channel, _, stamp, content in self._read(name, rows):
                yield channel, stamp, bytes(content)

    def stamps(self, camera_id: str, start_ns: int, end_ns: int) -> "list[int]":
        """Stamps of a camera's frames, both ends included, in order; reads no frame."""
        with self._lock:
            return sorted(int(table.stamps[row]) for _, table in self._around(camera_id, start_ns, end_ns)
                          for row in table.rows_between(image_message.TYPE, camera_id, start_ns, end_ns))

    def cameras(self) -> "tuple[str, ...]":
        """Every camera that has a frame here, sorted."""
        with self._lock:
            self._notice_deleted()
            return tuple(sorted({camera for one in self._segments.values() for camera in one.spans} | set(self._open_stamps)))

    def stats(self) -> ArchiveStats:
        """How much is kept, and from when to when."""
        with self._lock:
            kept = list(self._segments.values())
            frames, size, spans = sum(one.frames for one in kept), sum(one.bytes for one in kept), [
                (one.first_ns, one.last_ns) for one in kept if one.frames]
            if self._writer is not None:
                frames += sum(map(len, self._open_stamps.values()))
                size += self._writer.bytes
                spans += [self._open_span] if self._open_stamps else []
            return ArchiveStats(frames, size, len(kept) + (self._writer is not None),
                                min((first for first, _ in spans), default=None),
                                max((last for _, last in spans), default=None))

    def sync(self) -> None:
        """Have the disk hold what was stored, also if the power fails. Frames are stored on meanwhile.

        :raises StoreError: it does not.
        """
        with self._lock:
            files, self._unsynced = self._unsynced, []
            if self._writer is not None:
                files.append(self._writer.duplicate())
        with self._disk():
            try:
                for file in files:
                    os.fdatasync(file)
            finally:
                for file in files:
                    os.close(file)

    def prune(self, brake: bool = True) -> int:
        """Delete what the limits no longer allow. Returns how many segments went.

        :param brake: stop where more than half would go at once.
        :raises StoreError: that was stopped, or the disk does not let go.
        """
        with self._lock:
            with self._disk():
                free_bytes = self._free_bytes()
            stored = [Stored(name, one.frames, one.bytes, one.last_ns) for name, one in self._segments.items()]
            limits = replace(self.limits, frames=max(self.limits.frames - self._segment_frames, 1) if self.limits.frames else 0,
                             bytes=max(self.limits.bytes - self._segment_bytes, 1) if self.limits.bytes else 0)
            verdict = judge(stored, limits, self._newest_ns, free_bytes, brake)
            for name in verdict.victims:
                with self._disk():
                    self._segments[name].path.unlink(missing_ok=True)
                self._forget(name)
            if verdict.refused:
                raise StoreError(f"{self.path}: {verdict.refused}")
            return len(verdict.victims)

    def take_complaints(self) -> "list[str]":
        """What went wrong since this was last asked, a sentence each: damaged, deleted, not to be pruned."""
        with self._lock:
            complaints, self._complaints = list(self._complaints), {}
            return complaints

    def close(self) -> None:
        """Seal the open segment; where the disk does not take its summary, that is done at the next start."""
        with self._lock:
            self._seal()
        try:
            self.sync()
        except StoreError as error:
            self._complain(str(error))

    def _append(self, channel: Channel, sequence: int, stamp_ns: int, parts: "tuple[bytes, ...]") -> None:
        # A file that was deleted below us takes bytes that nobody will ever find.
        writer = self._writer
        if writer is not None and (self._full(stamp_ns) or not writer.path.exists()):
            if writer.path.exists():
                self._seal()
            else:
                self._drop_writer()
        with self._disk():
            if self._writer is None:
                self.path.mkdir(parents=True, exist_ok=True)
                self._make_room()
                self._last_number += 1
                self._writer = SegmentWriter(self.path / f"segment-{self._last_number:08d}.mcap")
                self._open_span = (stamp_ns, stamp_ns)
            self._writer.append(channel, sequence, stamp_ns, parts)

    def _full(self, stamp_ns: int) -> bool:
        first, last = self._open_span
        # Whichever way the clock jumps, a segment spans little time: so a stamp leads to few of them.
        return (self._writer.bytes >= self._segment_bytes or max(last, stamp_ns) - min(first, stamp_ns) >= SEGMENT_SPAN_NS
                or sum(map(len, self._open_stamps.values())) >= self._segment_frames)

    def _make_room(self) -> None:
        """Before a segment is begun: leave the room that others need on this disk."""
        if not self.limits.free_bytes or self._free_bytes() >= self.limits.free_bytes:
            return
        self.prune()
        if self._free_bytes() < self.limits.free_bytes:
            raise OSError(errno.ENOSPC, f"less than {self.limits.free_bytes / 1e6:.0f} MB are free")

    def _free_bytes(self) -> int:
        room = os.statvfs(self.path)
        return room.f_bavail * room.f_frsize

    def _seal(self) -> None:
        if self._writer is None:
            return
        writer, table = self._writer, self._writer.table()
        self._writer, self._open_stamps = None, {}
        if not len(writer):
            writer.abandon()
            writer.path.unlink(missing_ok=True)
            return
        self._keep_table(writer.path.name, table)
        self._unsynced.append(writer.duplicate())
        try:
            with self._disk():
                writer.seal()
        except StoreError as error:  # the frames are there all the same
            self._complain(str(error))
        self._know(writer.path, table, writer.bytes)
        try:
            self.prune()
        except StoreError as error:
            self._complain(str(error))

    def _know(self, path: Path, table: SegmentTable, size: int) -> None:
        self._segments[path.name] = _Segment(path, table.frames, size, table.spans)
        for camera, (_, last) in table.spans.items():
            self._sealed_until[camera] = max(self._sealed_until.get(camera, 0), last)

    def _complain(self, sentence: str) -> None:
        if len(self._complaints) < _COMPLAINTS_KEPT:
            self._complaints[sentence] = None

    def _drop_writer(self) -> None:
        self._complain(f"{self._writer.path} was deleted while frames were written to it; "
                               f"{sum(map(len, self._open_stamps.values()))} frames are lost")
        self._writer.abandon()
        self._writer, self._open_stamps = None, {}

    def _adopt(self, path: Path) -> None:
        """Take a file on disk into account."""
        try:
            self._last_number = max(self._last_number, int(path.stem.partition("-")[2]))
        except ValueError:
            return
        try:
            if not self._readonly:
                try:
                    if mend(path) and not path.exists():
                        return
                except StoreError as error:
                    self._complain(str(error))
            table, _ = read_table(path)
            self._know(path, table, path.stat().st_size)
        except (StoreError, OSError) as error:
            self._complain(str(error))

    def _has(self, camera_id: str, stamp_ns: int) -> bool:
        if stamp_ns in self._open_stamps.get(camera_id, ()):
            return True
        if stamp_ns > self._sealed_until.get(camera_id, -1):  # nearly always
            return False
        for _, table in self._around(camera_id, stamp_ns, stamp_ns, sealed_only=True):
            stamps = table.stamps[table.cameras[camera_id]]
            at = bisect_left(stamps, stamp_ns)
            if at < len(stamps) and stamps[at] == stamp_ns:
                return True
        return False

    def _around(self, camera_id: str, start_ns: int, end_ns: int,
                sealed_only: bool = False) -> "Iterator[tuple[str, SegmentTable]]":
        """Name and table of each segment that may hold frames of a camera between two stamps."""
        for name, one in list(self._segments.items()):
            span = one.spans.get(camera_id)
            if span is not None and span[0] <= end_ns and span[1] >= start_ns:
                table = self._table(name)
                if table is not None and camera_id in table.cameras:
                    yield name, table
        if self._writer is not None and not sealed_only and camera_id in self._open_stamps:
            yield self._writer.path.name, self._writer.table()

    def _all_tables(self) -> "Iterator[tuple[str, SegmentTable]]":
        for name in list(self._segments):
            table = self._table(name)
            if table is not None:
                yield name, table
        if self._writer is not None:
            yield self._writer.path.name, self._writer.table()

    def _table(self, name: str) -> "SegmentTable | None":
        table = self._tables.get(name)
        if table is None:
            try:
                table, _ = read_table(self._segments[name].path)
            except StoreError as error:
                self._lost(name, str(error))
                return None
            self._keep_table(name, table)
        self._tables.move_to_end(name)
        return table

    def _keep_table(self, name: str, table: SegmentTable) -> None:
        self._tables[name] = table
        while len(self._tables) > _TABLES_KEPT:
            self._tables.popitem(last=False)

    def _frames(self, name: str, rows: "list[int] | np.ndarray") -> "Iterator[Frame]":
        for channel, sequence, stamp, content in self._read(name, rows):
            try:
                _, frame_id, _, picture = image_message.read_image(content)
            except ValueError as error:
                self._complain(f"a frame of {channel.camera_id} in {self.path / name} is damaged ({error}) and left out")
                continue
            yield Frame(channel.camera_id, stamp, sequence, picture, "" if frame_id == channel.camera_id else frame_id)

    def _read(self, name: str, rows: "list[int] | np.ndarray") -> "Iterator[tuple[Channel, int, int, memoryview]]":
        with self._lock:
            open_one = self._writer is not None and self._writer.path.name == name
            table = self._writer.table() if open_one else self._table(name) if name in self._segments else None
        if table is None or not len(rows):
            return
        try:
            file = os.open(self.path / name, os.O_RDONLY)
        except OSError as error:
            self._lost(name, f"cannot read {self.path / name}: {error.strerror}; its frames are left out")
            return
        try:
            for row in rows:
                try:
                    yield read_message(file, table, row)
                except (ValueError, OSError) as error:
                    self._complain(f"a message in {self.path / name} is damaged ({error}) and left out")
        finally:
            os.close(file)

    def _notice_deleted(self) -> None:
        for name, one in list(self._segments.items()):
            if not one.path.exists():
                self._lost(name, f"{one.path} was deleted; its {one.frames} frames are gone")

    def _lost(self, name: str, sentence: str) -> None:
        with self._lock:
            self._complain(sentence)
            if name in self._segments and not self._segments[name].path.exists():
                self._forget(name)

    def _forget(self, name: str) -> None:
        self._segments.pop(name, None)
        self._tables.pop(name, None)

    @contextmanager
    def _disk(self) -> "Iterator[None]":
        try:
            yield
        except OSError as error:
            raise StoreError(f"cannot store frames in {self.path}: {error.strerror}; make room or check the permissions, "
                             "frames are not kept on disk until then") from error
