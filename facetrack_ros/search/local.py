"""One robot's part of an answer: its own history searched."""

from typing import Protocol

import numpy as np

from facetrack_ros.errors import QuestionError, StoreError
from facetrack_ros.history.sightings import TrackHit
from facetrack_ros.search.answer import ANSWERED, ERROR, MODEL_MISMATCH, Match, RobotAnswer
from facetrack_ros.search.checks import check_question, max_results_of, slice_of, threshold_of
from facetrack_ros.search.question import Question
from facetrack_ros.vision.contract import ModelContract


class SearchableHistory(Protocol):
    """What can be searched: a robot's whole history, or a store of its sightings."""

    robot_id: str
    contract: ModelContract

    def search_tracks(self, embedding: np.ndarray, start_ns: int, end_ns: int, cameras: "tuple[str, ...]",
                      threshold: float, limit: int) -> "tuple[list[TrackHit], int, int]":
        """Tracks best first, how many there are without the limit, how many sightings were compared."""
        ...


def search_history(history: SearchableHistory, question: Question) -> "tuple[RobotAnswer, tuple[Match, ...]]":
    """Search one robot's history. Whether it was asked at all (``question.robots``) is the caller's to see.

    :returns: the robot's line, its ``elapsed_ms`` left at 0 for whoever has a clock, and its matches best first, at
        most as many as asked for; the line counts all of them. A question that cannot be answered here gives a line
        that says why, never an exception.
    """
    robot, contract = history.robot_id, history.contract
    if question.model_id != contract.id:
        return mismatch(robot, (contract.id,), question.model_id), ()
    try:
        check_question(question, contract)
        found, matches, compared = history.search_tracks(question.embedding, *slice_of(question), question.cameras,
                                                         threshold_of(question, contract), max_results_of(question))
    except (QuestionError, StoreError) as error:
        return RobotAnswer(robot, ERROR, error=str(error)), ()
    return RobotAnswer(robot, ANSWERED, matches, compared), tuple(_match(hit) for hit in found)


def mismatch(robot_id: str, kept: "tuple[str, ...]", asked: str) -> RobotAnswer:
    """The line of a robot whose history knows faces by other models.

    :param kept: the models it has.
    :param asked: the model of the question.
    """
    return RobotAnswer(robot_id, MODEL_MISMATCH, error=f"{robot_id} knows faces by {' and '.join(kept)}, the question "
                                                       f"is of {asked}; run both on one model")


def _match(hit: TrackHit) -> Match:
    best = hit.sighting
    return Match(best.robot_id, best.camera_id, best.person_id, best.track_id, best.frame_number, best.stamp_ns,
                 hit.first_ns, hit.last_ns, best.bbox, best.face_bbox, hit.similarity, best.quality, best.thumbnail,
                 pose=best.pose)
