"""A track in the making: what is known of one followed box so far."""

from collections import deque

import numpy as np

from facetrack_ros.core.face import Face
from facetrack_ros.core.track import Track, TrackState
from facetrack_ros.tracking.edge_boxes import EdgeSighting
from facetrack_ros.tracking.face_template import FaceTemplate
from facetrack_ros.tracking.settings import TrackingSettings
from facetrack_ros.tracking.track_states import TrackStateMachine


class OpenTrack:
    """One track from its first frame on.

    :ivar first: its first box, or a glimpse of the person before it.
    :ivar shown: its last box, or a glimpse of the person after it.
    :ivar template: its face as seen in this track, what tells who it is.
    :ivar together: persons seen in one picture with it, so none of them; only those whose face said so.
    :ivar beside: ids of tracks seen in one picture with it whose faces did not say yet who they are.
    :ivar sure_ns: when its face last was that of its person, None while it never was.
    :ivar doubts: how many looks in a row were clearly not of its person.
    :ivar looks: how many embeddings of its face there were.
    """

    def __init__(
        self,
        track_id: str,
        stamp_ns: int,
        number: int,
        box: np.ndarray,
        template: FaceTemplate,
        settings: TrackingSettings,
    ):
        self.track_id = track_id
        self.first_ns = stamp_ns
        self.first = self.shown = EdgeSighting(stamp_ns, number, box)
        self.last_ns, self.last_number, self.box = stamp_ns, number, box
        self.person_id = ""
        self._states = TrackStateMachine(settings)
        self.template = template
        self.together: set[str] = set()
        self.beside: set[str] = set()
        self.looks = 0
        self.sure_ns: int | None = None
        self.doubts = 0
        self._face: Face | None = None
        self._last_looks: deque[tuple[int, np.ndarray]] = deque()

    @property
    def confirmed_ns(self) -> int | None:
        """When it was first believed, None before."""
        return self._states.confirmed_ns

    @property
    def confidence(self) -> float:
        """0..1, of the last time it was seen."""
        return self._states.confidence

    @property
    def undecided(self) -> bool:
        """Believed, but nobody knows yet who it is."""
        return self.confirmed_ns is not None and not self.person_id

    @property
    def embedding(self) -> np.ndarray | None:
        """The unit vector of the face seen last, None where its last frame showed none."""
        return None if self._face is None else self._face.embedding

    @property
    def quality(self) -> float:
        """Of the face seen last, 0..1."""
        return 0.0 if self._face is None else min(max(float(self._face.quality), 0.0), 1.0)

    def see(
        self, stamp_ns: int, number: int, box: np.ndarray, score: float, face: Face | None, threshold: float
    ) -> None:
        """Take the box and the face of a frame.

        :param threshold: lowest cosine similarity of a match.
        """
        self._face = face
        self._states.seen(stamp_ns, score, self._face_matches(stamp_ns, threshold))
        self.last_ns, self.last_number, self.box = stamp_ns, number, box
        self.shown = EdgeSighting(stamp_ns, number, box)
        if self.embedding is not None:
            self._last_looks.append((stamp_ns, self.embedding))
            self.looks += 1
            self.template.add(self.embedding, self.quality)

    def miss(self) -> None:
        """A frame does not show it."""
        self._states.missed()

    def _face_matches(self, stamp_ns: int, threshold: float) -> bool:
        while self._last_looks and not TrackStateMachine.remembers_face(stamp_ns, self._last_looks[0][0]):
            self._last_looks.popleft()
        if self.embedding is None:
            return False
        return any(float(look @ self.embedding) >= threshold for _, look in self._last_looks)

    def track(self, stamp_ns: int, ended: bool = False) -> Track:
        """The track as of a frame; the face only where that frame showed it.

        Idle before it is believed and, once, when it has ended.
        """
        state = TrackState.IDLE if ended else self._states.state(stamp_ns)
        face = self._face if stamp_ns == self.last_ns else None
        return Track(self.track_id, self.person_id, state, self.box, self.confidence, face)
