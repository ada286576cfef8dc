"""Measurement of the frames of one camera in one stage."""

import threading
from collections import deque
from dataclasses import dataclass
from statistics import median

WINDOW_S = 5.0
# A stage never holds more frames than this; older ones were dropped.
_MOST_WAITING = 300


@dataclass(frozen=True)
class StageFigures:
    """A camera's frames in a stage: rates, shares and times over the last ``WINDOW_S``, counts since the start.

    :param frames: arrived.
    :param dropped: arrived, but neither finished nor failed before a later frame was.
    :param lost: lost before they arrived, as far as their sequence numbers show.
    :param failed: could not be used.
    :param rate_in: frames a second that arrived; ``rate_out``: that were finished.
    :param dropped_lately: share of the frames dropped or lost, 0 to 1.
    :param took_ms: work on a frame, median; NaN if none was finished.
    :param waited_ms: from arrival to finish, median; NaN likewise.
    :param silent_s: since the last frame arrived; None before the first.
    :param stuck_s: how long the oldest waiting frame has waited; 0 if none waits.
    :param running_s: since the start.
    :param error: the last failure; empty: none.
    :param error_ago_s: since that failure; None: none.
    """

    frames: int
    dropped: int
    lost: int
    failed: int
    rate_in: float
    rate_out: float
    dropped_lately: float
    took_ms: float
    waited_ms: float
    silent_s: float | None
    stuck_s: float
    running_s: float
    error: str
    error_ago_s: float | None


class StageMeter:
    """Counts frames as they arrive in a stage and leave it. Thread-safe.

    A stage finishes frames in order, so frames that arrived before a finished one and still wait were dropped.

    :param now_s: start. All times are of one steady clock, seconds.
    """

    def __init__(self, now_s: float):
        self._lock = threading.Lock()
        self._started_s = now_s
        self._last_arrival_s: float | None = None
        self._waiting: deque[tuple[int, float]] = deque()
        self._arrivals: deque[float] = deque()
        #: Time, seconds of work and seconds in the stage of each finished frame.
        self._finished: deque[tuple[float, float, float]] = deque()
        self._drops: deque[tuple[float, int]] = deque()
        self._frames = self._dropped = self._lost = self._failed = 0
        self._error, self._error_s = "", float("nan")

    def arrived(self, stamp_ns: int, now_s: float) -> None:
        """Count a frame that arrived."""
        with self._lock:
            self._frames += 1
            self._last_arrival_s = now_s
            self._arrivals.append(now_s)
            self._waiting.append((stamp_ns, now_s))
            if len(self._waiting) > _MOST_WAITING:
                self._waiting.popleft()
                self._drop(1, now_s)
            self._forget(now_s)

    def finished(self, stamp_ns: int, now_s: float, took_s: float) -> None:
        """Count a frame that was finished after ``took_s`` of work."""
        with self._lock:
            arrived_s = self._leave(stamp_ns, now_s)
            self._finished.append((now_s, took_s, took_s if arrived_s is None else now_s - arrived_s))
            self._forget(now_s)

    def lost(self, count: int, now_s: float) -> None:
        """Count frames that were lost before they arrived."""
        with self._lock:
            self._lost += count
            self._drops.append((now_s, count))

    def failed(self, stamp_ns: int | None, now_s: float, message: str) -> None:
        """Count a failure, and the frame of that stamp as gone if one is given."""
        with self._lock:
            if stamp_ns is not None:
                self._leave(stamp_ns, now_s)
            self._failed += 1
            self._error, self._error_s = message, now_s

    def figures(self, now_s: float) -> StageFigures:
        """The figures as of now."""
        with self._lock:
            self._forget(now_s)
            span_s = min(WINDOW_S, max(now_s - self._started_s, 0.1))
            drops = sum(count for _, count in self._drops)
            left = drops + len(self._finished)
            return StageFigures(
                self._frames,
                self._dropped,
                self._lost,
                self._failed,
                len(self._arrivals) / span_s,
                len(self._finished) / span_s,
                drops / left if left else 0.0,
                1e3 * median(took for _, took, _ in self._finished) if self._finished else float("nan"),
                1e3 * median(waited for _, _, waited in self._finished) if self._finished else float("nan"),
                None if self._last_arrival_s is None else now_s - self._last_arrival_s,
                now_s - self._waiting[0][1] if self._waiting else 0.0,
                now_s - self._started_s,
                self._error,
                now_s - self._error_s if self._error else None,
            )

    def _leave(self, stamp_ns: int, now_s: float) -> float | None:
        """Remove a frame and those before it; returns its arrival, None if it never arrived."""
        if all(stamp != stamp_ns for stamp, _ in self._waiting):
            return None
        dropped = 0
        while True:
            stamp, arrived_s = self._waiting.popleft()
            if stamp == stamp_ns:
                break
            dropped += 1
        if dropped:
            self._drop(dropped, now_s)
        return arrived_s

    def _drop(self, count: int, now_s: float) -> None:
        self._dropped += count
        self._drops.append((now_s, count))

    def _forget(self, now_s: float) -> None:
        since_s = now_s - WINDOW_S
        while self._arrivals and self._arrivals[0] < since_s:
            self._arrivals.popleft()
        for entries in (self._finished, self._drops):
            while entries and entries[0][0] < since_s:
                entries.popleft()
