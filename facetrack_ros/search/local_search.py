"""One robot's part of an answer: its own history searched."""

from typing import Protocol

import numpy as np

from facetrack_ros.errors import RequestError, StoreError
from facetrack_ros.history.sightings.store import TrackHit
from facetrack_ros.models.contract import ModelContract
from facetrack_ros.search.request import SearchRequest
from facetrack_ros.search.response import ANSWERED, ERROR, MODEL_MISMATCH, Match, RobotResponse
from facetrack_ros.search.validation import validate_request
from facetrack_ros.search.visits import fold_visits


class SearchableHistory(Protocol):
    """What can be searched: a robot's whole history, or a store of its sightings."""

    robot_id: str
    contract: ModelContract

    def search_tracks(
        self, embedding: np.ndarray, start_ns: int, end_ns: int, cameras: tuple[str, ...], threshold: float, limit: int
    ) -> tuple[list[TrackHit], int, int]:
        """Tracks best first, how many there are without the limit, how many sightings were compared."""
        ...

    def found_by_rescan(self, camera_id: str, stamp_ns: int) -> bool:
        """Whether looking again at stored frames found a face in that frame."""
        ...


def search_history(history: SearchableHistory, question: SearchRequest) -> tuple[RobotResponse, tuple[Match, ...]]:
    """Search one robot's history. Whether it was asked at all (``question.robots``) is the caller's to see.

    :returns: the robot's line, its ``elapsed_ms`` left at 0 for whoever has a clock, and its matches best first, a visit
        each, at most as many as asked for; the line counts all of them, those beyond that by their tracks. A question
        that cannot be answered here gives a line that says why, never an exception.
    """
    robot, contract = history.robot_id, history.contract
    if question.model_id != contract.id:
        return mismatch(robot, (contract.id,), question.model_id), ()
    try:
        validate_request(question, contract)
        visits, beyond, compared = _visits(history, question)
    except (RequestError, StoreError) as error:
        return RobotResponse(robot, ERROR, error=str(error)), ()
    return RobotResponse(robot, ANSWERED, len(visits) + beyond, compared), tuple(visits[: question.result_limit])


def _visits(history: SearchableHistory, question: SearchRequest) -> tuple[list[Match], int, int]:
    """Visits best first, at least as many as asked for where there are so many; how many tracks there are besides, and
    how many sightings were compared."""
    wanted = limit = question.result_limit
    threshold = question.threshold_for(history.contract)
    while True:
        found, tracks, compared = history.search_tracks(
            question.embedding, *question.time_range, question.cameras, threshold, limit
        )
        visits = fold_visits(_match(hit, history) for hit in found)
        # A visit of many broken tracks must not push another visit out of the answer.
        if len(visits) >= wanted or len(found) >= tracks:
            return visits, tracks - len(found), compared
        limit *= 4


def mismatch(robot_id: str, kept: tuple[str, ...], asked: str) -> RobotResponse:
    """The line of a robot whose history knows faces by other models.

    :param kept: the models it has.
    :param asked: the model of the question.
    """
    return RobotResponse(
        robot_id,
        MODEL_MISMATCH,
        error=f"{robot_id} knows faces by {' and '.join(kept)}, the question is of {asked}; run both on one model",
    )


def _match(hit: TrackHit, history: SearchableHistory) -> Match:
    best = hit.sighting
    return Match(
        best.robot_id,
        best.camera_id,
        best.person_id,
        best.track_id,
        best.frame_number,
        best.stamp_ns,
        hit.first_ns,
        hit.last_ns,
        best.bbox,
        best.face_bbox,
        hit.similarity,
        best.quality,
        best.thumbnail,
        history.found_by_rescan(best.camera_id, best.stamp_ns),
        best.pose,
    )
