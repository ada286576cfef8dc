"""Which faces are worth an embedding: those of people not known well yet, and better ones than before."""

import threading
from dataclasses import dataclass
from typing import Sequence

import numpy as np

from facetrack_ros.tracking.track import Track, TrackState
from facetrack_ros.vision.boxes import iou
from facetrack_ros.vision.face import Face

#: Person and track are the same where their boxes overlap at least so much.
SAME_BOX_IOU = 0.3


@dataclass
class _Known:
    """How many faces of a track were embedded, the quality of the best, the stamp of the last."""

    looks: int = 0
    best: float = 0.0
    stamp_ns: int = 0


class ImprovingFaces:
    """Remembers the best face embedded of each track of one camera. Threads may share it.

    It knows the tracks as of an earlier frame, as the tracker tells of a frame only after its faces.

    :param looks: so many faces of a track are embedded whatever their quality: it takes several to tell who is new.
    :param again_after_ns: a face of a track is embedded when that long none was, so that the history shows until when
        somebody was there.
    """

    def __init__(self, looks: int = 3, again_after_ns: int = 1_000_000_000):
        self._looks = looks
        self._again_after_ns = again_after_ns
        self._lock = threading.Lock()
        self._tracks: "tuple[Track, ...]" = ()
        self._known: "dict[str, _Known]" = {}

    def know(self, tracks: "tuple[Track, ...]") -> None:
        """Take everybody followed now. Who was lost is looked at anew: it may be somebody else who comes back."""
        with self._lock:
            self._tracks = tracks
            stay = {track.track_id for track in tracks if track.state != TrackState.LOST}
            self._known = {track_id: known for track_id, known in self._known.items() if track_id in stay}

    def choose(self, stamp_ns: int, persons: np.ndarray, faces: Sequence[Face]) -> "list[bool]":
        """Which faces to embed; takes for granted that it is done.

        :param stamp_ns: of the frame; one before those seen is a new recording.
        :param persons: ``(n, 4)`` boxes of the frame's persons.
        :param faces: of that frame; those turned down at the quality gate are not chosen.
        """
        with self._lock:
            tracks = self._tracks_of(np.asarray(persons, np.float32))
            return [not face.rejected and self._better(tracks.get(face.person), face.quality, stamp_ns) for face in faces]

    def _better(self, track_id: "str | None", quality: float, stamp_ns: int) -> bool:
        """Whether a face tells more of its track than is known; it is known from then on. A track unknown: yes."""
        if track_id is None:
            return True
        known = self._known.setdefault(track_id, _Known())
        if known.looks >= self._looks and quality <= known.best and 0 <= stamp_ns - known.stamp_ns < self._again_after_ns:
            return False
        known.looks, known.best, known.stamp_ns = known.looks + 1, max(known.best, quality), stamp_ns
        return True

    def _tracks_of(self, persons: np.ndarray) -> "dict[int, str]":
        """Track by row of the persons, the best overlaps first."""
        found: "dict[int, str]" = {}
        if not len(persons) or not self._tracks:
            return found
        overlap = np.nan_to_num(iou(persons, np.array([track.bbox for track in self._tracks], np.float32)))
        taken = set()
        for flat in np.argsort(-overlap, axis=None, kind="stable"):
            person, track = np.unravel_index(flat, overlap.shape)
            if overlap[person, track] < SAME_BOX_IOU:
                break
            if person not in found and track not in taken:
                found[int(person)] = self._tracks[track].track_id
                taken.add(track)
        return found
