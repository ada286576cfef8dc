"""Whose face it is that a rescan found: somebody's who was followed then, or one that goes on from another."""

from dataclasses import dataclass

import numpy as np

from facetrack_ros.tracking.track import Track, TrackState
from facetrack_ros.vision.face import Face

# Frames of one visit lie closer than this; as long as a person may be out of sight before having left.
_GAP_NS = 2_000_000_000
_AROUND_NS = 5_000_000_000


@dataclass
class _Chain:
    track_id: str
    stamp_ns: int
    embedding: np.ndarray


class RescanTracks:
    """Gives each face found a track and, where one is known, a person.

    :param frames: tells who was followed: ``tracks(camera_id, start_ns, end_ns)``.
    :param threshold: lowest similarity of two faces of one person.
    """

    def __init__(self, frames, threshold: float) -> None:
        self._frames = frames
        self._threshold = threshold
        self._chains: "dict[str, list[_Chain]]" = {}
        self._read: "dict[str, tuple[int, int, dict[int, tuple[Track, ...]]]]" = {}

    def whose(self, camera_id: str, stamp_ns: int, face: Face) -> "tuple[str, str]":
        """Track and person of a face. The person is empty where nobody was followed there.

        :param face: with its embedding.
        """
        followed = self._followed(camera_id, stamp_ns, face)
        if followed is not None:
            return followed.track_id, followed.person_id
        chains = self._chains.setdefault(camera_id, [])
        chains[:] = [chain for chain in chains if abs(chain.stamp_ns - stamp_ns) <= _GAP_NS]
        alike = [(float(chain.embedding @ face.embedding), chain) for chain in chains if chain.stamp_ns != stamp_ns]
        similarity, chain = max(alike, key=lambda one: one[0], default=(0.0, None))
        if chain is None or similarity < self._threshold:
            number = sum(other.stamp_ns == stamp_ns for other in chains)
            chain = _Chain(f"r_{camera_id}_{stamp_ns}" + (f"_{number}" if number else ""), stamp_ns, face.embedding)
            chains.append(chain)
        chain.stamp_ns, chain.embedding = stamp_ns, face.embedding
        return chain.track_id, ""

    def _followed(self, camera_id: str, stamp_ns: int, face: Face) -> "Track | None":
        """Who was seen where this face is: the smallest box around its centre."""
        x, y = (face.bbox[:2] + face.bbox[2:]) / 2
        around = [track for track in self._tracks(camera_id, stamp_ns)
                  if track.state == TrackState.TRACKING
                  and track.bbox[0] <= x <= track.bbox[2] and track.bbox[1] <= y <= track.bbox[3]]
        return min(around, key=lambda track: float(np.prod(track.bbox[2:] - track.bbox[:2])), default=None)

    def _tracks(self, camera_id: str, stamp_ns: int) -> "tuple[Track, ...]":
        start, end, tracks = self._read.get(camera_id, (0, -1, {}))
        if not start <= stamp_ns <= end:
            start, end = stamp_ns - _AROUND_NS, stamp_ns
            tracks = self._frames.tracks(camera_id, start, end)
            self._read[camera_id] = (start, end, tracks)
        return tracks.get(stamp_ns, ())
