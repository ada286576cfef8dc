"""A track: one person followed in one camera without a break."""

import enum
from dataclasses import dataclass

import numpy as np

from facetrack_ros.core.face import Face


class TrackState(enum.IntEnum):
    """State of a track; the values are those of ``Track.msg``."""

    #: No longer searched for.
    IDLE = 0
    #: Detected in the last analysed frame.
    TRACKING = 1
    #: Not detected for some frames, one by default.
    LOST = 2


@dataclass(frozen=True, eq=False)
class Track:
    """One track as of one frame.

    :param track_id: unique over the robot's life; starts with a letter (``t_robot1_front_12``).
    :param person_id: the person's id (``p_robot1_3``); empty while the track is not confirmed.
    :param bbox: ``(4,)`` float32, ``x1, y1, x2, y2`` in pixels; of a lost track the last one.
    :param confidence: 0..1.
    :param face: the face found in this frame, or None.
    """

    track_id: str
    person_id: str
    state: TrackState
    bbox: np.ndarray
    confidence: float
    face: Face | None = None
