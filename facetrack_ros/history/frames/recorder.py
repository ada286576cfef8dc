"""Writer thread that stores frames and tracks: all of them, or those around alerts."""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

import cv2

from facetrack_ros.core.frame import Frame
from facetrack_ros.core.track import Track
from facetrack_ros.errors import DiskError, FrameError, StoreError
from facetrack_ros.history.frames.alert_windows import AlertWindows
from facetrack_ros.history.frames.archive import FrameArchive
from facetrack_ros.history.frames.ring_buffer import FrameRing, encoded_only
from facetrack_ros.history.frames.settings import ALERT, CONTINUOUS, H264, PNG, FrameSettings
from facetrack_ros.history.frames.video_encoder import VideoEncoder
from facetrack_ros.history.messages.tracks import tracks_channel, tracks_message

#: Most bytes that wait for the disk, chosen by hand: 18 s of a camera with 30 frames a second of 120 kB.
QUEUE_BYTES = 64_000_000
#: Estimated size of a track with its face: tracks must not pile up in front of a stuck disk either.
_TRACK_BYTES = 4_000
_SYNC_NS = 1_000_000_000
#: Most frames that wait with their decoded image, which spares the video encoder the decoding.
_MAX_DECODED = 8


class _FrameTracks(NamedTuple):
    """The tracks of one frame."""

    camera_id: str
    stamp_ns: int
    number: int
    tracks: tuple[Track, ...]


class _Single(NamedTuple):
    """A frame to be stored by itself, in no order with others."""

    frame: Frame


