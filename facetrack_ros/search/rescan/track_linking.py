"""Whose face it is that a rescan found: somebody's who was followed then, or one that goes on from another."""

from dataclasses import dataclass

import numpy as np

from facetrack_ros.core.face import Face
from facetrack_ros.core.track import Track, TrackState

# Faces of one visit lie closer than this; as long as a person may be out of sight before having left.
_GAP_NS = 2_000_000_000


@dataclass
class _Chain:
    track_id: str
    stamp_ns: int
    embedding: np.ndarray


class RescanTracks:
    """Gives each face found a track and, where one is known, a person.

    :param threshold: lowest similarity of two faces of one person.
    """

    def __init__(self, threshold: float) -> None:
        self._threshold = threshold
        self._chains: dict[str, list[_Chain]] = {}

    def whose(self, camera_id: str, stamp_ns: int, face: Face, followed: tuple[Track, ...]) -> tuple[str, str]:
        """Track and person of a face; the person is empty where nobody was followed there.

        :param face: with its embedding.
        :param followed: who was followed in that frame.
        """
        track = _around(face, followed)
        if track is not None:
            return track.track_id, track.person_id
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


def _around(face: Face, followed: tuple[Track, ...]) -> Track | None:
    """Who was seen where this face is: the smallest box around its centre."""
    x, y = (face.bbox[:2] + face.bbox[2:]) / 2
    around = [
        track
        for track in followed
        if track.state == TrackState.TRACKING
        and track.bbox[0] <= x <= track.bbox[2]
        and track.bbox[1] <= y <= track.bbox[3]
    ]
    return min(around, key=lambda track: float(np.prod(track.bbox[2:] - track.bbox[:2])), default=None)
