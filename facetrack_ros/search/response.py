"""What the fleet answers: matches, and how each robot did."""

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
    """A person's visit to a camera whose face is like the one asked for.

    Similarity, boxes, stamp, track and thumbnail are of the best-matching sighting of the visit;
    ``first_ns`` and ``last_ns`` span the sightings of that visit that matched.

    :param rescanned: found when stored frames were looked at again.
    :param pose: where the robot was, None where it was not told.
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
    """How one robot did in one search.

    :param status: ``answered``, ``timed_out``, ``left``, ``model_mismatch`` or ``error``.
    :param matches: how many matches it found.
    :param sightings: how many sightings it compared.
    :param elapsed_ms: its own search time, milliseconds.
    :param error: a sentence, empty when there is none.
    :param note: what to keep in mind with its answer, such as a camera whose clock is off; empty: nothing.
    :param rescanned: how many stored frames it looked at again.
    :param not_rescanned: how many of those that gave no face it did not get to.
    :param coverage: camera, first and last stamp of each span in which that camera was analysed, within the time range.
    :param model_id: of its embedder where that is another than the question's: it embedded the face crop itself. The
        threshold, the similarities and ``expected_false_matches`` of the line are then this model's.
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
    """The merged answer: matches best first, a line a robot.

    :param expected_false_matches: how many strangers' faces chance alone would put above ``threshold``
        among the sightings compared, from the model's measured false-match curve.
    """

    search_id: str
    model_id: str
    threshold: float
    expected_false_matches: float
    matches: tuple[Match, ...]
    robots: tuple[RobotResponse, ...]

    @property
    def complete(self) -> bool:
        """Whether every robot that was to answer did."""
        return all(robot.status == ANSWERED for robot in self.robots)
