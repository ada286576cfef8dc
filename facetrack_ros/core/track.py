"""A track: one person followed in one camera without a break."""

import enum
from collections.abc import Iterable
from dataclasses import dataclass, replace

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
    :param kept: whether this part of the frame may be stored. With ``recognition.keep: watchlist``, only where the face
        matched an enrolled person a moment ago; else always.
    :param face_kept: whether the face's embedding may be stored and sent; with ``watchlist`` only if it matches an
        enrolled person itself.
    """

    track_id: str
    person_id: str
    state: TrackState
    bbox: np.ndarray
    confidence: float
    face: Face | None = None
    kept: bool = True
    face_kept: bool = True


def without_other_faces(tracks: Iterable[Track]) -> tuple[Track, ...]:
    """The tracks without the embeddings that may not be kept."""
    return tuple(
        track if track.face_kept or track.face is None else replace(track, face=replace(track.face, embedding=None))
        for track in tracks
    )
