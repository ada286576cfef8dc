"""Search of one robot's history."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import numpy as np

from facetrack_ros.errors import RequestError, StoreError
from facetrack_ros.history.people.merge_log import MergeLog
from facetrack_ros.history.sightings.queries import TrackHit
from facetrack_ros.history.sightings.scene import Scene
from facetrack_ros.models.contract import ModelContract
from facetrack_ros.search.other_people import best_of_robot, seen_together_with
from facetrack_ros.search.request import SearchRequest
from facetrack_ros.search.response import ANSWERED, ERROR, MODEL_MISMATCH, Match, RobotResponse
from facetrack_ros.search.scene_calibration import calibrated_line
from facetrack_ros.search.track_judgement import JudgedTrack, TrackJudge
from facetrack_ros.search.validation import validate_request
from facetrack_ros.search.visits import fold_visits
from facetrack_ros.tracking.identity_merges import IdentityMerges

#: Tracks that are judged for each match asked for: the order by their best faces is not that by all their faces.
OVERSAMPLED = 2


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

    def faces_of_tracks(self, track_ids: Collection[str]) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """By track the embeddings and qualities of its best sightings."""
        ...

    def seen_together(self, person_id: str, others: Iterable[str]) -> set[str]:
        """Which of other persons were in view together with a person."""
        ...

    def scene(self, merges_of: Callable[[Path], IdentityMerges]) -> Scene:
        """The people of the store and how alike different ones are.

        :param merges_of: reads the decisions on person ids of a robot's folder.
        """
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
        Visits that are alike but no match follow, with the reason, limited likewise. The line counts all visits that
        match; beyond the limit, it counts tracks. A request that cannot be answered gives a line that says why, never
        an exception.
    """
    robot, contract = history.robot_id, history.contract
    if request.model_id != contract.id:
        return model_mismatch(robot, (contract.id,), request.model_id), ()
    try:
        validate_request(request, contract)
        scene = history.scene(lambda folder: MergeLog(folder).read())
        found, more, compared = _visits(history, request, visits or _NoVisits(), scene)
    except (RequestError, StoreError) as error:
        return RobotResponse(robot, ERROR, error=str(error)), ()
    matches, apart = ([visit for visit in found if bool(visit.different_person) == is_apart] for is_apart in (0, 1))
    line = RobotResponse(robot, ANSWERED, len(matches) + more, compared)
    line = calibrated_line(line, scene, contract, request.threshold_for(contract), len(request.embeddings))
    return line, (*matches[: request.result_limit], *apart[: request.result_limit])


def _visits(
    history: SearchableHistory, request: SearchRequest, visits: Visits, scene: Scene
) -> tuple[list[Match], int, int]:
    """Visits best first, at least as many matches as requested where there are so many, then those that are alike but
    no match; the number of further tracks, and of sightings compared."""
    limit, threshold = OVERSAMPLED * request.result_limit, request.threshold_for(history.contract)
    judge = TrackJudge(scene, request, history.contract, threshold)
    scope = (*request.time_range, request.cameras)
    known = history.tracks_of_persons(request.embedding, request.person_ids, *scope) if request.person_ids else []
    while True:
        hits, tracks, compared = history.search_tracks(request.embedding, *scope, threshold, limit)
        judged = judge.judge(_joined(hits, known), history.faces_of_tracks)
        found = _without_companions(fold_visits(_match(track, history, visits) for track in judged), history)
        # A visit of many short tracks must not push other visits out of the response.
        if sum(not visit.different_person for visit in found) >= request.result_limit or len(hits) >= tracks:
            return found, tracks - len(hits), compared
        limit *= 4


def _joined(hits: list[TrackHit], known: list[TrackHit]) -> list[TrackHit]:
    """Tracks that match by their faces, and tracks of the persons asked for that do not."""
    matched = {(hit.sighting.camera_id, hit.sighting.track_id) for hit in hits if hit.sighting.track_id}
    return [*hits, *(hit for hit in known if (hit.sighting.camera_id, hit.sighting.track_id) not in matched)]


def _without_companions(visits: list[Match], history: SearchableHistory) -> list[Match]:
    """The visits, with those set apart whose person was seen together with that of the best match."""
    best = best_of_robot(visits)
    others = {visit.person_id for visit in visits if visit.person_id and not visit.different_person}
    if best is None or others == {best.person_id}:
        return visits
    companions = history.seen_together(best.person_id, others - {best.person_id})
    reason = seen_together_with(best.person_id)
    settled = [
        replace(visit, different_person=reason)
        if visit.person_id in companions and not visit.different_person
        else visit
        for visit in visits
    ]
    return sorted(settled, key=lambda visit: bool(visit.different_person))


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


def _match(track: JudgedTrack, history: SearchableHistory, visits: Visits) -> Match:
    best = track.hit.sighting
    extent = (track.hit.first_ns, track.hit.last_ns)
    if best.person_id:
        extent = visits.extent(best.person_id, best.camera_id, *extent)
    source = (best.robot_id, best.camera_id, best.person_id, best.track_id, best.frame_number, best.stamp_ns)
    visit = (*extent, best.bbox, best.face_bbox, track.similarity)
    rescanned = history.found_by_rescan(best.camera_id, best.stamp_ns)
    return Match(
        *(*source, *visit, best.quality, best.thumbnail, rescanned, best.pose),
        normalised_similarity=track.normalised,
        different_person=track.apart,
    )
