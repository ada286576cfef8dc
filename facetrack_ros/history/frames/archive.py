"""Frames on disk: a folder of segments, found by stamp, pruned by whole segment."""

import os
import threading
from dataclasses import dataclass
from pathlib import Path

from facetrack_ros.core.frame import Frame
from facetrack_ros.errors import StoreError
from facetrack_ros.history.frames.disk_errors import storing
from facetrack_ros.history.frames.pruning import SegmentPruner
from facetrack_ros.history.frames.reader import FrameReader
from facetrack_ros.history.frames.retention import Limits
from facetrack_ros.history.frames.video_encoder import VideoCoder
from facetrack_ros.history.mcap.catalog import SegmentCatalog
from facetrack_ros.history.mcap.open_file import OpenSegment
from facetrack_ros.history.mcap.pending_warnings import Complaints
from facetrack_ros.history.messages import image as image_message
from facetrack_ros.history.messages import video as video_message
from facetrack_ros.history.messages.channel import Channel

_PNG = b"\x89PNG"


@dataclass(frozen=True)
class ArchiveStats:
    """What is on disk. ``oldest_ns`` and ``newest_ns`` are None while there is nothing."""

    frames: int
    bytes: int
    segments: int
    oldest_ns: int | None
    newest_ns: int | None


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

    def __init__(self, directory: Path | str, robot_id: str, limits: Limits = Limits(), readonly: bool = False) -> None:
        self.path = Path(directory)
        self.robot_id = robot_id
        self._complaints = Complaints()
        self._lock = threading.RLock()
        self._written: OpenSegment | None = None
        self._unsynced: list[int] = []
        try:
            if not readonly:
                self.path.mkdir(parents=True, exist_ok=True)
            self._catalog = SegmentCatalog(self.path, self._complaints, mending=not readonly)
        except OSError as error:
            raise StoreError(
                f"cannot keep frames in {self.path}: {error.strerror}; choose a folder that can be "
                "written (frame_history.disk_cache_dir)"
            ) from error
        self._pruner = SegmentPruner(self._catalog, limits)
        self.reader = FrameReader(self._catalog, lambda: self._written, self._complaints, self._lock)
        self._newest_ns = max((one.last_ns for _, one in self._catalog.segments()), default=0)

    def change_limits(self, limits: Limits) -> None:
        """Keep no more than this from now on; what is too much goes with the next pruning."""
        with self._lock:
            self._pruner.change(limits)

    @classmethod
    def open_readonly(cls, directory: Path | str, robot_id: str) -> "FrameArchive":
        """What is stored at this moment, of a robot that is switched off or running."""
        return cls(directory, robot_id, readonly=True)

    def append(self, frame: Frame, coder: VideoCoder | None = None) -> bool:
        """Store a frame as it came. One of a stamp that is stored already is the same picture sent twice.

        :param coder: makes H.264 of it instead, where it can.
        :returns: whether it was new.
        :raises StoreError: its stamp is none a message can hold, or the disk does not take it.
        """
        if not 0 <= frame.stamp_ns <= image_message.LAST_STAMP_NS:
            raise StoreError(
                f"frame {frame.number} of {frame.camera_id} is stamped {frame.stamp_ns / 1e9:.3f} s, which no "
                "message can hold; check the camera's clock"
            )
        with self._lock:
            if self._has(frame.camera_id, frame.stamp_ns):
                return False
            needs_key = self._needs_key(frame)
        video = coder.encode(frame, needs_key) if coder else None  # not locked: frames are found meanwhile
        with self._lock:
            if video is None:
                self._append_image(frame)
            else:
                self._append_video(frame, video, coder)
            self._written.note_frame(frame.camera_id, frame.stamp_ns)
            self._newest_ns = frame.stamp_ns  # the newest to come: a clock that was wrong is not believed for ever
            return True

    def append_message(self, channel: Channel, sequence: int, stamp_ns: int, message: bytes) -> None:
        """Store something else beside the frames: tracks, events.

        :param message: in CDR.
        :raises StoreError: the disk does not take it.
        """
        with self._lock:
            self._append(channel, sequence, stamp_ns, (message,))

    def cameras(self) -> tuple[str, ...]:
        """Every camera that has a frame here, sorted."""
        with self._lock:
            self._catalog.notice_deleted()
            sealed = {camera for _, one in self._catalog.segments() for camera in one.spans}
            return tuple(sorted(sealed | set(self._written.stamps if self._written else ())))

    def stats(self) -> ArchiveStats:
        """How much is kept, and from when to when."""
        with self._lock:
            kept = [one for _, one in self._catalog.segments()]
            frames, size, spans = (
                sum(one.frames for one in kept),
                sum(one.bytes for one in kept),
                [(one.first_ns, one.last_ns) for one in kept if one.frames],
            )
            if self._written is not None:
                frames += self._written.frames
                size += self._written.writer.bytes
                spans += [self._written.span] if self._written.frames else []
            return ArchiveStats(
                frames,
                size,
                len(kept) + (self._written is not None),
                min((first for first, _ in spans), default=None),
                max((last for _, last in spans), default=None),
            )

    def sync(self) -> None:
        """Have the disk hold what was stored, also if the power fails. Frames are stored on meanwhile.

        :raises StoreError: it does not.
        """
        with self._lock:
            files, self._unsynced = self._unsynced, []
            if self._written is not None:
                files.append(self._written.writer.duplicate())
        with storing(self.path):
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
            return self._pruner.prune(self._newest_ns, brake)

    def take_complaints(self) -> list[str]:
        """What went wrong since this was last asked, a sentence each: damaged, deleted, not to be pruned."""
        return self._complaints.take()

    def close(self) -> None:
        """Seal the open segment; where the disk does not take its summary, that is done at the next start."""
        with self._lock:
            self._seal()
        try:
            self.sync()
        except StoreError as error:
            self._complaints.add(str(error))

    def _append_image(self, frame: Frame) -> None:
        format = "png" if frame.jpeg.startswith(_PNG) else "jpeg"
        head = image_message.image_head(frame.stamp_ns, frame.frame_id or frame.camera_id, format, len(frame.jpeg))
        channel = Channel(
            f"/{self.robot_id}/{frame.camera_id}/image/compressed",
            image_message.TYPE,
            image_message.DEFINITION,
            frame.camera_id,
        )
        self._append(channel, frame.number, frame.stamp_ns, (head, frame.jpeg))

    def _append_video(self, frame: Frame, video: tuple[bytes, bool], coder: VideoCoder) -> None:
        channel = Channel(
            f"/{self.robot_id}/{frame.camera_id}/image/video",
            video_message.TYPE,
            video_message.DEFINITION,
            frame.camera_id,
        )
        packet, key = video
        if not key and self._needs_key(frame):  # the segment was deleted since
            packet, _ = coder.encode(frame, True) or video
        try:
            self._append(
                channel,
                frame.number,
                frame.stamp_ns,
                video_message.video_parts(frame.stamp_ns, frame.frame_id or frame.camera_id, packet),
            )
        except StoreError:
            coder.restart(frame.camera_id)  # what comes next would be made from a picture that is not there
            raise
        self._written.videos.add(frame.camera_id)

    def _needs_key(self, frame: Frame) -> bool:
        """Whether the frame would be the first of its camera's H.264 in a segment."""
        written = self._written
        return (
            written is None
            or frame.camera_id not in written.videos
            or not written.path.exists()
            or written.is_full(frame.stamp_ns, self._pruner.most_frames, self._pruner.most_bytes)
        )

    def _has(self, camera_id: str, stamp_ns: int) -> bool:
        return (self._written is not None and self._written.has(camera_id, stamp_ns)) or self._catalog.has(
            camera_id, stamp_ns
        )

    def _append(self, channel: Channel, sequence: int, stamp_ns: int, parts: tuple[bytes, ...]) -> None:
        # A file that was deleted below us takes bytes that nobody will ever find.
        written = self._written
        if written is not None and not written.path.exists():
            self._drop()
        elif written is not None and written.is_full(stamp_ns, self._pruner.most_frames, self._pruner.most_bytes):
            self._seal()
        with storing(self.path):
            if self._written is None:
                self.path.mkdir(parents=True, exist_ok=True)
                self._pruner.make_room(self._newest_ns)
                self._written = OpenSegment(self._catalog.next_path(), stamp_ns)
            self._written.append(channel, sequence, stamp_ns, parts)

    def _seal(self) -> None:
        if self._written is None:
            return
        writer, table = self._written.writer, self._written.table()
        self._written = None
        if not len(writer):
            writer.abandon()
            writer.path.unlink(missing_ok=True)
            return
        self._unsynced.append(writer.duplicate())
        try:
            with storing(self.path):
                writer.seal()
        except StoreError as error:  # the frames are there all the same
            self._complaints.add(str(error))
        self._catalog.know(writer.path, table, writer.bytes)
        try:
            self.prune()
        except StoreError as error:
            self._complaints.add(str(error))

    def _drop(self) -> None:
        self._complaints.add(
            f"{self._written.path} was deleted while frames were written to it; {self._written.frames} frames are lost"
        )
        self._written.writer.abandon()
        self._written = None
