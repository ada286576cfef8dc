"""The merged response to a search: matches, one line per robot, and what was not searched."""

import math
from dataclasses import dataclass, replace

import numpy as np

from facetrack_ros.core.pose import RobotPose

ANSWERED = "answered"
TIMED_OUT = "timed_out"
LEFT = "left"
MODEL_MISMATCH = "model_mismatch"
ERROR = "error"
BUSY = "busy"


@dataclass(frozen=True, eq=False)
class Match:
    """One visit of a person to a camera whose face matches the reference.

    Similarity, boxes, stamp, track and thumbnail are those of the best-matching sighting of the visit.

    :param first_ns: begin of the visit: its PERSON_IN, or the first matching sighting where no event is kept.
    :param last_ns: end of the visit: when the person was last seen.
    :param rescanned: found by rescanning stored frames.
    :param pose: of the robot at the stamp; None: unknown.
    :param name: under which the person is enrolled; empty: not enrolled.
    :param normalised_similarity: standard deviations above the similarity to other people (AS-norm); NaN: no cohort.
    :param different_person: why it is of another person than the best match; empty: it may be the same.
    """

    robot_id: str
    camera_id: str
    person_id: str
    track_id: str
    frame_number: int
    stamp_ns: int
    first_ns: int
    last_ns: int
    bbox: np.ndarray
    face_bbox: np.ndarray
    similarity: float
    quality: float
    thumbnail: bytes = b""
    rescanned: bool = False
    pose: RobotPose | None = None
    name: str = ""
    normalised_similarity: float = math.nan
    different_person: str = ""


@dataclass(frozen=True)
class NotSearched:
    """A part of a search's question that was not compared.

    :param reason: one sentence.
    :param camera_id: empty: all cameras of the robot.
    :param model_id: of the sightings that were not compared; empty: of any model.
    :param sightings: number known not to have been compared; 0: none, or unknown.
    :param start_ns: of the time not covered; 0: from the beginning.
    :param end_ns: 0: to the end.
    """

    robot_id: str
    reason: str
    camera_id: str = ""
    model_id: str = ""
    sightings: int = 0
    start_ns: int = 0
    end_ns: int = 0


@dataclass(frozen=True)
class SearchedCamera:
    """What a robot compared of one camera.

    :param sightings: number compared.
    :param start_ns: first stamp kept within the requested time; 0: nothing is kept there.
    :param end_ns: last stamp likewise.
    """

    camera_id: str
    sightings: int = 0
    start_ns: int = 0
    end_ns: int = 0


#: What the note of a robot says that finds no one but enrolled people, behind the robot's name.
ENROLLED_ONLY = "keeps enrolled people only (recognition.keep: watchlist)"


