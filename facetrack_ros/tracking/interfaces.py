"""Interface between the camera tracker and the algorithms that link boxes to tracks."""

from typing import Protocol

import numpy as np

from facetrack_ros.tracking.observation import Observation


class Tracker(Protocol):
    """Links the boxes of one camera's frames to tracks."""

    def update(self, stamp_ns: int, observation: Observation) -> np.ndarray:
        """The key of each row's track, ``(n,)`` int64; -1 for a row without one.

        :param stamp_ns: later than that of the update before; a frame without persons is an update too.
        """

    def began(self, key: int) -> tuple[int, np.ndarray] | None:
        """Stamp and box of a track's first frame, which may precede the first use of its key; None where unknown."""
