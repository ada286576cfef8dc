"""Frames on disk: a folder of segments, pruned by whole segment."""

import logging
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from facetrack_ros.core.disk.overwriting import PART, put_in_place, shred
from facetrack_ros.core.frame import Frame
from facetrack_ros.errors import StoreError, store_errors
from facetrack_ros.history.disk_room import was_deleted
from facetrack_ros.history.frames.disk_errors import storing
from facetrack_ros.history.frames.pruning import SegmentPruner
from facetrack_ros.history.frames.reader import FrameReader
from facetrack_ros.history.frames.retention import Limits
from facetrack_ros.history.frames.video_encoder import VideoEncoder
from facetrack_ros.history.mcap.catalog import SegmentCatalog
from facetrack_ros.history.mcap.message_table import MessageTable
from facetrack_ros.history.mcap.open_file import OpenSegment
from facetrack_ros.history.mcap.writer import SegmentWriter
from facetrack_ros.history.messages.channel import Channel
from facetrack_ros.history.messages.image import LAST_STAMP_NS, image_channel, image_parts
from facetrack_ros.history.messages.video import video_channel, video_parts

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ArchiveStats:
    """Contents of an archive. ``oldest_ns`` and ``newest_ns`` are None while it is empty."""

    frames: int
    bytes: int
    segments: int
    oldest_ns: int | None
    newest_ns: int | None


