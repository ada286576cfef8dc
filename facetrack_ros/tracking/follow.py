"""A track in the making: what is known of one followed box so far."""

from collections import deque

import numpy as np

from facetrack_ros.tracking.settings import SECOND_NS, TrackingSettings
from facetrack_ros.tracking.template import Template
from facetrack_ros.tracking.track import Track, TrackState
from facetrack_ros.vision.face import Face

_SEEN_AGAIN, _SEEN_AGAIN_WITHIN_NS = 0.1, SECOND_NS // 2
_FACE_AGAIN, _FACE_AGAIN_WITHIN_NS = 0.15, SECOND_NS


class Follow:
    """One track from its first frame on.

    :ivar template: its face as seen in this track, what tells who it is.
    :ivar together: persons seen in one picture with it, so none of them; only those whose face said so.
    :ivar beside: ids of tracks seen in one picture with it whose faces did not say yet who they are.
    :ivar sure_ns: when its face last was that of its person, None while it never was.
    :ivar doubts: how many looks in a row were clearly not of its person.
    :ivar looks: how many embeddings of its face there were.
    """

    def __init__(self, track_id: str, stamp_ns: int, number: int, box: np.ndarray, template: Template):
        self.track_id = track_id
        self.first_ns, self.first_number, self.first_box = stamp_ns, number, box
        self.last_ns, self.last_number, self.box = stamp_ns, number, box
        self.person_id = ""
        self.confirmed_ns: "int | None" = None
        self.confidence = 0.0
        self.template = template
        self.together: "set[str]" = set()
        self.beside: "set[str]" = set()
        self.looks = 0
        self.sure_ns: "int | None" = None
        self.doubts = 0
        self._face: "Face | None" = None
        self._hits: "deque[int]" = deque()
        self._last_looks: "deque[tuple[int, np.ndarray]]" = deque()

    @property
    def undecided(self) -> bool:
        """Believed, but nobody knows yet who it is."""
        return self.confirmed_ns is not None and not self.person_id

    @property
    def embedding(self) -> "np.ndarray | None":
        """The unit vector of the face seen last, None where its last frame showed none."""
        return None if self._face is None else self._face.embedding

    @property
    def quality(self) -> float:
        """Of the face seen last, 0..1."""
        return 0.0 if self._face is None else float(np.clip(self._face.quality, 0, 1))

    def see(self, stamp_ns: int, number: int, box: np.ndarray, score: float, face: "Face | None",
            threshold: float, settings: TrackingSettings) -> None:
        """Take the box and the face of a frame.

        The confidence is the detector's score of this frame, 0.1 more when the track was seen within the half second
        before, 0.15 more when the face matches one of the last second; 1 at most. It does not add up over frames,
        for then everything that lasts would be certain.

        :param threshold: lowest cosine similarity of a match.
        """
        again = self._hits and stamp_ns - self.last_ns <= _SEEN_AGAIN_WITHIN_NS
        self._face = face
        confidence = score + _SEEN_AGAIN * bool(again) + _FACE_AGAIN * self._face_matches(stamp_ns, threshold)
        self.confidence = min(1.0, float(confidence))
        self.last_ns, self.last_number, self.box = stamp_ns, number, box
        if self.embedding is not None:
            self._last_looks.append((stamp_ns, self.embedding))
            self.looks += 1
            self.template.add(self.embedding, self.quality)
        self._hits.append(stamp_ns)
        while self._hits[0] < stamp_ns - settings.confirm_within_ns:
            self._hits.popleft()
        if self.confirmed_ns is None and len(self._hits) >= settings.min_hits:
            self.confirmed_ns = stamp_ns

    def _face_matches(self, stamp_ns: int, threshold: float) -> bool:
        while self._last_looks and self._last_looks[0][0] < stamp_ns - _FACE_AGAIN_WITHIN_NS:
            self._last_looks.popleft()
        if self.embedding is None:
            return False
        return any(float(look @ self.embedding) >= threshold for _, look in self._last_looks)

    def track(self, stamp_ns: int, ended: bool = False) -> Track:
        """The track as of a frame; the face only where that frame showed it.

        Idle before it is believed and, once, when it has ended.
        """
        seen = stamp_ns == self.last_ns
        if ended or self.confirmed_ns is None:
            state = TrackState.IDLE
        else:
            state = TrackState.TRACKING if seen else TrackState.LOST
        return Track(self.track_id, self.person_id, state, self.box, self.confidence, self._face if seen else None)
