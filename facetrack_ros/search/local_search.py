"""Search of one robot's history."""

from typing import Protocol

import numpy as np

from facetrack_ros.errors import RequestError, StoreError
from facetrack_ros.history.sightings.queries import TrackHit
from facetrack_ros.models.contract import ModelContract
from facetrack_ros.search.request import SearchRequest
from facetrack_ros.search.response import ANSWERED, ERROR, MODEL_MISMATCH, Match, RobotResponse
from facetrack_ros.search.validation import validate_request
from facetrack_ros.search.visits import fold_visits


class SearchableHistory(Protocol):
    """A robot's history or a store of its sightings."""

    robot_id: str
    contract: ModelContract

    def search_tracks(
        self, embedding: np.ndarray, start_ns: int, end_ns: int, cameras: tuple[str, ...], threshold: float, limit: int
    ) -> tuple[list[TrackHit], int, int]:
        """Tracks best first, their number without the limit, and the number of sightings compared."""
        ...

    def found_by_rescan(self, camera_id: str, stamp_ns: int) -> bool:
        """Whether a rescan found a face in that frame."""
        ...


def search_history(history: SearchableHistory, request: SearchRequest) -> tuple[RobotResponse, tuple[Match, ...]]:
    """Search one robot's history. The caller checks that the request names this robot.

    :returns: the robot's line without ``elapsed_ms``, and its matches, one per visit, best first, limited as requested.
        The line counts all visits; beyond the limit, it counts tracks. A request that cannot be answered gives a line
        that says why, never an exception.
    """
    robot, contract = history.robot_id, history.contract
    if request.model_id != contract.id:
        return model_mismatch(robot, (contract.id,), request.model_id), ()
    try:
        validate_request(request, contract)
        visits, more, compared = _visits(history, request)
    except (RequestError, StoreError) as error:
        return RobotResponse(robot, ERROR, error=str(error)), ()
    return RobotResponse(robot, ANSWERED, len(visits) + more, compared), tuple(visits[: request.result_limit])


def _visits(history: SearchableHistory, request: SearchRequest) -> tuple[list[Match], int, int]:
    """Visits best first, at least as many as requested where there are so many; the number of further tracks, and of
    sightings compared."""
    limit, threshold = request.result_limit, request.threshold_for(history.contract)
    while True:
        hits, tracks, compared = history.search_tracks(
            request.embedding, *request.time_range, request.cameras, threshold, limit
        )
        visits = fold_visits(_match(hit, history) for hit in hits)
        # A visit of many short tracks must not push other visits out of the response.
        if len(visits) >= request.result_limit or len(hits) >= tracks:
            return visits, tracks - len(hits), compared
        limit *= 4


def model_mismatch(robot_id: str, own: tuple[str, ...], requested: str) -> RobotResponse:
    """The line of a robot whose sightings were embedded by other models than the request's.

    :param own: models of the robot's sightings.
    :param requested: model of the request.
    """
    return RobotResponse(
        robot_id,
        MODEL_MISMATCH,
        error=f"{robot_id} has embeddings of {' and '.join(own)}, the request is of {requested}; run both on one model",
    )


def _match(hit: TrackHit, history: SearchableHistory) -> Match:
    best = hit.sighting
    source = (best.robot_id, best.camera_id, best.person_id, best.track_id, best.frame_number, best.stamp_ns)
    visit = (hit.first_ns, hit.last_ns, best.bbox, best.face_bbox, hit.similarity)
    rescanned = history.found_by_rescan(best.camera_id, best.stamp_ns)
    return Match(*source, *visit, best.quality, best.thumbnail, rescanned, best.pose)