class FrameArchive:
    """The stored frames of one robot, as MCAP files that ``ros2 bag play`` and Foxglove open.

    The files are the only state: opening reads their summaries and seals what a killed process left unfinished. A
    damaged segment is left alone, one deleted by hand is dropped; either is logged. Thread-safe, but only one thread
    may append.

    :ivar failed: receives what the disk refused while a segment was sealed; by default it is logged.
    :ivar reader: finds and reads the stored frames and messages.
    :param directory: created if missing; one writing process at a time.
    :param robot_id: part of the topics.
    :param limits: how much is kept.
    :param readonly: write nothing, not even a summary; the robot may be writing meanwhile.
    :raises StoreError: the folder cannot be created or read.
    """

    def __init__(
        self,
        directory: Path | str,
        robot_id: str,
        limits: Limits = Limits(),  # noqa: B008 - frozen
        readonly: bool = False,
    ) -> None:
        self.path = Path(directory)
        self.robot_id = robot_id
        self.failed: Callable[[StoreError], None] = _log
        self._lock = threading.RLock()
        self._written: OpenSegment | None = None
        self._unsynced: list[int] = []
        advice = "choose a folder that can be written (frame_history.disk_cache_dir)"
        with store_errors(f"cannot keep frames in {self.path}", advice):
            if not readonly:
                self.path.mkdir(parents=True, exist_ok=True)
            self._catalog = SegmentCatalog(self.path, seal=not readonly)
        self._pruner = SegmentPruner(self._catalog, limits)
        self.reader = FrameReader(self._catalog, lambda: self._written, self._lock)
        self._newest_ns = max((segment.last_ns for _, segment in self._catalog.segments()), default=0)
        self._clock_ns: int | None = None

    def change_limits(self, limits: Limits) -> None:
        """Apply other limits from the next pruning on."""
        with self._lock:
            self._pruner.change_limits(limits)

    @classmethod
    def open_readonly(cls, directory: Path | str, robot_id: str) -> "FrameArchive":
        """Open what is stored now, whether or not the robot is running."""
        return cls(directory, robot_id, readonly=True)

    def append(self, frame: Frame, encoder: VideoEncoder | None = None) -> bool:
        """Store a frame; one with a stamp already stored is the same image sent twice, and ignored.

        :param encoder: stores it as H.264, if it can; None: as received.
        :returns: whether it was stored.
        :raises StoreError: a message cannot hold its stamp, or the disk refuses it.
        """
        if not 0 <= frame.stamp_ns <= LAST_STAMP_NS:
            problem = f"frame {frame.number} of {frame.camera_id} is stamped {frame.stamp_ns / 1e9:.3f} s"
            raise StoreError(f"{problem}, which no message can hold; check the camera's clock")
        with self._lock:
            if self._has_frame(frame.camera_id, frame.stamp_ns):
                return False
            needs_key = self._needs_key(frame)
        video = encoder.encode(frame, needs_key) if encoder else None  # without the lock: readers need not wait
        with self._lock:
            if encoder is None or video is None:
                channel = image_channel(self.robot_id, frame.camera_id)
                written = self._append(channel, frame.number, frame.stamp_ns, image_parts(frame))
            else:
                written = self._append_video(frame, video, encoder)
            written.note_frame(frame.camera_id, frame.stamp_ns)
            # The last received, not the maximum: a wrong clock must not count for ever.
            self._newest_ns = frame.stamp_ns
            return True

    def append_message(self, channel: Channel, sequence: int, stamp_ns: int, message: bytes) -> None:
        """Store a message other than a frame: tracks, events.

        :param message: as CDR.
        :raises StoreError: the disk refuses it.
        """
        with self._lock:
            self._append(channel, sequence, stamp_ns, (message,))

    def cameras(self) -> tuple[str, ...]:
        """Cameras with stored frames, sorted."""
        with self._lock:
            self._catalog.remove_deleted()
            sealed = {camera for _, segment in self._catalog.segments() for camera in segment.frame_spans}
            return tuple(sorted(sealed | set(self._written.stamps if self._written is not None else ())))

    def stats(self) -> ArchiveStats:
        """Numbers, size, and first and last stamp of what is stored."""
        with self._lock:
            sealed = (segment for _, segment in self._catalog.segments())
            segments = [(one.frames, one.bytes, one.first_ns, one.last_ns) for one in sealed]
            if self._written is not None:
                segments.append((self._written.frames, self._written.bytes, *self._written.span))
        return ArchiveStats(
            sum(frames for frames, *_ in segments),
            sum(size for _, size, *_ in segments),
            len(segments),
            min((first for frames, _, first, _ in segments if frames), default=None),
            max((last for frames, _, _, last in segments if frames), default=None),
        )

    def sealed(self) -> list[tuple[Path, MessageTable]]:
        """Files and tables of all segments that can be read, the oldest first; the one being written is sealed for it.

        :raises StoreError: the disk refuses.
        """
        with self._lock:
            self._seal()
            self._catalog.remove_deleted()
            tables = ((segment.path, self._catalog.table(name)) for name, segment in self._catalog.segments())
            return [(path, table) for path, table in tables if table is not None]

    def rewrite(self, name: str, write: Callable[[SegmentWriter], None]) -> None:
        """Write a sealed segment anew and overwrite the file it had; one without messages is deleted.

        :param write: receives the new file.
        :raises StoreError: the disk refuses; the segment stays as it was.
        """
        path = self.path / name
        part = path.with_name(f"{name}{PART}")
        with self._lock, storing(self.path):
            shred(part)
            writer = SegmentWriter(part)
            try:
                write(writer)
                writer.seal()
            except OSError:
                writer.abandon()
                shred(part)
                raise
            if len(writer):
                put_in_place(part, path)
                self._catalog.replace(name, writer.table(), writer.bytes)
            else:
                shred(part)
                shred(path)
                self._catalog.remove(name)

    def sync(self) -> None:
        """Flush what was stored to the medium. Frames can be appended meanwhile.

        :raises StoreError: the disk refuses.
        """
        with self._lock:
            files, self._unsynced = self._unsynced, []
            if self._written is not None:
                files.append(self._written.duplicate())
        with storing(self.path):
            try:
                for file in files:
                    os.fdatasync(file)
            finally:
                for file in files:
                    os.close(file)

    def prune(self, brake: bool = True) -> int:
        """Delete what exceeds the limits. Returns the number of segments deleted.

        :param brake: delete nothing if more than half of the frames would go at once.
        :raises StoreError: the brake held, or the disk refused.
        """
        with self._lock:
            return self._pruner.prune(self._now_ns, brake)

    def note_clock(self, clock_ns: int) -> None:
        """Take the time: frames stamped later than that make no others old."""
        with self._lock:
            self._clock_ns = clock_ns

    @property
    def _now_ns(self) -> int:
        return self._newest_ns if self._clock_ns is None else min(self._newest_ns, self._clock_ns)

    def close(self) -> None:
        """Seal the open segment. If the disk refuses the summary, the next start writes it."""
        with self._lock:
            self._seal()
        try:
            self.sync()
        except StoreError as error:
            logger.error(str(error))

    def _append_video(self, frame: Frame, video: tuple[bytes, bool], encoder: VideoEncoder) -> OpenSegment:
        packet, key = video
        if not key and self._needs_key(frame):  # its segment was deleted meanwhile
            packet, _ = encoder.encode(frame, True) or video
        channel = video_channel(self.robot_id, frame.camera_id)
        try:
            written = self._append(channel, frame.number, frame.stamp_ns, video_parts(frame, packet))
        except StoreError:
            encoder.restart(frame.camera_id)  # the next packets would depend on one that is not stored
            raise
        written.keyed_cameras.add(frame.camera_id)
        return written

    def _needs_key(self, frame: Frame) -> bool:
        """Whether the frame would be the first H.264 of its camera in a segment."""
        written = self._written
        return (
            written is None
            or frame.camera_id not in written.keyed_cameras
            or was_deleted(written.path)
            or written.is_full(frame.stamp_ns, self._pruner.max_frames, self._pruner.max_bytes)
        )

    def _has_frame(self, camera_id: str, stamp_ns: int) -> bool:
        written = self._written is not None and self._written.has_frame(camera_id, stamp_ns)
        return written or self._catalog.has_frame(camera_id, stamp_ns)

    def _append(self, channel: Channel, sequence: int, stamp_ns: int, parts: tuple[bytes, ...]) -> OpenSegment:
        written = self._written
        if written is not None and was_deleted(written.path):
            self._drop(written)  # a deleted file still takes bytes, which cannot be found again
        elif written is not None and written.is_full(stamp_ns, self._pruner.max_frames, self._pruner.max_bytes):
            self._seal()
        with storing(self.path):
            if self._written is None:
                self.path.mkdir(parents=True, exist_ok=True)
                self._pruner.make_room(self._now_ns)
                self._written = OpenSegment(self._catalog.next_path(), stamp_ns)
            self._written.append(channel, sequence, stamp_ns, parts)
        return self._written

    def _seal(self) -> None:
        written, self._written = self._written, None
        if written is None:
            return
        if not len(written):
            written.abandon()
            written.path.unlink(missing_ok=True)
            return
        self._unsynced.append(written.duplicate())
        table = written.table()
        try:
            with storing(self.path):
                written.seal()
        except StoreError as error:  # the frames can be read without the summary
            self.failed(error)
        self._catalog.add(written.path, table, written.bytes)
        try:
            self.prune()
        except StoreError as error:
            self.failed(error)

    def _drop(self, written: OpenSegment) -> None:
        outcome = "%s was deleted while frames were written to it; %d frames are lost"
        logger.warning(outcome, written.path, written.frames)
        written.abandon()
        self._written = None


def _log(error: StoreError) -> None:
    logger.error(str(error))
