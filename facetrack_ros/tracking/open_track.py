"""A track in progress: one followed box with its face and what is known of its identity."""

from collections import deque

import numpy as np

from facetrack_ros.core.face import Face
from facetrack_ros.core.track import Track, TrackState
from facetrack_ros.tracking.edge_boxes import EdgeSighting
from facetrack_ros.tracking.identity.face_template import FaceTemplate
from facetrack_ros.tracking.settings import TrackingSettings
from facetrack_ros.tracking.track_states import TrackStateMachine


class OpenTrack:
    """One track from its first frame on.

    :param template: empty; collects the faces of this track.
    :ivar first: first box, or an edge box of the person before it.
    :ivar last: last box, or an edge box of the person after it.
    :ivar first_ns: stamp of the first box that the tracker gave it.
    :ivar last_ns: stamp of the last one; ``last_number``: its frame number.
    :ivar seen_with: persons seen in the same frame, confirmed by face at that time; this track is none of them.
    :ivar undecided_neighbours: ids of tracks seen in the same frame without a confirmed identity.
    :ivar person_confirmed_ns: when its face last matched its person; None before.
    :ivar enrolled_ns: when its face last matched the enrolled person that its visit shows; None before.
    :ivar mismatch_count: consecutive embeddings that clearly belong to another person.
    :ivar embedding_count: how many embeddings of its face there were.
    """

    def __init__(self, track_id: str, first: EdgeSighting, template: FaceTemplate, settings: TrackingSettings):
        self.track_id = track_id
        self.first = self.last = first
        self.first_ns = self.last_ns = first.stamp_ns
        self.last_number = first.number
        self._box = first.box
        self.person_id = ""
        self._settings = settings
        self._states = TrackStateMachine(settings)
        self.template = template
        self.seen_with: set[str] = set()
        self.undecided_neighbours: set[str] = set()
        self.embedding_count = 0
        self.person_confirmed_ns: int | None = None
        self.enrolled_ns: int | None = None
        self.mismatch_count = 0
        self._face: Face | None = None
        self._recent_embeddings: deque[tuple[int, np.ndarray]] = deque()

    @property
    def confirmed_ns(self) -> int | None:
        """When it was first seen often enough; None before."""
        return self._states.confirmed_ns

    @property
    def confidence(self) -> float:
        """Confidence of the last frame that showed it, 0..1."""
        return self._states.confidence

    @property
    def undecided(self) -> bool:
        """Whether it is confirmed and has no person yet."""
        return self.confirmed_ns is not None and not self.person_id

    @property
    def is_person(self) -> bool:
        """Whether it stands for a person: it showed a face, or lasted as long as the wait for a face.

        A shorter one is mostly a second box around a person half hidden.
        """
        return len(self.template) > 0 or self.last_ns - self.first_ns >= self._settings.identity_wait_ns

    @property
    def embedding(self) -> np.ndarray | None:
        """Embedding of its last frame; None where that had none."""
        return None if self._face is None else self._face.embedding

    @property
    def quality(self) -> float:
        """Quality of the face of its last frame, 0..1."""
        return 0.0 if self._face is None else min(max(float(self._face.quality), 0.0), 1.0)

    def update(
        self, stamp_ns: int, number: int, box: np.ndarray, score: float, face: Face | None, threshold: float
    ) -> None:
        """Add its box and face of a frame.

        :param threshold: lowest cosine similarity of a match.
        """
        self._face = face
        self._states.seen(stamp_ns, score, self._matches_recent_face(stamp_ns, threshold))
        self.last_ns, self.last_number, self._box = stamp_ns, number, box
        self.last = EdgeSighting(stamp_ns, number, box)
        if self.embedding is not None:
            self._recent_embeddings.append((stamp_ns, self.embedding))
            self.embedding_count += 1
            self.template.add(self.embedding, self.quality)

    def neighbour_decided(self, track_id: str, person_id: str) -> None:
        """Turn an undecided neighbour into a person seen with this track; no effect for other tracks."""
        if track_id in self.undecided_neighbours:
            self.undecided_neighbours.discard(track_id)
            self.seen_with.add(person_id)

    def miss(self) -> None:
        """Count a frame that does not show it."""
        self._states.missed()

    def _matches_recent_face(self, stamp_ns: int, threshold: float) -> bool:
        recent = self._recent_embeddings
        while recent and not TrackStateMachine.remembers_face(stamp_ns, recent[0][0]):
            recent.popleft()
        current = self.embedding
        return current is not None and any(float(embedding @ current) >= threshold for _, embedding in recent)

    def track(self, stamp_ns: int, ended: bool = False) -> Track:
        """The track as of a frame; its face only where that frame shows it.

        :param ended: report it as idle.
        """
        state = TrackState.IDLE if ended else self._states.state(stamp_ns)
        face = self._face if stamp_ns == self.last_ns else None
        return Track(self.track_id, self.person_id, state, self._box, self.confidence, face)
