"""Which faces are worth looking for and embedding: those of people not known well yet, and better ones than before."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from facetrack_ros.core.boxes import iou
from facetrack_ros.core.face import Face
from facetrack_ros.core.track import Track, TrackState
from facetrack_ros.tracking.settings import SECOND_NS

#: Person and track are the same where their boxes overlap at least so much.
SAME_BOX_IOU = 0.3
#: A face counts as better from so much more quality on: what it wavers by from frame to frame tells nothing new.
BETTER = 1.1
#: A face of this quality is as good as any.
GOOD_QUALITY = 0.95
#: In so many frames a new track's face is looked for without pause.
FIRST_LOOKS = 10


@dataclass(frozen=True)
class _Known:
    """What is known of a track's face.

    :param embedded: how many of its faces were embedded; ``best``: quality of the best.
    :param embedded_ns: stamp of the last, None before the first; ``asked_ns``: of the last frame it was looked for in.
    :param asked: in how many frames it was looked for.
    :param pending: stamps of frames it is looked for in, whose outcome is not known yet.
    """

    embedded: int = 0
    best: float = 0.0
    embedded_ns: int | None = None
    asked_ns: int | None = None
    asked: int = 0
    pending: tuple[int, ...] = ()


@dataclass(frozen=True, eq=False)
class FacePlan:
    """What to do about the faces of one frame, decided before it is looked at; a ``FaceSelection``.

    :param boxes: ``(n, 4)`` of the tracks, as known when it was decided.
    :param wanted: ``(n,)`` bool: whose face is looked for.
    :param least: ``(n,)``: the quality from which on it is embedded.
    """

    boxes: np.ndarray
    wanted: np.ndarray
    least: np.ndarray

    def search_mask(self, persons: np.ndarray) -> np.ndarray:
        """``(n,)`` bool: in which of the ``(n, 4)`` boxes to look for a face; in all that belong to no track."""
        tracks = self._tracks_of(persons)
        return np.array([row not in tracks or self.wanted[tracks[row]] for row in range(len(persons))], bool)

    def embed_mask(self, persons: np.ndarray, faces: Sequence[Face]) -> list[bool]:
        """Which faces to embed; those turned down at the quality gate are not chosen, those of no track are."""
        tracks = self._tracks_of(persons)
        return [
            not face.rejected
            and (
                face.person not in tracks
                or bool(self.wanted[tracks[face.person]] and face.quality >= self.least[tracks[face.person]])
            )
            for face in faces
        ]

    def _tracks_of(self, persons: np.ndarray) -> dict[int, int]:
        """Track by row of the persons, the best overlaps first."""
        found: dict[int, int] = {}
        persons = np.asarray(persons, np.float32)
        if not len(persons) or not len(self.boxes):
            return found
        overlap = np.nan_to_num(iou(persons, self.boxes))
        taken = set()
        for flat in np.argsort(-overlap, axis=None, kind="stable"):
            person, track = divmod(int(flat), len(self.boxes))
            if overlap[person, track] < SAME_BOX_IOU:
                break
            if person not in found and track not in taken:
                found[person] = track
                taken.add(track)
        return found


@dataclass
class FaceScheduler:
    """Remembers what is known of each track's face in one camera. Threads may share it.

    A plan is made before a frame is looked at; what came of it is heard with the tracks of that frame, later. Frames
    may be looked at side by side: what is under way counts until it is heard of.

    :param looks: so many faces of a track are embedded whatever their quality: it takes several to tell who is new.
    :param again_after_ns: a face of a track is embedded when that long none was, so that the history shows until when
        somebody was there.
    :param pause_ns: after its first frames a track's face is looked for this often only.
    """

    looks: int = 3
    again_after_ns: int = SECOND_NS
    pause_ns: int = SECOND_NS // 2
    _tracks: tuple[Track, ...] = ()
    _known: dict[str, _Known] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def update(self, stamp_ns: int, tracks: tuple[Track, ...]) -> None:
        """Take everybody followed as of a frame. Who was lost is looked at anew: it may be somebody else who comes back."""
        with self._lock:
            self._tracks = tuple(track for track in tracks if track.state != TrackState.LOST)
            self._known = {
                track.track_id: _heard(self._known.get(track.track_id, _Known()), stamp_ns, track.face)
                for track in self._tracks
            }

    def plan(self, stamp_ns: int) -> FacePlan:
        """What to do about the faces of a frame; takes for granted that it is done.

        :param stamp_ns: of the frame; one before those seen is a new recording.
        """
        with self._lock:
            wanted, least = np.zeros(len(self._tracks), bool), np.zeros(len(self._tracks), np.float32)
            for row, track in enumerate(self._tracks):
                known = self._known[track.track_id]
                wanted[row], least[row] = self._wanted(known, stamp_ns)
                if wanted[row]:
                    self._known[track.track_id] = replace(
                        known, asked_ns=stamp_ns, asked=known.asked + 1, pending=(*known.pending, stamp_ns)
                    )
            return FacePlan(np.array([track.bbox for track in self._tracks], np.float32).reshape(-1, 4), wanted, least)

    def _wanted(self, known: _Known, stamp_ns: int) -> tuple[bool, float]:
        """Whether to look, and from which quality on to embed."""
        if known.embedded < self.looks:
            paused = known.asked >= FIRST_LOOKS and _within(stamp_ns, known.asked_ns, self.pause_ns)
            return not paused and known.embedded + len(known.pending) < self.looks, 0.0
        if not _within(stamp_ns, known.embedded_ns, self.again_after_ns):
            # Somebody turned away, too, is looked at no more often than that.
            return not _within(stamp_ns, known.asked_ns, self.pause_ns), 0.0
        if known.best >= GOOD_QUALITY or _within(stamp_ns, known.asked_ns, self.pause_ns):
            return False, 0.0
        return True, known.best * BETTER


def _heard(known: _Known, stamp_ns: int, face: Face | None) -> _Known:
    pending = tuple(asked_ns for asked_ns in known.pending if asked_ns > stamp_ns)
    if face is None or face.embedding is None:
        return replace(known, pending=pending)
    return replace(
        known, pending=pending, embedded=known.embedded + 1, best=max(known.best, face.quality), embedded_ns=stamp_ns
    )


def _within(stamp_ns: int, before_ns: int | None, span_ns: int) -> bool:
    """Whether a stamp is so soon after one before it; stamps that went back are a new recording."""
    return before_ns is not None and 0 <= stamp_ns - before_ns < span_ns
