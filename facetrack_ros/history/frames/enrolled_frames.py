"""Frames of a history that keeps enrolled people only: each waits for its tracks, then only those people remain."""

import threading
from collections import OrderedDict

from facetrack_ros.core.frame import Frame
from facetrack_ros.core.pictures.erasure import PersonRegion, with_regions
from facetrack_ros.core.track import Track, TrackState
from facetrack_ros.errors import FrameError

#: Frames of a camera that wait for their tracks, chosen by hand: two seconds of a camera with 30 frames a second.
MOST_WAITING = 60


class EnrolledFrames:
    """Frames in memory until their tracks are known. Thread-safe.

    A frame leaves it with its tracks, and with it all older ones of its camera; one that gets none is dropped.
    """

    def __init__(self) -> None:
        self._waiting: dict[str, OrderedDict[int, Frame]] = {}
        self._lock = threading.Lock()

    def add(self, frame: Frame) -> None:
        """Take a frame as it arrived."""
        with self._lock:
            waiting = self._waiting.setdefault(frame.camera_id, OrderedDict())
            waiting[frame.stamp_ns] = frame
            if len(waiting) > MOST_WAITING:
                waiting.popitem(last=False)

    def shown(self, camera_id: str, stamp_ns: int, tracks: tuple[Track, ...]) -> Frame | None:
        """The frame of exactly that stamp with what may be kept of it, encoded anew; None: nothing of it may, or it is
        gone.

        :param tracks: all tracks of the frame.
        """
        frame = self._take(camera_id, stamp_ns)
        kept = [PersonRegion.of_track(track) for track in tracks if track.kept]
        if frame is None or not kept:
            return None
        others = (track for track in tracks if not track.kept and track.state != TrackState.IDLE)
        try:
            return with_regions(frame, kept, map(PersonRegion.of_track, others), background=False)
        except FrameError:
            return None  # what cannot be decoded cannot be told apart

    def _take(self, camera_id: str, stamp_ns: int) -> Frame | None:
        with self._lock:
            waiting = self._waiting.get(camera_id, OrderedDict())
            frame = waiting.pop(stamp_ns, None)
            while waiting and next(iter(waiting)) < stamp_ns:
                waiting.popitem(last=False)
            return frame
