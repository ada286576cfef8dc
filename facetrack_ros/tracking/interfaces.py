"""What the tracking asks of whatever joins boxes to tracks."""

from typing import Protocol

import numpy as np

from facetrack_ros.tracking.observation import Observation


class Tracker(Protocol):
    """Follows boxes through the frames of one camera."""

    def update(self, stamp_ns: int, observation: Observation) -> np.ndarray:
        """The key of each row's track, ``(n,)`` int64; -1 where a row is not followed.

        :param stamp_ns: later than that of the update before; a frame without persons is an update too.
        """

    def began(self, key: int) -> tuple[int, np.ndarray] | None:
        """Stamp and box of a track's first frame, where that was before its key was told; None where it is not known."""
