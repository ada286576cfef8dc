"""States of one track: idle, tracking, lost, idle again."""

from collections import deque

from facetrack_ros.core.track import TrackState
from facetrack_ros.tracking.settings import SECOND_NS, TrackingSettings

# Chosen by hand: additions to the confidence, and how recent what they rest on must be.
_SEEN_BONUS, _SEEN_WITHIN_NS = 0.1, SECOND_NS // 2
_FACE_BONUS, _FACE_WITHIN_NS = 0.15, SECOND_NS


class TrackStateMachine:
    """State of one track: idle until confirmed, tracking while seen, lost after missed frames, idle after a longer gap.

    All times are stamps of frames, nanoseconds.

    :ivar last_ns: when it was seen last; None before the first frame.
    :ivar confirmed_ns: when it was confirmed; None before.
    :ivar confidence: 0..1, of the last frame that showed it.
    """

    def __init__(self, settings: TrackingSettings):
        self._settings = settings
        self._hits: deque[int] = deque()
        self._missed = 0
        self.last_ns: int | None = None
        self.confirmed_ns: int | None = None
        self.confidence = 0.0

    @staticmethod
    def remembers_face(stamp_ns: int, face_ns: int) -> bool:
        """Whether a face of ``face_ns`` still counts at ``stamp_ns``: for one second."""
        return stamp_ns - face_ns <= _FACE_WITHIN_NS

    def seen(self, stamp_ns: int, score: float, face_matches: bool = False) -> None:
        """Count a frame that shows the track.

        The confidence is the detector's score of this frame, 0.1 more when it was seen within the half second before,
        0.15 more when the face matches one of the last second; 1 at most. It does not add up over frames, because then
        every long track would be certain.

        :param score: of the detector, 0..1.
        """
        again = self.last_ns is not None and stamp_ns - self.last_ns <= _SEEN_WITHIN_NS
        self.confidence = min(1.0, float(score + _SEEN_BONUS * again + _FACE_BONUS * bool(face_matches)))
        self.last_ns, self._missed = stamp_ns, 0
        self._hits.append(stamp_ns)
        while self._hits[0] < stamp_ns - self._settings.confirm_within_ns:
            self._hits.popleft()
        if self.confirmed_ns is None and len(self._hits) >= self._settings.min_hits:
            self.confirmed_ns = stamp_ns

    def missed(self) -> None:
        """Count a frame that does not show the track."""
        self._missed += 1

    def state(self, stamp_ns: int) -> TrackState:
        """The state as of a frame's stamp."""
        if self.confirmed_ns is None or self.last_ns is None or stamp_ns - self.last_ns > self._settings.max_gap_ns:
            return TrackState.IDLE
        return TrackState.LOST if self._missed >= self._settings.lost_after_frames else TrackState.TRACKING
