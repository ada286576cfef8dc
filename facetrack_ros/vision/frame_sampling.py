"""Which frames of a camera are worth a look at all."""

import enum

import cv2
import numpy as np

from facetrack_ros.config import Config
from facetrack_ros.core.frame import Frame

_SECOND_NS = 1_000_000_000


class FrameDecision(enum.Enum):
    """What a frame is worth."""

    ANALYZE = "look"
    #: The detector's turn has not come: people are where they should be by now.
    SKIP = "between"
    #: The picture is that of the frame looked at last: so is what is in it.
    UNCHANGED = "still"


class FrameSampler:
    """Judges the frames of one camera, in their order.

    :param rate_hz: how often a second the detector looks at most; 0: at every frame.
    :param still_below: a frame is still where it differs by fewer grey levels, anywhere, at an eighth of its size, from
        the last one that was worth a look; 0: no frame is.
    """

    def __init__(self, rate_hz: float = 0.0, still_below: float = 0.0):
        self._rate_hz, self._still_below = rate_hz, still_below
        self._turn: int | None = None
        self._glance: np.ndarray | None = None

    @classmethod
    def of_config(cls, config: Config) -> "FrameSampler":
        """As the settings say."""
        return cls(config.detector.rate_hz, config.detector.still_below)

    def judge(self, frame: Frame) -> FrameDecision:
        """What a frame is worth; whoever asks looks at it where it is worth that."""
        if self._rate_hz:
            # Turns of a fixed clock: cameras whose frames come unevenly are looked at as often as asked for all the same.
            turn = int(frame.stamp_ns * self._rate_hz / _SECOND_NS)
            if turn == self._turn:
                return FrameDecision.SKIP
            self._turn = turn
        if self._still_below:
            glance = _glance(frame)
            before, still = self._glance, False
            if glance is not None and before is not None and glance.shape == before.shape:
                still = float(cv2.absdiff(glance, before).max()) < self._still_below
            if still:
                return FrameDecision.UNCHANGED
            self._glance = glance
        return FrameDecision.ANALYZE


def _glance(frame: Frame) -> np.ndarray | None:
    """The frame in grey at an eighth of its size, smoothed over its noise; None where it cannot be read."""
    try:
        small = (
            cv2.imdecode(np.frombuffer(frame.jpeg, np.uint8), cv2.IMREAD_REDUCED_GRAYSCALE_8) if frame.jpeg else None
        )
    except cv2.error:
        return None
    return None if small is None else cv2.blur(small, (3, 3))
