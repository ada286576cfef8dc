"""Search of one robot's history."""

from collections.abc import Sequence
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

    def tracks_of_persons(
        self, embedding: np.ndarray, person_ids: Sequence[str], start_ns: int, end_ns: int, cameras: Sequence[str]
    ) -> list[TrackHit]:
        """Tracks of persons, each with its sighting most similar to the face, whatever the similarity."""
        ...

    def found_by_rescan(self, camera_id: str, stamp_ns: int) -> bool:
        """Whether a rescan found a face in that frame."""
        ...


class Visits(Protocol):
    """What is known of a robot's visits beside its sightings; see :class:`VisitLog`."""

    def extent(self, person_id: str, camera_id: str, first_ns: int, last_ns: int) -> tuple[int, int]:
        """A stretch of time of a person at a camera, extended to the begin and end of the visit."""
        ...


class _NoVisits:
    def extent(self, person_id: str, camera_id: str, first_ns: int, last_ns: int) -> tuple[int, int]:
        return first_ns, last_ns


def search_history(
    history: SearchableHistory, request: SearchRequest, visits: Visits | None = None
) -> tuple[RobotResponse, tuple[Match, ...]]:
    """Search one robot's history. The caller checks that the request names this robot.

    Visits of the persons in ``request.person_ids`` match whatever their similarity.

    :param visits: from the event log; None: a visit extends from its first matching sighting to its last.
    :returns: the robot's line without ``elapsed_ms``, and its matches, one per visit, best first, limited as requested.
        The line counts all visits; beyond the limit, it counts tracks. A request that cannot be answered gives a line
        that says why, never an exception.
    """
    robot, contract = history.robot_id, history.contract
    if request.model_id != contract.id:
        return model_mismatch(robot, (contract.id,), request.model_id), ()
    try:
        validate_request(request, contract)
        found, more, compared = _visits(history, request, visits or _NoVisits())
    except (RequestError, StoreError) as error:
        return RobotResponse(robot, ERROR, error=str(error)), ()
    return RobotResponse(robot, ANSWERED, len(found) + more, compared), tuple(found[: request.result_limit])


def _visits(history: SearchableHistory, request: SearchRequest, visits: Visits) -> tuple[list[Match], int, int]:
    """Visits best first, at least as many as requested where there are so many; the number of further tracks, and of
    sightings compared."""
    limit, threshold = request.result_limit, request.threshold_for(history.contract)
    scope = (*request.time_range, request.cameras)
    known = history.tracks_of_persons(request.embedding, request.person_ids, *scope) if request.person_ids else []
    while True:
        hits, tracks, compared = history.search_tracks(request.embedding, *scope, threshold, limit)
        found = fold_visits(_match(hit, history, visits) for hit in _joined(hits, known))
        # A visit of many short tracks must not push other visits out of the response.
        if len(found) >= request.result_limit or len(hits) >= tracks:
            return found, tracks - len(hits), compared
        limit *= 4


def _joined(hits: list[TrackHit], known: list[TrackHit]) -> list[TrackHit]:
    """Tracks that match by their faces, then tracks of the persons asked for that do not, best first."""
    matched = {(hit.sighting.camera_id, hit.sighting.track_id) for hit in hits if hit.sighting.track_id}
    others = [hit for hit in known if (hit.sighting.camera_id, hit.sighting.track_id) not in matched]
    return [*hits, *sorted(others, key=lambda hit: -hit.similarity)]


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


def _match(hit: TrackHit, history: SearchableHistory, visits: Visits) -> Match:
    best = hit.sighting
    extent = (hit.first_ns, hit.last_ns)
    if best.person_id:
        extent = visits.extent(best.person_id, best.camera_id, *extent)
    source = (best.robot_id, best.camera_id, best.person_id, best.track_id, best.frame_number, best.stamp_ns)
    visit = (*extent, best.bbox, best.face_bbox, hit.similarity)
    rescanned = history.found_by_rescan(best.camera_id, best.stamp_ns)
    return Match(*source, *visit, best.quality, best.thumbnail, rescanned, best.pose)
