"""A visit: one stay of a person in view of one camera, over any number of tracks."""

import numpy as np

from facetrack_ros.core.event import FACE_MATCHED, PERSON_IN, PERSON_OUT, PersonEvent
from facetrack_ros.tracking.identity.gallery import GalleryMatch
from facetrack_ros.tracking.identity.person_registry import Recognition
from facetrack_ros.tracking.open_track import OpenTrack


class Visit:
    """One visit; builds its events.

    :param first_ns: stamp of the first frame that showed the person.
    :param is_new: whether the person id was made for this visit.
    :ivar last_ns: stamp of the last frame that showed the person, edge boxes included.
    :ivar tracked_ns: stamp of the last frame in which a track showed the person.
    :ivar enrolled_name: gallery name that was reported, empty before.
    :ivar matched: whether a FACE_MATCHED was reported.
    :ivar seen_with: persons seen in the same frame during the visit.
    """

    def __init__(self, robot_id: str, camera_id: str, person_id: str, track: OpenTrack, first_ns: int, is_new: bool):
        self._robot_id, self._camera_id, self.person_id = robot_id, camera_id, person_id
        self.first_ns, self._first_number, self._first_box = first_ns, track.first.number, track.first.box
        self._confidence = track.confidence
        self.is_new = is_new
        self.enrolled_name = ""
        self.matched = False
        self.seen_with: set[str] = set()
        self.last_ns, self.last_number, self._last_box = track.last
        self.tracked_ns = track.last_ns
        self.add_track(track)

    def add_track(self, track: OpenTrack) -> None:
        """Add a track of the person; track and visit share one set of co-visible persons from now on."""
        self.seen_with |= track.seen_with
        track.seen_with = self.seen_with
        self.update(track)

    def update(self, track: OpenTrack) -> None:
        """Take the last sighting of one of its tracks."""
        self.tracked_ns = max(self.tracked_ns, track.last_ns)
        if track.last.stamp_ns >= self.last_ns:
            self.last_ns, self.last_number, self._last_box = track.last

    def person_in(self) -> PersonEvent:
        """PERSON_IN, at the first frame that showed the person."""
        return self._event(
            PERSON_IN, self.first_ns, self._first_number, bbox=_floats(self._first_box), confidence=self._confidence
        )

    def person_out(self, stamp_ns: int, number: int) -> PersonEvent:
        """PERSON_OUT.

        :param stamp_ns: when the absence was established; ``number``: of the last frame up to then.
        """
        stay_ns, box = max(0, self.last_ns - self.first_ns), _floats(self._last_box)
        return self._event(PERSON_OUT, stamp_ns, number, last_seen_ns=self.last_ns, duration_ns=stay_ns, last_bbox=box)

    def face_matched(self, stamp_ns: int, number: int, recognition: Recognition) -> PersonEvent:
        """FACE_MATCHED with a person known before; once a visit."""
        self.matched = True
        return self._event(
            FACE_MATCHED, stamp_ns, number, reference_face_id=recognition.person_id, similarity=recognition.similarity
        )

    def gallery_matched(self, stamp_ns: int, number: int, match: GalleryMatch) -> PersonEvent:
        """FACE_MATCHED with an enrolled person; once a visit."""
        self.matched = True
        self.enrolled_name = match.entry.name
        reference = {"reference_face_id": match.entry.entry_id, "reference_name": match.entry.name}
        fields = {**reference, "watch": match.entry.watch, "similarity": match.similarity}
        return self._event(FACE_MATCHED, stamp_ns, number, **fields)

    def _event(self, event: str, stamp_ns: int, number: int, **fields) -> PersonEvent:
        return PersonEvent(event, stamp_ns, self._robot_id, self._camera_id, self.person_id, number, **fields)


def _floats(box: np.ndarray) -> tuple[float, float, float, float]:
    x1, y1, x2, y2 = box.tolist()
    return x1, y1, x2, y2
