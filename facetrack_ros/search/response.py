"""The merged response to a search: matches, and one line per robot."""

from dataclasses import dataclass

import numpy as np

from facetrack_ros.core.pose import RobotPose

ANSWERED = "answered"
TIMED_OUT = "timed_out"
LEFT = "left"
MODEL_MISMATCH = "model_mismatch"
ERROR = "error"


@dataclass(frozen=True, eq=False)
class Match:
    """One visit of a person to a camera whose face matches the reference.

    Similarity, boxes, stamp, track and thumbnail are those of the best-matching sighting of the visit;
    ``first_ns`` and ``last_ns`` span all matching sightings of the visit.

    :param rescanned: found by rescanning stored frames.
    :param pose: of the robot at the stamp; None: unknown.
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


@dataclass(frozen=True)
class RobotResponse:
    """One robot's line of a search response.

    :param status: ``answered``, ``timed_out``, ``left``, ``model_mismatch`` or ``error``.
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


@dataclass(frozen=True)
class SearchResponse:
    """Matches of all robots, best first, and one line per robot.

    :param expected_false_matches: expected number of compared sightings of other people at or above ``threshold``,
        from the model's measured false-match curve.
    """

    search_id: str
    model_id: str
    threshold: float
    expected_false_matches: float
    matches: tuple[Match, ...]
    robots: tuple[RobotResponse, ...]

    @property
    def complete(self) -> bool:
        """Whether every robot answered."""
        return all(robot.status == ANSWERED for robot in self.robots)
