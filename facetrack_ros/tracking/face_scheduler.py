"""Selection of the faces to search for and to embed: those of new tracks, and better ones than before."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from facetrack_ros.core.boxes import iou
from facetrack_ros.core.face import Face
from facetrack_ros.core.track import Track, TrackState
from facetrack_ros.tracking.settings import SECOND_NS

# All chosen by hand.
#: Lowest IoU of a person and the track that it belongs to.
SAME_BOX_IOU = 0.3
#: Factor of quality from which a face counts as better; below it, it only wavers from frame to frame.
BETTER = 1.1
#: A face of this quality needs no better one.
GOOD_QUALITY = 0.95
#: In so many first frames of a track its face is searched for without pause.
FRAMES_WITHOUT_PAUSE = 10


@dataclass(frozen=True)
class _FaceRecord:
    """Faces of one track so far.

    :param embedded: number of embedded faces; ``best_quality``: the best of them.
    :param embedded_ns: stamp of the last one; None before the first.
    :param searched: number of frames searched; ``searched_ns``: stamp of the last one.
    :param pending: stamps of searched frames whose result has not arrived.
    """

    embedded: int = 0
    best_quality: float = 0.0
    embedded_ns: int | None = None
    searched_ns: int | None = None
    searched: int = 0
    pending: tuple[int, ...] = ()


@dataclass(frozen=True, eq=False)
class FacePlan:
    """The faces to search for and to embed in one frame, a ``FaceSelection``; decided before the frame is analysed.

    :param boxes: ``(n, 4)`` of the tracks, as known when it was decided.
    :param wanted: ``(n,)`` bool: tracks whose face is searched for.
    :param min_quality: ``(n,)``: lowest quality to embed.
    """

    boxes: np.ndarray
    wanted: np.ndarray
    min_quality: np.ndarray

    def search_mask(self, persons: np.ndarray) -> np.ndarray:
        """``(n,)`` bool: in which of the ``(n, 4)`` person boxes to search for a face; in all without a track."""
        tracks = self._tracks_of(persons)
        return np.array([row not in tracks or self.wanted[tracks[row]] for row in range(len(persons))], bool)

    def embed_mask(self, persons: np.ndarray, faces: Sequence[Face]) -> list[bool]:
        """Which faces to embed: none that the quality gate rejected, all others without a track."""
        tracks = self._tracks_of(persons)
        return [
            not face.rejected
            and (
                face.person not in tracks
                or bool(self.wanted[tracks[face.person]] and face.quality >= self.min_quality[tracks[face.person]])
            )
            for face in faces
        ]

    def _tracks_of(self, persons: np.ndarray) -> dict[int, int]:
        """Index of the track by row of the persons, matched by descending overlap."""
        found: dict[int, int] = {}
        persons = np.asarray(persons, np.float32)
        if not len(persons) or not len(self.boxes):
            return found
        overlap = np.nan_to_num(iou(persons, self.boxes))
        for flat in np.argsort(-overlap, axis=None, kind="stable"):
            person, track = divmod(int(flat), len(self.boxes))
            if overlap[person, track] < SAME_BOX_IOU:
                break
            if person not in found and track not in found.values():
                found[person] = track
        return found


class FaceScheduler:
    """Plans the face work of one camera from what is known of each track's face. Threads may share it.

    A plan is made before a frame is analysed and its result arrives later, with the tracks of that frame. Several
    frames may be in work at once; those count as done until their result arrives.

    :param min_embeddings: number of faces of a track that are embedded at any quality: a new person needs several.
    :param embed_interval_ns: a face is embedded at least this often, so that the history shows how long a person was
        there.
    :param pause_ns: interval between searches for the face of a track after its first frames.
    """

    def __init__(self, min_embeddings: int = 3, embed_interval_ns: int = SECOND_NS, pause_ns: int = SECOND_NS // 2):
        self._min_embeddings, self._embed_interval_ns, self._pause_ns = min_embeddings, embed_interval_ns, pause_ns
        self._tracks: tuple[Track, ...] = ()
        self._records: dict[str, _FaceRecord] = {}
        self._lock = threading.Lock()

    def update(self, stamp_ns: int, tracks: tuple[Track, ...]) -> None:
        """Take all tracks of a frame. A lost track starts anew: another person may come back in its place."""
        with self._lock:
            self._tracks = tuple(track for track in tracks if track.state != TrackState.LOST)
            self._records = {
                track.track_id: _with_result(self._records.get(track.track_id, _FaceRecord()), stamp_ns, track.face)
                for track in self._tracks
            }

    def plan(self, stamp_ns: int) -> FacePlan:
        """Plan the faces of a frame; the plan counts as carried out.

        :param stamp_ns: of the frame; a stamp before the last one is a new recording.
        """
        with self._lock:
            wanted, min_quality = np.zeros(len(self._tracks), bool), np.zeros(len(self._tracks), np.float32)
            for row, track in enumerate(self._tracks):
                record = self._records[track.track_id]
                wanted[row], min_quality[row] = self._wanted(record, stamp_ns)
                if wanted[row]:
                    self._records[track.track_id] = replace(
                        record, searched_ns=stamp_ns, searched=record.searched + 1, pending=(*record.pending, stamp_ns)
                    )
            boxes = np.array([track.bbox for track in self._tracks], np.float32).reshape(-1, 4)
            return FacePlan(boxes, wanted, min_quality)

    def _wanted(self, record: _FaceRecord, stamp_ns: int) -> tuple[bool, float]:
        """Whether to search for a face, and the lowest quality to embed."""
        paused = _within(stamp_ns, record.searched_ns, self._pause_ns)
        if record.embedded < self._min_embeddings:
            enough = record.embedded + len(record.pending) >= self._min_embeddings
            return not enough and not (paused and record.searched >= FRAMES_WITHOUT_PAUSE), 0.0
        if not _within(stamp_ns, record.embedded_ns, self._embed_interval_ns):
            return not paused, 0.0
        if paused or record.best_quality >= GOOD_QUALITY:
            return False, 0.0
        return True, record.best_quality * BETTER


def _with_result(record: _FaceRecord, stamp_ns: int, face: Face | None) -> _FaceRecord:
    """The record after the result of the frame of ``stamp_ns``."""
    record = replace(record, pending=tuple(pending_ns for pending_ns in record.pending if pending_ns > stamp_ns))
    if face is None or face.embedding is None:
        return record
    return replace(
        record, embedded=record.embedded + 1, best_quality=max(record.best_quality, face.quality), embedded_ns=stamp_ns
    )


def _within(stamp_ns: int, before_ns: int | None, span_ns: int) -> bool:
    """Whether a stamp follows an earlier one by less than a span; False where time went back: a new recording."""
    return before_ns is not None and 0 <= stamp_ns - before_ns < span_ns
