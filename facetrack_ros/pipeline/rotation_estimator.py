"""Estimate of the angle by which a camera's pictures must be turned, from the faces in them."""

from collections import deque

import numpy as np

from facetrack_ros.core.face import Face
from facetrack_ros.vision.faces.upright import UPSIDE_DOWN, clockwise_roll
from facetrack_ros.vision.frame_analysis import FrameAnalysis

_SECOND_NS = 1_000_000_000
# Chosen by hand: a camera is judged by a few frames that agree, so that little is missed before; a person on their head
# must not turn a camera that is known to be upright.
FIRST_FRAMES = 5
LATER_FRAMES, LATER_S = 30, 10.0
#: Turned between two people where there is such a moment within this time: tracks end when a picture is turned.
PATIENCE_S = 30.0
#: Seconds between two frames that are searched in all directions, while no face has shown the direction; each search
#: without a face doubles them, up to the second number.
SEARCH_EVERY_S, SEARCH_SELDOM_S = 1.0, 16.0


class RotationEstimator:
    """Collects what the frames of one camera say; its angles are clockwise degrees from the picture as it came.

    :ivar degrees: the estimate in force: 0, 90, 180 or 270.
    :ivar frames: number of frames that it rests on; 0 before the first estimate.
    """

    def __init__(self) -> None:
        self.degrees, self.frames = 0, 0
        self._votes: deque[tuple[int, int]] = deque(maxlen=LATER_FRAMES)
        self._next_search_ns, self._interval_ns = 0, int(SEARCH_EVERY_S * _SECOND_NS)
        self._differs_since_ns: int | None = None

    def needs_search(self, stamp_ns: int) -> bool:
        """Whether a frame of that time is to be searched in all directions; it counts as searched then."""
        if self.frames or 0 <= self._next_search_ns - stamp_ns <= self._interval_ns:
            return False
        self._next_search_ns = stamp_ns + self._interval_ns
        self._interval_ns = min(2 * self._interval_ns, int(SEARCH_SELDOM_S * _SECOND_NS))
        return True

    def add(self, stamp_ns: int, rotation: int, analysis: FrameAnalysis) -> bool:
        """Take a frame's analysis; returns whether the estimate in force has changed.

        :param rotation: the angle by which the analysed picture was turned.
        """
        relative = degrees_of_faces(analysis)
        if relative is not None:
            self._votes.append((stamp_ns, (rotation + relative) % 360))
            self._interval_ns = int(SEARCH_EVERY_S * _SECOND_NS)
        agreed = self._agreed()
        if agreed is None or agreed == self.degrees:
            self._differs_since_ns = None
            self.frames = self.frames or (FIRST_FRAMES if agreed is not None else 0)
            return False
        if self._differs_since_ns is None:
            self._differs_since_ns = stamp_ns
        if len(analysis.detections) and stamp_ns - self._differs_since_ns < PATIENCE_S * _SECOND_NS:
            return False
        self.degrees, self.frames, self._differs_since_ns = agreed, len(self._votes), None
        return True

    def _agreed(self) -> int | None:
        """The angle that the newest votes agree in, None where they are too few or differ."""
        votes = list(self._votes) if self.frames else list(self._votes)[-FIRST_FRAMES:]
        if len(votes) < (LATER_FRAMES if self.frames else FIRST_FRAMES) or len({degrees for _, degrees in votes}) > 1:
            return None
        if self.frames and votes[-1][0] - votes[0][0] < LATER_S * _SECOND_NS:
            return None
        return votes[-1][1]


def degrees_of_faces(analysis: FrameAnalysis) -> int | None:
    """Degrees clockwise by which a frame's picture must be turned further, as all its usable faces say; None where they
    are none or differ."""
    votes = {_degrees_of_face(face) for face in analysis.faces if face.rejected in ("", UPSIDE_DOWN)}
    if not votes and analysis.degrees_to_upright is not None:
        return analysis.degrees_to_upright
    return votes.pop() if len(votes) == 1 else None


def _degrees_of_face(face: Face) -> int | None:
    if not np.isfinite(face.landmarks[:2]).all():
        return None
    # The landmarks of a face that is head down are those of an upright one.
    roll = clockwise_roll(face.landmarks) + (180 if face.rejected else 0)
    return round(-roll / 90) * 90 % 360
