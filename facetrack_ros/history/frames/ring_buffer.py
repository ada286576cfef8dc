"""The last frames of one camera in memory, as the JPEG bytes that were received."""

import threading
from bisect import bisect_left, bisect_right, insort
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace

from facetrack_ros.core.frame import Frame


@dataclass(frozen=True)
class RingStats:
    """Contents of a ring. ``oldest_ns`` and ``newest_ns`` are None while it is empty."""

    frames: int
    bytes: int
    oldest_ns: int | None
    newest_ns: int | None


class FrameRing:
    """A bounded buffer of frames, found by stamp. Thread-safe.

    The frame *received* first is dropped first, whatever its stamp: a clock that jumps back (a bag that loops, a
    simulation that restarts) never keeps new frames out. Of two frames of one stamp the later replaces the earlier.

    :param capacity: most frames, at least 1; also an attribute.
    """

    def __init__(self, capacity: int = 300) -> None:
        if capacity < 1:
            raise ValueError(f"a ring keeps at least 1 frame, not {capacity}")
        self.capacity = capacity
        self._lock = threading.Lock()
        self._arrival: deque[int] = deque()
        self._stamps: list[int] = []
        self._frames: dict[int, Frame] = {}
        self._bytes = 0

    def append(self, frame: Frame) -> None:
        """Add a frame; a full ring drops the one received first."""
        with self._lock:
            known = self._frames.get(frame.stamp_ns)
            if known is not None:
                self._bytes -= len(known.jpeg)
            else:
                if len(self._arrival) >= self.capacity:
                    self._drop_first()
                self._arrival.append(frame.stamp_ns)
                insort(self._stamps, frame.stamp_ns)
            self._frames[frame.stamp_ns] = encoded_only(frame)
            self._bytes += len(frame.jpeg)

    def resize(self, capacity: int) -> None:
        """Change the capacity, at least 1; surplus frames are dropped, those received first before others."""
        with self._lock:
            self.capacity = max(capacity, 1)
            while len(self._arrival) > self.capacity:
                self._drop_first()

    def remove(self, doomed: Callable[[int], bool]) -> None:
        """Drop the frames of some stamps."""
        with self._lock:
            gone = {stamp for stamp in self._stamps if doomed(stamp)}
            self._arrival = deque(stamp for stamp in self._arrival if stamp not in gone)
            self._stamps = [stamp for stamp in self._stamps if stamp not in gone]
            self._bytes -= sum(len(self._frames.pop(stamp).jpeg) for stamp in gone)

    def near(self, stamp_ns: int, tolerance_ns: int) -> Frame | None:
        """The frame closest to a stamp, the earlier of two equally close ones.

        :param tolerance_ns: greatest distance from ``stamp_ns``; 0: exactly that stamp.
        """
        with self._lock:
            at = bisect_left(self._stamps, stamp_ns)
            close = [stamp for stamp in self._stamps[max(at - 1, 0) : at + 1] if abs(stamp - stamp_ns) <= tolerance_ns]
            if not close:
                return None
            return encoded_only(self._frames[min(close, key=lambda stamp: abs(stamp - stamp_ns))])

    def between(self, start_ns: int, end_ns: int) -> list[Frame]:
        """Frames with ``start_ns <= stamp <= end_ns``, sorted by stamp."""
        with self._lock:
            found = self._stamps[bisect_left(self._stamps, start_ns) : bisect_right(self._stamps, end_ns)]
            return [encoded_only(self._frames[stamp]) for stamp in found]

    def stats(self) -> RingStats:
        """Number, size and first and last stamp of the frames."""
        with self._lock:
            if not self._stamps:
                return RingStats(0, 0, None, None)
            return RingStats(len(self._stamps), self._bytes, self._stamps[0], self._stamps[-1])

    def _drop_first(self) -> None:
        stamp = self._arrival.popleft()
        del self._stamps[bisect_left(self._stamps, stamp)]
        self._bytes -= len(self._frames.pop(stamp).jpeg)


def encoded_only(frame: Frame) -> Frame:
    """A copy without the decoded image, which a frame keeps: 300 images of 1280x720 take 800 MB."""
    return replace(frame)