@dataclass(frozen=True)
class RobotResponse:
    """One robot's line of a search response.

    :param status: ``answered``, ``timed_out``, ``left``, ``model_mismatch``, ``error`` or ``busy``.
    :param matches: number of matches found.
    :param sightings: number of sightings compared.
    :param elapsed_ms: the robot's own search time, milliseconds.
    :param error: one sentence; empty: none.
    :param note: a caveat, such as a camera whose clock is off; empty: none.
    :param rescanned: number of stored frames rescanned.
    :param not_rescanned: number of stored frames without a face that the rescan did not reach.
    :param model_id: of the robot's embedder where it is not the request's: the robot embedded the face crop itself.
        ``threshold``, similarities and ``expected_false_matches`` are then this model's.
    :param coverage: camera, first and last stamp of each span in which that camera was analysed, within the time range.
    :param searched: the cameras compared.
    :param not_searched: what the question covers and the robot did not compare; empty: it compared all.
    :param instance_id: of the robot's process; empty: unknown.
    :param expected_false_matches_low: lower end of the 95 % interval, with a ``model_id``.
    :param expected_false_matches_high: upper end.
    :param scene_pairs: pairs of faces of different people on its cameras behind ``scene_false_match_rate``.
    :param scene_false_match_rate: share of these pairs at or above the threshold, upper end of the 95 % interval; NaN:
        no such pairs.
    :param verified_matches: matches of earlier searches at or above the threshold that people confirmed or rejected.
    :param rejected_matches: those that they rejected, for which ``expected_false_matches`` accounts.
    """

    robot_id: str
    status: str
    matches: int = 0
    sightings: int = 0
    elapsed_ms: float = 0.0
    error: str = ""
    note: str = ""
    rescanned: int = 0
    not_rescanned: int = 0
    model_id: str = ""
    threshold: float = 0.0
    expected_false_matches: float = 0.0
    coverage: tuple[tuple[str, int, int], ...] = ()
    searched: tuple[SearchedCamera, ...] = ()
    not_searched: tuple[NotSearched, ...] = ()
    instance_id: str = ""
    expected_false_matches_low: float = math.nan
    expected_false_matches_high: float = math.nan
    scene_pairs: int = 0
    scene_false_match_rate: float = math.nan
    verified_matches: int = 0
    rejected_matches: int = 0

    @property
    def answered(self) -> bool:
        """Whether it compared anything at all."""
        return self.status == ANSWERED

    @property
    def enrolled_only(self) -> bool:
        """Whether its :attr:`note` says that the robot keeps enrolled people only."""
        return ENROLLED_ONLY in self.note

    def noted(self, note: str) -> "RobotResponse":
        """The same with one more note; empty: none."""
        return replace(self, note="; ".join(filter(None, (self.note, note))))


@dataclass(frozen=True)
class SearchResponse:
    """Matches of all robots, best first, and one line per robot.

    :param expected_false_matches: expected number of compared sightings of other people at or above ``threshold``,
        from the model's measured false-match curve; NaN: never measured.
    :param not_searched: every part of the question that was not compared; empty: the answer is complete.
    :param alike: visits at or above the threshold that are known to be of another person than the best match.
    :param operating_point: name of the threshold; empty: it was given as a number.
    :param expected_false_matches_low: lower end of the 95 % interval; NaN: never measured.
    :param expected_false_matches_high: upper end.
    :param calibration_people: number of people that the estimate rests on.
    :param calibration_pairs: number of pairs of pictures of different people.
    :param calibrated_on: the data behind the estimate.
    :param reference_note: what was done to the reference picture, such as turning it; empty: nothing.
    """

    search_id: str
    model_id: str
    threshold: float
    expected_false_matches: float
    matches: tuple[Match, ...]
    robots: tuple[RobotResponse, ...]

    not_searched: tuple[NotSearched, ...] = ()
    alike: tuple[Match, ...] = ()
    operating_point: str = ""
    expected_false_matches_low: float = math.nan
    expected_false_matches_high: float = math.nan
    calibration_people: int = 0
    calibration_pairs: int = 0
    calibrated_on: str = ""
    reference_note: str = ""

    @property
    def complete(self) -> bool:
        """Whether every robot, camera, store and stretch of time that the question covers was compared."""
        return not self.not_searched and all(robot.answered for robot in self.robots)

    @property
    def enrolled_only(self) -> tuple[str, ...]:
        """The robots that keep enrolled people only: a stranger whom they saw is not found."""
        return tuple(dict.fromkeys(robot.robot_id for robot in self.robots if robot.enrolled_only))

    @property
    def sightings(self) -> int:
        """Number compared, of all robots."""
        return sum(robot.sightings for robot in self.robots if robot.answered)

    @property
    def searched_span(self) -> tuple[int, int] | None:
        """First and last stamp kept of the cameras compared, within the requested time; None: nothing is kept."""
        spans = [(camera.start_ns, camera.end_ns) for _, camera in self.searched_cameras if camera.end_ns]
        return (min(start for start, _ in spans), max(end for _, end in spans)) if spans else None

    @property
    def searched_cameras(self) -> tuple[tuple[str, SearchedCamera], ...]:
        """Robot id and camera of everything compared."""
        return tuple((robot.robot_id, camera) for robot in self.robots if robot.answered for camera in robot.searched)
