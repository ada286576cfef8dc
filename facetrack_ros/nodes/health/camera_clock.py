"""How far a camera's clock is from the robot's."""

from collections import deque
from statistics import median

from facetrack_ros.history.clock_offsets import OFF_NS, describe_offset

# A few seconds of a camera: one late frame moves nothing, a clock that is set is noticed soon.
KEPT = 60
LEAST = 5


class CameraClock:
    """Measured against the frames' arrival: the median over the last ones."""

    def __init__(self):
        self._behind: deque[int] = deque(maxlen=KEPT)
        self._stamps: deque[int] = deque(maxlen=KEPT)

    def note(self, stamp_ns: int, arrived_ns: int | None) -> None:
        """A frame of that stamp arrived at that time by the robot's clock, None where that is not known."""
        if arrived_ns is not None:
            self._behind.append(arrived_ns - stamp_ns)
            self._stamps.append(stamp_ns)

    @property
    def behind_ns(self) -> int | None:
        """How far the camera's clock is behind the robot's, below zero: ahead of it; None while too few frames came."""
        behind = tuple(self._behind)
        return int(median(behind)) if len(behind) >= LEAST else None

    @property
    def since_ns(self) -> int | None:
        """The first stamp it is measured by, None before one came."""
        stamps = tuple(self._stamps)
        return stamps[0] if stamps else None

    @property
    def off(self) -> bool:
        """Whether the difference is more than what frames need on their way."""
        behind_ns = self.behind_ns
        return behind_ns is not None and abs(behind_ns) > OFF_NS

    def sentence(self, camera_id: str) -> str:
        """By how much it is off, empty where it is not."""
        behind_ns = self.behind_ns
        if behind_ns is None or not self.off:
            return ""
        return describe_offset(camera_id, behind_ns)
