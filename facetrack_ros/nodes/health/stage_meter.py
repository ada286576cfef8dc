"""What passes through a stage of a robot, measured for one camera."""

import threading
from collections import deque
from dataclasses import dataclass
from statistics import median

WINDOW_S = 5.0
# More frames than this never wait in a stage; whatever is older was dropped.
_MOST_WAITING = 300


@dataclass(frozen=True)
class StageFigures:
    """A camera's frames in a stage. Rates, drops and times are of the last seconds, the totals since its start.

    :param frames: that came in, in all.
    :param dropped: that gave way unlooked at, in all.
    :param lost: that never came in, as far as their sender's count tells, in all.
    :param failed: that could not be used, in all.
    :param rate_in: frames a second that came in.
    :param rate_out: frames a second that were done.
    :param dropped_lately: share of the frames dropped or lost, 0 to 1.
    :param took_ms: the work itself, median, NaN while nothing was done.
    :param waited_ms: from coming in to being done, median, NaN likewise.
    :param silent_s: since the last frame came in, None before the first.
    :param stuck_s: how long the frame has waited that came first of those that wait; 0 where none does.
    :param running_s: since the stage began.
    :param error: the last thing that went wrong, empty: nothing.
    :param error_ago_s: how long ago that was, None: never.
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
    """Counts frames as they come into a stage and leave it. Safe to use from several threads.

    A stage keeps to the order of its frames: whatever came before the frame that is done, and is not done, was dropped.

    :param now_s: times are handed in, from one steady clock, seconds.
    """

    def __init__(self, now_s: float):
        self._lock = threading.Lock()
        self._began_s = now_s
        self._came_s: float | None = None
        self._waiting: deque[tuple[int, float]] = deque()
        self._in: deque[float] = deque()
        self._out: deque[tuple[float, float, float]] = deque()
        self._drops: deque[tuple[float, int]] = deque()
        self._frames = self._dropped = self._lost = self._failed = 0
        self._error, self._error_s = "", None

    def came(self, stamp_ns: int, now_s: float) -> None:
        """A frame came in."""
        with self._lock:
            self._frames += 1
            self._came_s = now_s
            self._in.append(now_s)
            self._waiting.append((stamp_ns, now_s))
            if len(self._waiting) > _MOST_WAITING:
                self._waiting.popleft()
                self._drop(1, now_s)
            self._forget(now_s)

    def done(self, stamp_ns: int, now_s: float, took_s: float) -> None:
        """A frame is done, after so much work."""
        with self._lock:
            came_s = self._leave(stamp_ns, now_s)
            self._out.append((now_s, took_s, now_s - (came_s if came_s is not None else now_s - took_s)))
            self._forget(now_s)

    def lost(self, count: int, now_s: float) -> None:
        """Frames got lost before they came in."""
        with self._lock:
            self._lost += count
            self._drops.append((now_s, count))

    def failed(self, stamp_ns: int | None, now_s: float, sentence: str) -> None:
        """Something went wrong; where it was with a frame, that one is no longer waited for."""
        with self._lock:
            if stamp_ns is not None:
                self._leave(stamp_ns, now_s)
            self._failed += 1
            self._error, self._error_s = sentence, now_s

    def figures(self, now_s: float) -> StageFigures:
        """How it goes."""
        with self._lock:
            self._forget(now_s)
            span_s = min(WINDOW_S, max(now_s - self._began_s, 0.1))
            drops = sum(count for _, count in self._drops)
            leaving = drops + len(self._out)
            return StageFigures(
                self._frames,
                self._dropped,
                self._lost,
                self._failed,
                len(self._in) / span_s,
                len(self._out) / span_s,
                drops / leaving if leaving else 0.0,
                1e3 * median(took for _, took, _ in self._out) if self._out else float("nan"),
                1e3 * median(waited for _, _, waited in self._out) if self._out else float("nan"),
                None if self._came_s is None else now_s - self._came_s,
                now_s - self._waiting[0][1] if self._waiting else 0.0,
                now_s - self._began_s,
                self._error,
                None if self._error_s is None else now_s - self._error_s,
            )

    def _leave(self, stamp_ns: int, now_s: float) -> float | None:
        """When the frame came in; None where it never did."""
        if all(stamp != stamp_ns for stamp, _ in self._waiting):
            return None
        passed = 0
        while True:
            stamp, came_s = self._waiting.popleft()
            if stamp == stamp_ns:
                break
            passed += 1
        if passed:
            self._drop(passed, now_s)
        return came_s

    def _drop(self, count: int, now_s: float) -> None:
        self._dropped += count
        self._drops.append((now_s, count))

    def _forget(self, now_s: float) -> None:
        since = now_s - WINDOW_S
        while self._in and self._in[0] < since:
            self._in.popleft()
        for timed in (self._out, self._drops):
            while timed and timed[0][0] < since:
                timed.popleft()
