"""The last frames of one camera, kept in memory as the JPEG bytes that came in."""

import threading
from bisect import bisect_left, bisect_right, insort
from collections import deque
from dataclasses import dataclass, replace

from facetrack_ros.core.frame import Frame


@dataclass(frozen=True)
class RingStats:
    """What a ring holds. ``oldest_ns`` and ``newest_ns`` are None while it is empty."""

    frames: int
    bytes: int
    oldest_ns: int | None
    newest_ns: int | None


class FrameRing:
    """A bounded memory of frames, found by stamp or number. Safe to use from several threads.

    Frames are found by stamp whatever order they came in. The one that *came* first goes first: a clock
    that jumps back (a bag that loops, a simulation that restarts) then never locks new frames out. Two
    frames of one stamp are the same picture sent twice, the later one takes the place of the earlier.

    :param capacity: how many frames are kept, at least 1.
    """

    def __init__(self, capacity: int = 300) -> None:
        if capacity < 1:
            raise ValueError(f"a ring keeps at least 1 frame, not {capacity}")
        self._capacity = capacity
        self._lock = threading.Lock()
        self._arrival: deque[int] = deque()
        self._stamps: list[int] = []
        self._frames: dict[int, Frame] = {}
        self._bytes = 0

    def append(self, frame: Frame) -> None:
        """Keep a frame; when the ring is full, the one that came first makes room."""
        with self._lock:
            known = self._frames.get(frame.stamp_ns)
            if known is not None:
                self._bytes -= len(known.jpeg)
            else:
                if len(self._arrival) >= self._capacity:
                    self._drop_first()
                self._arrival.append(frame.stamp_ns)
                insort(self._stamps, frame.stamp_ns)
            self._frames[frame.stamp_ns] = encoded_only(frame)
            self._bytes += len(frame.jpeg)

    @property
    def capacity(self) -> int:
        """How many frames are kept."""
        return self._capacity

    def resize(self, capacity: int) -> None:
        """Keep so many frames from now on, at least 1; those too many go, the first to come first."""
        with self._lock:
            self._capacity = max(capacity, 1)
            while len(self._arrival) > self._capacity:
                self._drop_first()

    def near(self, stamp_ns: int, tolerance_ns: int) -> Frame | None:
        """The frame closest to a stamp, the earlier of two equally close ones.

        :param tolerance_ns: farthest it may be from ``stamp_ns``; 0 asks for that very stamp.
        """
        with self._lock:
            at = bisect_left(self._stamps, stamp_ns)
            close = [stamp for stamp in self._stamps[max(at - 1, 0) : at + 1] if abs(stamp - stamp_ns) <= tolerance_ns]
            if not close:
                return None
            return encoded_only(self._frames[min(close, key=lambda stamp: abs(stamp - stamp_ns))])

    def between(self, start_ns: int, end_ns: int) -> list[Frame]:
        """Frames with ``start_ns <= stamp <= end_ns``, in order of their stamps."""
        with self._lock:
            found = self._stamps[bisect_left(self._stamps, start_ns) : bisect_right(self._stamps, end_ns)]
            return [encoded_only(self._frames[stamp]) for stamp in found]

    def stats(self) -> RingStats:
        """How much is kept, and from when to when."""
        with self._lock:
            if not self._stamps:
                return RingStats(0, 0, None, None)
            return RingStats(len(self._stamps), self._bytes, self._stamps[0], self._stamps[-1])

    def clear(self) -> None:
        """Forget all frames."""
        with self._lock:
            self._arrival.clear()
            self._stamps.clear()
            self._frames.clear()
            self._bytes = 0

    def _drop_first(self) -> None:
        stamp = self._arrival.popleft()
        del self._stamps[bisect_left(self._stamps, stamp)]
        self._bytes -= len(self._frames.pop(stamp).jpeg)


def encoded_only(frame: Frame) -> Frame:
    """A copy without the decoded picture: a frame keeps that once asked for, and 300 of them are 800 MB.

    For whoever holds many frames, be it for a moment.
    """
    return replace(frame)
