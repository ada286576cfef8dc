"""Where people are in frames that no detector looked at."""

from dataclasses import replace

import numpy as np

from facetrack_ros.core.track import Track, TrackState
from facetrack_ros.tracking.settings import SECOND_NS

#: Nobody is carried on further than this from where they were seen.
LONGEST_NS = SECOND_NS


class TrackExtrapolator:
    """Carries the tracks of one camera on, each at the speed of its last two boxes.

    It only shows where people should be by now: nobody counts as seen or missed by it.
    """

    def __init__(self):
        self._stamp_ns = 0
        self._tracks: tuple[Track, ...] = ()
        self._speeds: dict[str, np.ndarray] = {}

    def update(self, stamp_ns: int, tracks: tuple[Track, ...]) -> None:
        """Take everybody followed as of a frame that was looked at."""
        passed_ns, before = stamp_ns - self._stamp_ns, {track.track_id: track.bbox for track in self._tracks}
        self._speeds = {
            track.track_id: (track.bbox - before[track.track_id]) / passed_ns
            for track in tracks
            if track.state == TrackState.TRACKING and track.track_id in before and passed_ns > 0
        }
        self._stamp_ns, self._tracks = stamp_ns, tracks

    def at(self, stamp_ns: int) -> tuple[Track, ...]:
        """The tracks as they should be at a stamp; no faces, and nobody who is lost or has gone is moved."""
        passed_ns = min(max(0, stamp_ns - self._stamp_ns), LONGEST_NS)
        return tuple(
            replace(
                track,
                face=None,
                bbox=np.asarray(track.bbox + self._speeds.get(track.track_id, 0.0) * passed_ns, np.float32),
            )
            for track in self._tracks
            if track.state != TrackState.IDLE
        )
