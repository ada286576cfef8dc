"""Search of one robot: its stores, its event log, and what of the question they do not cover."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from facetrack_ros.errors import StoreError
from facetrack_ros.history.events.visits import VisitLog
from facetrack_ros.history.people.gallery_store import GalleryStore
from facetrack_ros.history.sightings.store import SightingStore
from facetrack_ros.models.contract import ModelContract
from facetrack_ros.search.audit.rejected_matches import with_rejected_matches
from facetrack_ros.search.camera_coverage import coverage_within
from facetrack_ros.search.local_search import search_history
from facetrack_ros.search.multi_store import MultiStore
from facetrack_ros.search.request import SearchRequest
from facetrack_ros.search.response import Match, RobotResponse
from facetrack_ros.search.searched import StoreSearch


def search_robot(
    robot_id: str,
    folder: Path,
    stores: Sequence[SightingStore],
    contract: ModelContract,
    request: SearchRequest,
    visits: VisitLog,
    configured: Sequence[str] = (),
    now_ns: int | None = None,
    beside: bool = False,
) -> tuple[RobotResponse, tuple[Match, ...]]:
    """Search the stores of one robot and model.

    :param folder: the robot's folder.
    :param stores: those of the contract's model; may be empty.
    :param visits: of the robot's event log.
    :param configured: cameras the robot is to have, where that is known.
    :param now_ns: time after which nothing can be kept yet; None: unknown.
    :param beside: whether the stores are searched beside those of another model, which tells what time is not kept and
        what other models there are.
    :returns: the robot's line without ``elapsed_ms``, and its matches, as
        :func:`facetrack_ros.search.local_search.search_history`.
    """
    history = stores[0] if len(stores) == 1 else MultiStore(robot_id, contract, stores)
    response, matches = search_history(history, request, visits)
    if not response.answered:
        return response, matches
    scope = StoreSearch(robot_id, folder, stores, request, configured, now_ns)
    threshold, references = request.threshold_for(contract), len(request.embeddings)
    response = with_rejected_matches(response, folder, contract, threshold, references)
    note = f"visits are shown from face to face: {visits.error}" if visits.error else ""
    coverage = tuple(span for store in stores for span in coverage_within(store, *request.time_range, request.cameras))
    gaps = scope.not_searched(beside)
    response = replace(response, searched=scope.searched(), not_searched=gaps, coverage=coverage, note=note)
    return response, _with_names(matches, folder, visits)


def _with_names(matches: tuple[Match, ...], folder: Path, visits: VisitLog) -> tuple[Match, ...]:
    """The matches with the names under which the tracker recognised them."""
    recognised = [
        visits.recognised(match.person_id, match.first_ns, match.last_ns) if match.person_id else ""
        for match in matches
    ]
    if not any(recognised):
        return matches
    try:
        names = {entry.entry_id: entry.name for entry in GalleryStore(folder).read()}
    except StoreError:
        names = {}  # the entry's id stands for it
    return tuple(replace(match, name=names.get(face, "")) for match, face in zip(matches, recognised))
