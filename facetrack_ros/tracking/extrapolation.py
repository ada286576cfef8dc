"""Extrapolation of tracks to frames without a detector result."""

from dataclasses import replace

import numpy as np

from facetrack_ros.core.track import Track, TrackState
from facetrack_ros.tracking.settings import SECOND_NS

#: Longest extrapolation, chosen by hand.
MAX_EXTRAPOLATION_NS = SECOND_NS


class TrackExtrapolator:
    """Moves the tracks of one camera at the speed of their last two boxes; it does not count as a sighting."""

    def __init__(self):
        self._stamp_ns = 0
        self._tracks: tuple[Track, ...] = ()
        self._speeds: dict[str, np.ndarray] = {}

    def update(self, stamp_ns: int, tracks: tuple[Track, ...]) -> None:
        """Take all tracks as of an analysed frame."""
        passed_ns, before = stamp_ns - self._stamp_ns, {track.track_id: track.bbox for track in self._tracks}
        self._speeds = {
            track.track_id: (track.bbox - before[track.track_id]) / passed_ns
            for track in tracks
            if track.state == TrackState.TRACKING and track.track_id in before and passed_ns > 0
        }
        self._stamp_ns, self._tracks = stamp_ns, tracks

    def at(self, stamp_ns: int) -> tuple[Track, ...]:
        """The tracks at a stamp, without faces; lost tracks stay where they are, idle ones are left out.

        Where the last analysed frame is farther back than the longest extrapolation, who is in a box is not known well
        enough to be kept.
        """
        known = stamp_ns - self._stamp_ns <= MAX_EXTRAPOLATION_NS
        passed_ns = min(max(0, stamp_ns - self._stamp_ns), MAX_EXTRAPOLATION_NS)
        return tuple(
            replace(
                track,
                face=None,
                kept=track.kept and known,
                bbox=np.asarray(track.bbox + self._speeds.get(track.track_id, 0.0) * passed_ns, np.float32),
            )
            for track in self._tracks
            if track.state != TrackState.IDLE
        )
