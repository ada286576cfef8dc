"""A person's stay in view of one camera, from coming to leaving, over however many tracks."""

import numpy as np

from facetrack_ros.core.event import FACE_MATCHED, PERSON_IN, PERSON_OUT, PersonEvent
from facetrack_ros.tracking.gallery import GalleryMatch
from facetrack_ros.tracking.open_track import OpenTrack
from facetrack_ros.tracking.person_registry import Recognition


class Visit:
    """One visit.

    :param first_ns: stamp of the first frame that showed the person.
    :ivar last_ns: stamp of the last one, be it by a glimpse after the last track.
    :ivar tracked_ns: stamp of the last one that a track had.
    :param is_new: whether the person id was made for this visit.
    :ivar enrolled: name of the gallery person it was said to be, empty before.
    :ivar matched: whether it was said that the face is one known before.
    :ivar together: persons seen in one picture with this one during the visit.
    """

    def __init__(self, robot_id: str, camera_id: str, person_id: str, follow: OpenTrack, first_ns: int, is_new: bool):
        self._robot_id, self._camera_id, self.person_id = robot_id, camera_id, person_id
        self.first_ns, self._first_number, self._first_box = first_ns, follow.first.number, follow.first.box
        self._confidence = follow.confidence
        self.is_new = is_new
        self.enrolled = ""
        self.matched = False
        self.together: set[str] = set()
        self.last_ns, self.last_number, self._last_box = follow.shown
        self.tracked_ns = follow.last_ns
        self.take(follow)

    def take(self, follow: OpenTrack) -> None:
        """A track belongs to this visit; what it has seen, the visit has seen."""
        self.together |= follow.together
        follow.together = self.together
        self.see(follow)

    def see(self, follow: OpenTrack) -> None:
        """The track was seen."""
        self.tracked_ns = max(self.tracked_ns, follow.last_ns)
        if follow.shown.stamp_ns >= self.last_ns:
            self.last_ns, self.last_number, self._last_box = follow.shown

    def came(self) -> PersonEvent:
        """PERSON_IN, at the first frame that showed the person."""
        return self._event(
            PERSON_IN, self.first_ns, self._first_number, bbox=_numbers(self._first_box), confidence=self._confidence
        )

    def left(self, stamp_ns: int, number: int) -> PersonEvent:
        """PERSON_OUT.

        :param stamp_ns: when the absence was established.
        :param number: of the last frame up to then.
        """
        return self._event(
            PERSON_OUT,
            stamp_ns,
            number,
            last_seen_ns=self.last_ns,
            duration_ns=max(0, self.last_ns - self.first_ns),
            last_bbox=_numbers(self._last_box),
        )

    def recognised(self, stamp_ns: int, number: int, recognition: Recognition) -> PersonEvent:
        """FACE_MATCHED with a person known before, once a visit."""
        self.matched = True
        return self._event(
            FACE_MATCHED, stamp_ns, number, reference_face_id=recognition.person_id, similarity=recognition.similarity
        )

    def enrolled_as(self, stamp_ns: int, number: int, match: GalleryMatch) -> PersonEvent:
        """FACE_MATCHED with a gallery person, once a visit."""
        self.enrolled = match.entry.name
        return self._event(
            FACE_MATCHED,
            stamp_ns,
            number,
            reference_face_id=match.entry.entry_id,
            reference_name=match.entry.name,
            watch=match.entry.watch,
            similarity=match.similarity,
        )

    def _event(self, event: str, stamp_ns: int, number: int, **fields) -> PersonEvent:
        return PersonEvent(event, stamp_ns, self._robot_id, self._camera_id, self.person_id, number, **fields)


def _numbers(box: np.ndarray) -> tuple[float, float, float, float]:
    return tuple(float(value) for value in box)