class FrameRecorder:
    """Takes every frame and its tracks, and stores those that the mode asks for.

    Adding costs the caller a list append. Frames that exceed the queue, because the disk is slower than the cameras,
    are dropped and counted; with ``settings.wait`` adding waits instead.

    :ivar stored: number of frames stored.
    :ivar lost: number of frames dropped or refused by the disk.
    :param model_id: of the embedder, stored with the tracks.
    :param rings: returns the frames in memory by camera, for those before an alert.
    :raises StoreError: the format is H.264, and that cannot be written here.
    """

    def __init__(
        self, archive: FrameArchive, settings: FrameSettings, model_id: str, rings: Callable[[], dict[str, FrameRing]]
    ) -> None:
        self.archive = archive
        archive.failed = self._fail
        self.settings = settings
        self._model_id = model_id
        self._rings = rings
        try:
            self._encoder = VideoEncoder() if settings.format == H264 else None
        except FrameError as error:
            raise StoreError(str(error)) from error
        self._windows = AlertWindows()
        self._tracks: dict[str, deque[_FrameTracks]] = {}
        self._condition = threading.Condition()
        self._queue: deque[Frame | _FrameTracks | _Single] = deque()
        self._queued_bytes = 0
        self._busy = False
        self._closing = False
        self._failure: StoreError | None = None
        self._errors: list[str] = []
        self._synced_ns: int | None = None
        self.stored = 0
        self.lost = 0
        self._lost_reported = 0
        # Syncs run in a thread of their own: a disk may take long, and a killed process loses what is only queued
        # meanwhile.
        self._sync_wanted = threading.Event()
        runs = {"frame_recorder": self._run, "frame_sync": self._run_sync}
        self._threads = [threading.Thread(target=run, name=name, daemon=True) for name, run in runs.items()]
        for thread in self._threads:
            thread.start()

    def change(self, settings: FrameSettings) -> None:
        """Apply other limits, and other times around later alerts; mode, folder and format stay."""
        with self._condition:
            kept = self.settings
            self.settings = replace(settings, mode=kept.mode, format=kept.format, wait=kept.wait)
            for camera_id, held in self._tracks.items():
                self._tracks[camera_id] = deque(held, maxlen=settings.ring_frames)
        self.archive.change_limits(settings.limits)

    def add_frame(self, frame: Frame) -> None:
        """Take a frame, after it was added to its ring."""
        with self._condition:
            if self._wanted(frame.camera_id, frame.stamp_ns):
                self._put(frame)

    def add_tracks(self, camera_id: str, stamp_ns: int, frame_number: int, tracks: Sequence[Track]) -> None:
        """Take a frame's tracks, before or after the frame."""
        if not tracks:
            return
        item = _FrameTracks(camera_id, stamp_ns, frame_number, tuple(tracks))
        with self._condition:
            self._tracks.setdefault(camera_id, deque(maxlen=self.settings.ring_frames)).append(item)
            if self._wanted(camera_id, stamp_ns):
                self._put(item)

    def drop_tracks(self, doomed: Callable[[Track], bool]) -> None:
        """Drop tracks from memory."""
        with self._condition:
            for camera_id, held in self._tracks.items():
                kept = (item._replace(tracks=tuple(each for each in item.tracks if not doomed(each))) for item in held)
                self._tracks[camera_id] = deque((item for item in kept if item.tracks), held.maxlen)

    def tracks_held(self, camera_id: str, start_ns: int, end_ns: int) -> dict[int, tuple[Track, ...]]:
        """A camera's tracks in memory between two stamps, both included, by stamp."""
        with self._condition:
            held = self._tracks.get(camera_id, ())
            return {item.stamp_ns: item.tracks for item in held if start_ns <= item.stamp_ns <= end_ns}

    def alert(self, stamp_ns: int, camera_id: str = "") -> None:
        """Store the frames around a stamp: those in memory now, later ones as they come. Only in mode ``alert``.

        :param camera_id: empty: every camera of the robot.
        """
        if self.settings.mode != ALERT:
            return
        start, end = stamp_ns - self.settings.before_ns, stamp_ns + self.settings.after_ns
        rings = {camera: ring for camera, ring in self._rings().items() if camera_id in ("", camera)}
        with self._condition:
            for camera, ring in rings.items():
                items: list[Frame | _FrameTracks] = [*ring.between(start, end)]
                items += [item for item in self._tracks.get(camera, ()) if start <= item.stamp_ns <= end]
                for item in items:
                    if not self._wanted(camera, item.stamp_ns):
                        self._put(item, limited=False)  # these are in memory anyway
            self._windows.open(camera_id, start, end)

    def add_single(self, frame: Frame, tracks: tuple[Track, ...]) -> None:
        """Store a frame by itself with its tracks, whatever the mode, if it is not stored already.

        It is not stored as H.264, whose pictures depend on those before.
        """
        with self._condition:
            if not self._wanted(frame.camera_id, frame.stamp_ns):
                self._put(_Single(frame))
                self._put(_FrameTracks(frame.camera_id, frame.stamp_ns, frame.number, tracks))

    def flush(self) -> None:
        """Start a sync, and report failures of the writer thread; to be called about once a second.

        :raises StoreError: frames could not be stored since the last call.
        """
        self._sync_wanted.set()
        with self._condition:
            errors, self._errors = self._errors, []
            of_the_disk = self.lost > self._lost_reported or isinstance(self._failure, DiskError)
            if self.lost > self._lost_reported:
                errors.append(
                    f"{self.lost - self._lost_reported} frames are not on disk in {self.archive.path}: the disk is "
                    f"full or slower than the cameras{', or H.264 is' if self._encoder else ''}"
                )
                self._lost_reported = self.lost
        if errors:
            raise (DiskError if of_the_disk else StoreError)("; ".join(dict.fromkeys(errors)))

    def drain(self, timeout_s: float = 10.0) -> bool:
        """Wait until everything added is stored; False after the timeout."""
        with self._condition:
            return self._condition.wait_for(lambda: not self._queue and not self._busy, timeout_s)

    def close(self, timeout_s: float = 10.0) -> None:
        """Store what is queued and seal the segment."""
        with self._condition:
            self._closing = True
            self._condition.notify_all()
        self._sync_wanted.set()
        for thread in self._threads:
            thread.join(timeout_s)
        self.archive.close()

    def _wanted(self, camera_id: str, stamp_ns: int) -> bool:
        mode = self.settings.mode
        return mode == CONTINUOUS or (mode == ALERT and self._windows.covers(camera_id, stamp_ns))

    def _put(self, item: Frame | _FrameTracks | _Single, limited: bool = True) -> None:
        size = _size(item)
        if limited and self.settings.wait:
            self._condition.wait_for(
                lambda: self._closing or self._queued_bytes + size <= QUEUE_BYTES or not self._queue
            )
        elif limited and self._queued_bytes + size > QUEUE_BYTES:
            self.lost += not isinstance(item, _FrameTracks)
            return
        # A decoded frame is about thirty times as large as the bytes counted here.
        if isinstance(item, Frame) and not (self._encoder and len(self._queue) < _MAX_DECODED):
            item = encoded_only(item)
        self._queue.append(item)
        self._queued_bytes += size
        self._condition.notify_all()

    def _run(self) -> None:
        while True:
            with self._condition:
                self._busy = False
                self._condition.notify_all()
                self._condition.wait_for(lambda: self._queue or self._closing)
                if not self._queue:
                    return
                items, self._queue = self._queue, deque()
                self._busy = True
            while items:
                self._try(self._store, items.popleft())

    def _run_sync(self) -> None:
        while not self._closing:
            self._sync_wanted.wait()
            self._sync_wanted.clear()
            self._try(self.archive.sync)

    def _store(self, item: Frame | _FrameTracks | _Single) -> None:
        try:
            if isinstance(item, _Single):
                self._store_frame(item.frame, None)
            elif isinstance(item, Frame):
                self._store_frame(item, self._encoder)
            else:
                channel = tracks_channel(self.archive.robot_id, item.camera_id)
                message = tracks_message(item.camera_id, item.stamp_ns, item.number, self._model_id, item.tracks)
                self.archive.append_message(channel, item.number, item.stamp_ns, message)
        finally:
            with self._condition:
                self._queued_bytes -= _size(item)
                self._condition.notify_all()

    def _store_frame(self, frame: Frame, encoder: VideoEncoder | None) -> None:
        try:
            self.stored += self.archive.append(self._encoded(frame), encoder)
            self._failure = None
        except StoreError:
            self.lost += 1
            raise
        if self._synced_ns is None or abs(frame.stamp_ns - self._synced_ns) >= _SYNC_NS:
            self._synced_ns = frame.stamp_ns
            self._sync_wanted.set()

    def _encoded(self, frame: Frame) -> Frame:
        if self.settings.format != PNG:
            return frame
        try:
            done, data = cv2.imencode(".png", frame.image)
        except FrameError:
            return frame  # it cannot be decoded: stored as received
        return replace(frame, jpeg=data.tobytes()) if done else frame

    def _try(self, work: Callable, *arguments) -> None:
        try:
            work(*arguments)
        except StoreError as error:
            self._fail(error)
        except Exception as error:  # the thread must live on, or nothing is stored any more
            where = f"while frames were stored in {self.archive.path}"
            self._fail(StoreError(f"unexpected {type(error).__name__} {where}: {error}"))

    def _fail(self, error: StoreError) -> None:
        with self._condition:
            if self._failure is None:
                self._errors.append(str(error))
            self._failure = error


def _size(item: Frame | _FrameTracks | _Single) -> int:
    if isinstance(item, _FrameTracks):
        return _TRACK_BYTES * len(item.tracks)
    return len(item.jpeg if isinstance(item, Frame) else item.frame.jpeg)
