"""Tracks of the faces that a rescan finds: stored ones, or new ones that link similar faces."""

from dataclasses import dataclass

import numpy as np

from facetrack_ros.core.face import Face
from facetrack_ros.core.track import Track, TrackState

# Longest gap between two faces of one new track: the default of tracking.exit_after_s.
_GAP_NS = 2_000_000_000


@dataclass
class _NewTrack:
    track_id: str
    stamp_ns: int
    embedding: np.ndarray


class TrackLinker:
    """Assigns each face found a track and, if known, a person.

    :param threshold: lowest similarity of two faces of one person.
    """

    def __init__(self, threshold: float) -> None:
        self._threshold = threshold
        self._new_tracks: dict[str, list[_NewTrack]] = {}

    def assign(self, camera_id: str, stamp_ns: int, face: Face, tracks: tuple[Track, ...]) -> tuple[str, str]:
        """Track id and person id of a face; a new track ``r_CAMERA_STAMP`` has no person.

        :param face: with its embedding.
        :param tracks: stored tracks of its frame.
        """
        track = _track_around(face, tracks)
        if track is not None:
            return track.track_id, track.person_id
        embedding = face.embedding
        assert embedding is not None
        new_tracks = self._new_tracks.setdefault(camera_id, [])
        new_tracks[:] = [each for each in new_tracks if abs(each.stamp_ns - stamp_ns) <= _GAP_NS]
        others = [each for each in new_tracks if each.stamp_ns != stamp_ns]  # two faces of one frame are of two people
        best = max(others, key=lambda each: float(each.embedding @ embedding), default=None)
        if best is None or float(best.embedding @ embedding) < self._threshold:
            number = len(new_tracks) - len(others)
            track_id = f"r_{camera_id}_{stamp_ns}" + (f"_{number}" if number else "")
            best = _NewTrack(track_id, stamp_ns, embedding)
            new_tracks.append(best)
        best.stamp_ns, best.embedding = stamp_ns, embedding
        return best.track_id, ""


def _track_around(face: Face, tracks: tuple[Track, ...]) -> Track | None:
    """The track of the smallest box around the face's centre."""
    x, y = (face.bbox[:2] + face.bbox[2:]) / 2
    around = [
        track
        for track in tracks
        if track.state == TrackState.TRACKING
        and track.bbox[0] <= x <= track.bbox[2]
        and track.bbox[1] <= y <= track.bbox[3]
    ]
    return min(around, key=lambda track: float(np.prod(track.bbox[2:] - track.bbox[:2])), default=None)
