"""Offset of a camera's clock."""

from collections import deque
from statistics import median_low

from facetrack_ros.history.clock_offsets import OFF_NS, describe_offset

# Frames of a few seconds: one late frame changes nothing, a clock that is set is noticed soon.
KEPT = 60
LEAST = 5


class CameraClock:
    """Offset of a camera's clock from the robot's: the median of arrival minus stamp over the last frames."""

    def __init__(self) -> None:
        self._behind: deque[int] = deque(maxlen=KEPT)
        self._stamps: deque[int] = deque(maxlen=KEPT)

    def add(self, stamp_ns: int, arrived_ns: int | None) -> None:
        """Add a frame.

        :param arrived_ns: by the robot's clock; None: not known, the frame is ignored.
        """
        if arrived_ns is not None:
            self._behind.append(arrived_ns - stamp_ns)
            self._stamps.append(stamp_ns)

    @property
    def behind_ns(self) -> int | None:
        """How far the camera's clock is behind the robot's; negative: ahead; None: too few frames."""
        behind = tuple(self._behind)
        return median_low(behind) if len(behind) >= LEAST else None

    @property
    def since_ns(self) -> int | None:
        """Stamp of the first frame of the measurement; None before one came."""
        stamps = tuple(self._stamps)
        return stamps[0] if stamps else None

    @property
    def off(self) -> bool:
        """Whether the offset is more than the transport of frames explains."""
        behind_ns = self.behind_ns
        return behind_ns is not None and abs(behind_ns) > OFF_NS

    def sentence(self, camera_id: str) -> str:
        """The offset as a sentence; empty if the clock is right."""
        behind_ns = self.behind_ns
        return describe_offset(camera_id, behind_ns) if behind_ns is not None and self.off else ""
