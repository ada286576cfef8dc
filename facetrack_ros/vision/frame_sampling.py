"""Selection of the frames of a camera that are analysed: by rate, and by change since the last one."""

import enum

import cv2
import numpy as np

from facetrack_ros.config import Config
from facetrack_ros.core.frame import Frame
from facetrack_ros.core.pictures.decoding import decode

_SECOND_NS = 1_000_000_000


class FrameDecision(enum.Enum):
    """What to do with a frame."""

    ANALYZE = "analyze"
    #: Not analysed; tracks are extrapolated to its time.
    SKIP = "skip"
    #: Shows the same as the last analysed frame; that frame's result stands for it.
    UNCHANGED = "unchanged"


class FrameSampler:
    """Decides which frames of one camera are analysed; called with every frame, in their order.

    :param rate_hz: analysed frames a second at most; 0: no limit.
    :param still_below: a frame is unchanged where every pixel, at an eighth of the frame's size, differs from the last
        analysed frame by fewer grey levels than this; 0: no frame is.
    """

    def __init__(self, rate_hz: float = 0.0, still_below: float = 0.0):
        self._rate_hz, self._still_below = rate_hz, still_below
        self._last_slot: int | None = None
        self._last_preview: np.ndarray | None = None

    @classmethod
    def of_config(cls, config: Config) -> "FrameSampler":
        """The sampler that the settings describe."""
        return cls(config.detector.rate_hz, config.detector.still_below)

    def decide(self, frame: Frame) -> FrameDecision:
        """Decide about a frame; after ``ANALYZE`` it counts as the last analysed one."""
        if self._rate_hz:
            # Slots of a fixed clock keep the rate even where frames arrive at uneven intervals.
            slot = int(frame.stamp_ns * self._rate_hz / _SECOND_NS)
            if slot == self._last_slot:
                return FrameDecision.SKIP
            self._last_slot = slot
        if self._still_below:
            preview = _preview(frame)
            if self._same_as_last(preview):
                return FrameDecision.UNCHANGED
            self._last_preview = preview
        return FrameDecision.ANALYZE

    def _same_as_last(self, preview: np.ndarray | None) -> bool:
        last = self._last_preview
        if preview is None or last is None or preview.shape != last.shape:
            return False
        return float(cv2.absdiff(preview, last).max()) < self._still_below


def _preview(frame: Frame) -> np.ndarray | None:
    """The frame in grey at an eighth of its size, smoothed against noise; None where it cannot be decoded."""
    small = decode(frame.jpeg, cv2.IMREAD_REDUCED_GRAYSCALE_8)
    return None if small is None else cv2.blur(small, (3, 3))
