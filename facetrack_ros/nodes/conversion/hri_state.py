"""Faces, bodies and persons of ROS4HRI (REP-155) from tracks.

A face and a body have the id and lifetime of their track; a person keeps its id. The optional package's message classes
are arguments.
"""

import re
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from types import ModuleType

import numpy as np
from std_msgs.msg import Header

from facetrack_ros.core.face import Face
from facetrack_ros.core.track import Track, TrackState

#: How long a face counts as tracked after it was seen, nanoseconds of stamps: a head may turn away.
FACE_STAYS_NS = 1_000_000_000
#: Persons kept after they have left.
KNOWN = 50
#: Rows of ``FacialLandmarks`` of the five landmarks: pupils, nose, corners of the mouth; others have confidence 0.
LANDMARK_ROWS, LANDMARKS = (68, 69, 30, 48, 54), 70


def hri_id(letter: str, text: str) -> str:
    """An id as REP-155 requires: letters, digits and underscores, a letter first.

    :param letter: what the id begins with where ``text`` is a track's: ``f`` face, ``b`` body; empty: as it is.
    """
    plain = re.sub(r"[^A-Za-z0-9_]", "_", text)
    plain = f"{letter}_{plain.removeprefix('t_')}" if letter else plain
    return plain if plain[:1].isalpha() else f"id_{plain}"


def region(kinds: ModuleType, header: Header, box: np.ndarray, size: tuple[int, int], confidence: float) -> object:
    """A box ``x1, y1, x2, y2`` in pixels as ``NormalizedRegionOfInterest2D``, within the picture.

    :param size: width and height of the picture.
    """
    x1, x2 = (float(value) for value in np.clip(np.asarray(box)[[0, 2]] / size[0], 0, 1))
    y1, y2 = (float(value) for value in np.clip(np.asarray(box)[[1, 3]] / size[1], 0, 1))
    return kinds.NormalizedRegionOfInterest2D(header=header, xmin=x1, ymin=y1, xmax=x2, ymax=y2, c=float(confidence))


def facial_landmarks(kinds: ModuleType, header: Header, face: Face, size: tuple[int, int]) -> object:
    """The five points of a face among the seventy of ``FacialLandmarks``."""
    points = [kinds.NormalizedPointOfInterest2D() for _ in range(LANDMARKS)]
    for row, (x, y) in zip(LANDMARK_ROWS, np.asarray(face.landmarks) / size):
        if np.isfinite(x + y) and 0 <= x <= 1 and 0 <= y <= 1:
            points[row].x, points[row].y, points[row].c = float(x), float(y), float(face.score)
    return kinds.FacialLandmarks(header=header, landmarks=points, width=int(size[0]), height=int(size[1]))


@dataclass(frozen=True)
class PersonState:
    """State of one person.

    :param face_id: of the face seen last, empty where none is tracked; ``body_id`` likewise.
    :param anonymous: no face embedding exists, so the person is not recognised again.
    :param alias: id of the person that this one was merged into; empty: none.
    """

    face_id: str = ""
    body_id: str = ""
    anonymous: bool = True
    alias: str = ""


class HriState:
    """Faces, bodies and persons of all cameras of a robot, from their tracks."""

    def __init__(self):
        self._cameras: dict[str, dict[str, _Followed]] = {}
        self._known: OrderedDict[str, PersonState] = OrderedDict()
        self._newest_ns = 0

    def update(self, camera_id: str, stamp_ns: int, tracks: tuple[Track, ...]) -> None:
        """Update with all tracks of a camera as of one frame."""
        before = self._cameras.get(camera_id, {})
        now = {}
        for track in tracks:
            if track.state == TrackState.IDLE:
                continue
            old = before.get(track.track_id, _Followed("", 0))
            person = hri_id("", track.person_id) if track.person_id else ""
            now[track.track_id] = _Followed(person, stamp_ns if track.face is not None else old.face_ns)
            if old.person_id and person and old.person_id != person:
                self._join(old.person_id, person)
            if person:
                state = self._known.setdefault(person, PersonState())
                known = track.face is not None and track.face.embedding is not None
                self._known[person] = PersonState(state.face_id, state.body_id, state.anonymous and not known, "")
                self._known.move_to_end(person)
        self._cameras[camera_id] = now
        self._settle(stamp_ns)

    def drop(self, camera_id: str) -> None:
        """Drop the tracks of a camera that is silent."""
        if self._cameras.pop(camera_id, None):
            self._settle(0)

    def _join(self, old: str, new: str) -> None:
        before = self._known.get(old, PersonState())
        self._known[new] = PersonState(anonymous=before.anonymous and self._known.get(new, before).anonymous)
        self._known[old] = PersonState(anonymous=before.anonymous, alias=new)

    def _settle(self, stamp_ns: int) -> None:
        """Assign faces, bodies and aliases to persons."""
        self._newest_ns = stamp_ns or self._newest_ns
        faces, bodies = {}, {}
        for track_id, followed in self._tracks():
            if followed.person_id:
                bodies[followed.person_id] = hri_id("b", track_id)
                if self._face_stays(followed):
                    faces[followed.person_id] = hri_id("f", track_id)
        while len(self._known) > KNOWN and next(iter(self._known)) not in bodies:
            self._known.popitem(last=False)
        aliases = {person: self._alias_of(person) for person in self._known}
        for person, alias in aliases.items():
            anonymous = self._known[person].anonymous
            self._known[person] = PersonState(faces.get(person, ""), bodies.get(person, ""), anonymous, alias)

    def _alias_of(self, person: str) -> str:
        """The id after all merges, since readers follow one alias only."""
        passed, at = {person}, self._known[person].alias
        while at in self._known and self._known[at].alias and at not in passed:
            passed.add(at)
            at = self._known[at].alias
        return at if at in self._known and at not in passed else ""

    def _tracks(self) -> Iterator[tuple[str, "_Followed"]]:
        return chain.from_iterable(tracks.items() for tracks in self._cameras.values())

    def _face_stays(self, followed: "_Followed") -> bool:
        return followed.face_ns > 0 and abs(self._newest_ns - followed.face_ns) <= FACE_STAYS_NS

    @property
    def faces(self) -> tuple[str, ...]:
        """Ids of the tracked faces."""
        return tuple(hri_id("f", track_id) for track_id, followed in self._tracks() if self._face_stays(followed))

    @property
    def bodies(self) -> tuple[str, ...]:
        """Ids of the tracked bodies."""
        return tuple(hri_id("b", track_id) for track_id, _ in self._tracks())

    @property
    def persons(self) -> tuple[str, ...]:
        """Ids of the tracked persons, each once."""
        return tuple(dict.fromkeys(followed.person_id for _, followed in self._tracks() if followed.person_id))

    @property
    def known(self) -> dict[str, PersonState]:
        """Persons tracked now or recently, the most recent last."""
        return dict(self._known)


@dataclass(frozen=True)
class _Followed:
    person_id: str
    face_ns: int
