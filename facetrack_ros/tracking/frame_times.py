"""The analysed frames of one camera, and the time between them in which it was not watched."""

from collections import deque

#: Frames that lie further apart leave the camera unwatched.
WATCHED_NS = 1_000_000_000
#: The longest unwatched time that a visit outlasts: a robot that stopped for longer does not know who stayed.
MAX_UNWATCHED_NS = 4_000_000_000


class FrameTimes:
    """The last analysed frames of a camera, in order of their stamps."""

    def __init__(self) -> None:
        self._frames: deque[tuple[int, int]] = deque()

    @property
    def last_ns(self) -> int | None:
        """Stamp of the last frame; None before the first."""
        return self._frames[-1][0] if self._frames else None

    def add(self, stamp_ns: int, number: int) -> None:
        """Add a frame that is later than all others."""
        self._frames.append((stamp_ns, number))

    def drop_before(self, stamp_ns: int) -> None:
        """Drop the frames before a stamp."""
        while self._frames and self._frames[0][0] < stamp_ns:
            self._frames.popleft()

    def clear(self) -> None:
        """Drop all frames."""
        self._frames.clear()

    def number_at(self, stamp_ns: int, default: int) -> int:
        """Number of the last frame up to a stamp."""
        return next((number for frame_ns, number in reversed(self._frames) if frame_ns <= stamp_ns), default)

    def watched_again_ns(self, stamp_ns: int, now_ns: int) -> int:
        """When the camera was watched again, if it was not at a stamp: only then can an absence be told.

        A loaded robot skips frames, and a camera may pause; a person is out of sight then because the robot does not
        watch. After more than :data:`MAX_UNWATCHED_NS` absence is assumed.

        :returns: ``stamp_ns`` itself if the camera was watched then; later than ``now_ns`` if it still is not.
        """
        before_ns, after_ns = None, now_ns + 1
        for frame_ns, _ in reversed(self._frames):
            if frame_ns < stamp_ns:
                before_ns = frame_ns
                break
            after_ns = frame_ns
        if before_ns is None or not WATCHED_NS < after_ns - before_ns <= MAX_UNWATCHED_NS:
            return stamp_ns
        return after_ns
