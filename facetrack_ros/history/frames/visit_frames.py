"""The frame with the best face of each visit."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from facetrack_ros.core.frame import Frame
from facetrack_ros.core.track import Track, TrackState
from facetrack_ros.history.frames.ring_buffer import encoded_only

#: Tracks of all cameras whose frame is held, chosen by hand: beyond them the one whose face came first is dropped.
MOST_TRACKS = 256


@dataclass(frozen=True)
class BestFrame:
    """A frame with its tracks.

    :param quality: of the face for which it was chosen, 0 to 1.
    """

    frame: Frame
    tracks: tuple[Track, ...]
    quality: float


@dataclass
class _Held:
    person_id: str
    best: BestFrame


class VisitFrames:
    """Holds, in memory, the frame with the best face of each track until the visit of its person ends. Thread-safe."""

    def __init__(self) -> None:
        self._tracks: OrderedDict[tuple[str, str], _Held] = OrderedDict()
        self._lock = threading.Lock()

    def add(self, camera_id: str, tracks: tuple[Track, ...], frame: Callable[[], Frame | None]) -> None:
        """Take the tracks of a frame.

        :param frame: returns it; None: it is gone. Called only if it is to be held.
        """
        with self._lock:
            for track in tracks:
                held = self._tracks.get((camera_id, track.track_id))
                if held is not None and track.person_id:
                    held.person_id = track.person_id
                face = track.face
                if face is None or face.embedding is None or not track.kept or track.state == TrackState.IDLE:
                    continue
                if held is None or face.quality > held.best.quality:
                    found = frame()
                    if found is not None:
                        best = BestFrame(encoded_only(found), tracks, face.quality)
                        self._tracks[camera_id, track.track_id] = _Held(track.person_id, best)
            while len(self._tracks) > MOST_TRACKS:
                self._tracks.popitem(last=False)

    def end(self, camera_id: str, person_id: str) -> BestFrame | None:
        """The best frame of a person's visit to a camera, which has ended; None: it showed no face."""
        with self._lock:
            keys = [key for key, held in self._tracks.items() if key[0] == camera_id and held.person_id == person_id]
            found = [self._tracks.pop(key).best for key in keys]
        return max(found, default=None, key=lambda best: best.quality)

    def end_all(self) -> list[BestFrame]:
        """The best frames of all visits of known persons, which end here."""
        with self._lock:
            persons = [(camera, held.person_id) for (camera, _), held in self._tracks.items() if held.person_id]
        found = (self.end(*person) for person in dict.fromkeys(persons))
        return [best for best in found if best is not None]

    def drop(self, doomed: Callable[[Frame], bool]) -> None:
        """Drop frames from memory."""
        with self._lock:
            for key in [key for key, held in self._tracks.items() if doomed(held.best.frame)]:
                del self._tracks[key]
