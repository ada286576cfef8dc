"""Puts frames on disk: all, or what surrounds an alert, on a thread of its own."""

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import replace

import cv2

from facetrack_ros.core.frame import Frame
from facetrack_ros.core.track import Track
from facetrack_ros.errors import FrameError, StoreError
from facetrack_ros.history.frames.alert_windows import AlertWindows
from facetrack_ros.history.frames.archive import FrameArchive
from facetrack_ros.history.frames.ring_buffer import FrameRing, encoded_only
from facetrack_ros.history.frames.settings import ALERT, CONTINUOUS, H264, PNG, FrameSettings
from facetrack_ros.history.frames.video_encoder import VideoCoder
from facetrack_ros.history.messages.tracks import tracks_channel, tracks_message

QUEUE_BYTES = 64_000_000
# A track with its face and embedding, about: tracks too must not pile up before a stuck disk.
_TRACK_BYTES = 4_000
_SYNC_NS = 1_000_000_000
# How many frames may wait with the picture that somebody decoded of them.
_DECODED = 8


class FrameRecorder:
    """Takes every frame and its tracks, and stores those that the mode asks for.

    Handing in costs no more than a list append. Where the disk is slower than the cameras for longer than the queue lasts,
    frames are lost, counted and told; with ``settings.wait`` whoever hands in waits instead.

    :param model_id: of the embedder, kept with the tracks.
    :param rings: the frames in memory by camera, for what was before an alert.
    :raises StoreError: frames are to be H.264, and that cannot be written here.
    """

    def __init__(
        self, archive: FrameArchive, settings: FrameSettings, model_id: str, rings: Callable[[], dict[str, FrameRing]]
    ) -> None:
        self.archive = archive
        self.settings = settings
        self._model_id = model_id
        self._rings = rings
        try:
            self._coder = VideoCoder() if settings.format == H264 else None
        except FrameError as error:
            raise StoreError(str(error)) from error
        self._windows = AlertWindows()
        self._tracks: dict[str, deque] = {}
        self._condition = threading.Condition()
        self._queue: deque[tuple] = deque()
        self._queued_bytes = 0
        self._busy = False
        self._closing = False
        self._failing = False
        self._errors: list[str] = []
        self._synced_ns: int | None = None
        self.stored = 0
        self.lost = 0
        self._lost_told = 0
        # A disk may take long to confirm, and what is only queued meanwhile a killed process would lose.
        self._sync_wanted = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, name="frame_recorder", daemon=True),
            threading.Thread(target=self._run_sync, name="frame_sync", daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def change(self, settings: FrameSettings) -> None:
        """Other limits, and other times around alerts that come from now on; the mode, folder and format stay."""
        with self._condition:
            self.settings = replace(
                settings, mode=self.settings.mode, format=self.settings.format, wait=self.settings.wait
            )
            for camera_id, held in self._tracks.items():
                self._tracks[camera_id] = deque(held, maxlen=settings.ring_frames)
        self.archive.change_limits(settings.limits)

    def add_frame(self, frame: Frame) -> None:
        """Take a frame, after it was put into its ring."""
        with self._condition:
            if self._wanted(frame.camera_id, frame.stamp_ns):
                self._put(frame)

    def add_tracks(self, camera_id: str, stamp_ns: int, frame_number: int, tracks: tuple[Track, ...]) -> None:
        """Take a frame's tracks, earlier or later than the frame."""
        if not tracks:
            return
        item = (camera_id, stamp_ns, frame_number, tuple(tracks))
        with self._condition:
            self._tracks.setdefault(camera_id, deque(maxlen=self.settings.ring_frames)).append(item)
            if self._wanted(camera_id, stamp_ns):
                self._put(item)

    def tracks_held(self, camera_id: str, start_ns: int, end_ns: int) -> dict[int, tuple[Track, ...]]:
        """By stamp, the tracks of a camera that are in memory."""
        with self._condition:
            return {
                stamp: tracks for _, stamp, _, tracks in self._tracks.get(camera_id, ()) if start_ns <= stamp <= end_ns
            }

    def alert(self, stamp_ns: int, camera_id: str = "") -> None:
        """Keep what a camera saw around a stamp: what is in memory now, what comes later as it comes.

        In mode ``continuous`` all of that is kept already.

        :param camera_id: empty: every camera of the robot.
        """
        if self.settings.mode != ALERT:
            return
        start, end = stamp_ns - self.settings.before_ns, stamp_ns + self.settings.after_ns
        rings = {camera: ring for camera, ring in self._rings().items() if camera_id in ("", camera)}
        with self._condition:
            for camera, ring in rings.items():
                held = [
                    *ring.between(start, end),
                    *(item for item in self._tracks.get(camera, ()) if start <= item[1] <= end),
                ]
                for item in held:
                    if not self._wanted(camera, item.stamp_ns if isinstance(item, Frame) else item[1]):
                        self._put(item, pressing=True)  # these are in memory anyway
            self._windows.open(camera_id, start, end)

    def flush(self) -> None:
        """Have the disk hold what was stored; to be called about once a second.

        :raises StoreError: what went wrong since the last call, all of it in one.
        """
        self._sync_wanted.set()
        with self._condition:
            errors, self._errors = self._errors, []
            if self.lost > self._lost_told:
                errors.append(
                    f"{self.lost - self._lost_told} frames are not on disk in {self.archive.path}: the disk is full "
                    f"or slower than the cameras{', or H.264 is' if self._coder else ''}"
                )
                self._lost_told = self.lost
        errors += self.archive.take_complaints() + (self._coder.take_complaints() if self._coder else [])
        if errors:
            raise StoreError("; ".join(dict.fromkeys(errors)))

    def drain(self, timeout_s: float = 10.0) -> bool:
        """Wait until all that was handed in is stored; False where that took longer."""
        with self._condition:
            return self._condition.wait_for(lambda: not self._queue and not self._busy, timeout_s)

    def close(self, timeout_s: float = 10.0) -> None:
        """Store what is left and seal the segment."""
        with self._condition:
            self._closing = True
            self._condition.notify_all()
        self._sync_wanted.set()
        for thread in self._threads:
            thread.join(timeout_s)
        self.archive.close()

    def _wanted(self, camera_id: str, stamp_ns: int) -> bool:
        return self.settings.mode == CONTINUOUS or (
            self.settings.mode == ALERT and self._windows.covers(camera_id, stamp_ns)
        )

    def _put(self, item: Frame | tuple, pressing: bool = False) -> None:
        size = _size(item)
        if self.settings.wait and not pressing:
            self._condition.wait_for(
                lambda: self._closing or self._queued_bytes + size <= QUEUE_BYTES or not self._queue
            )
        elif self._queued_bytes + size > QUEUE_BYTES and not pressing:
            self.lost += isinstance(item, Frame)
            return
        # Somebody may have decoded the frame: a queue of those would be thirty times as large as what is counted. The video
        # coder gains by a few.
        if isinstance(item, Frame) and not (self._coder and len(self._queue) < _DECODED):
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
                items, self._queue = self._queue, deque()
                self._busy = True
                if not items and self._closing:
                    self._busy = False
                    self._condition.notify_all()
                    return
            while items:
                self._try(self._store, items.popleft())

    def _run_sync(self) -> None:
        while not self._closing:
            self._sync_wanted.wait()
            self._sync_wanted.clear()
            self._try(self.archive.sync)

    def _store(self, item: Frame | tuple) -> None:
        try:
            self._append(item)
        finally:
            with self._condition:
                self._queued_bytes -= _size(item)
                self._condition.notify_all()

    def _append(self, item: Frame | tuple) -> None:
        if isinstance(item, Frame):
            try:
                self.stored += self.archive.append(self._encoded(item), self._coder)
                self._failing = False
            except StoreError:
                self.lost += 1
                raise
            if self._synced_ns is None or abs(item.stamp_ns - self._synced_ns) >= _SYNC_NS:
                self._synced_ns = item.stamp_ns
                self._sync_wanted.set()
        else:
            camera_id, stamp_ns, number, tracks = item
            self.archive.append_message(
                tracks_channel(self.archive.robot_id, camera_id),
                number,
                stamp_ns,
                tracks_message(camera_id, stamp_ns, number, self._model_id, tracks),
            )

    def _encoded(self, frame: Frame) -> Frame:
        if self.settings.format != PNG:
            return frame
        try:
            done, data = cv2.imencode(".png", frame.image)
        except FrameError:
            return frame  # it does not decode: kept as it came
        return Frame(frame.camera_id, frame.stamp_ns, frame.number, data.tobytes(), frame.frame_id) if done else frame

    def _try(self, work: Callable, *arguments) -> None:
        try:
            work(*arguments)
        except StoreError as error:
            self._fail(str(error))
        except Exception as error:  # a thread that died would be a memory that ended without a word
            self._fail(f"unexpected {type(error).__name__} while frames were stored in {self.archive.path}: {error}")

    def _fail(self, sentence: str) -> None:
        with self._condition:
            if not self._failing:
                self._errors.append(sentence)
            self._failing = True


def _size(item: Frame | tuple) -> int:
    return len(item.jpeg) if isinstance(item, Frame) else _TRACK_BYTES * len(item[3])
