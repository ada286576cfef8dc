"""A track: one person followed in one camera, without a break."""

import enum
from dataclasses import dataclass

import numpy as np

from facetrack_ros.core.face import Face


class TrackState(enum.IntEnum):
    """What is known of a track now. The values are those of ``Track.msg``."""

    IDLE = 0
    TRACKING = 1
    LOST = 2


@dataclass(frozen=True, eq=False)
class Track:
    """One followed person as of one frame.

    :param track_id: unique over the robot's life; starts with a letter (``t_robot1_front_12``).
    :param person_id: who it is (``p_robot1_3``), empty while the track is not confirmed.
    :param state: tracking when seen, lost after some frames without (one, by default), idle when no longer looked for.
    :param bbox: ``(4,)`` float32, ``x1, y1, x2, y2`` in pixels; the last seen one when lost.
    :param confidence: 0..1.
    :param face: the face seen in this frame, None when there is none.
    """

    track_id: str
    person_id: str
    state: TrackState
    bbox: np.ndarray
    confidence: float
    face: Face | None = None
