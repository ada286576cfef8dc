"""Searches stored histories on this disk, without ROS."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path

from facetrack_ros.errors import StoreError
from facetrack_ros.history.keeping_rules import WATCHLIST, KeepingRules
from facetrack_ros.history.layout import RobotFolder, history_folders
from facetrack_ros.history.sightings.database import stored_models
from facetrack_ros.models.contract import ModelContract
from facetrack_ros.search.false_match_rate import estimate_false_matches
from facetrack_ros.search.joined_visits import joined_request, only_persons, with_joined_visits
from facetrack_ros.search.local_search import model_mismatch
from facetrack_ros.search.offline.open_history import OpenHistory, RescanOptions
from facetrack_ros.search.request import SearchRequest
from facetrack_ros.search.response import ENROLLED_ONLY, ERROR, Match, RobotResponse, SearchResponse
from facetrack_ros.search.response_collector import ResponseCollector
from facetrack_ros.search.validation import validate_request
from facetrack_ros.search.visits import apply_merges
from facetrack_ros.tracking.identity_merges import IdentityMerges

#: A request of another model than the first, and that model.
OtherRequest = tuple[SearchRequest, ModelContract]


def search_stored(
    data_dir: Path | str,
    request: SearchRequest,
    contract: ModelContract,
    clock_ns: Callable[[], int] = lambda: 0,
    rescan_options: RescanOptions | None = None,
    now_ns: int | None = None,
    others: Sequence[OtherRequest] = (),
    settle: Callable[[SearchResponse], SearchResponse] | None = None,
    merges: IdentityMerges | None = None,
    events_dir: Path | None = None,
) -> SearchResponse:
    """Search the histories below a folder; their robots may be running.

    A history that cannot be read is an ``error`` line in the response.

    :param contract: of the request's model.
    :param clock_ns: monotonic clock for ``elapsed_ms``; the default leaves it 0.
    :param rescan_options: for a request with ``rescan``. The faces found are in the response only, not stored.
    :param now_ns: current time, to refuse a time range in the future; None: not checked.
    :param others: the same request for the sightings of other models; a robot that has such has a line for them.
    :param settle: tells the people of a response apart, see
        :func:`~facetrack_ros.search.other_people.settle_people`; None: only merges them.
    :param merges: the person ids that are one person; None: none are.
    :param events_dir: folder of the event logs, one folder per robot below; None: each robot's own folder.
    :raises RequestError: the request is invalid.
    :raises StoreError: there is no such folder, or no robot in it.
    """
    validate_request(request, contract, now_ns)
    folders = {folder.robot_id: folder for folder in history_folders(data_dir)}
    if not folders:
        raise StoreError(
            f"there is no robot's history below {data_dir}; give the folder that --data named when the robots ran"
        )
    merges = merges or IdentityMerges()
    settle = settle or (lambda found: replace(found, matches=apply_merges(found.matches, merges)))
    asked = [folder for robot, folder in sorted(folders.items()) if not request.robots or robot in request.robots]
    with ExitStack() as stack:
        robots = [stack.enter_context(_Robot(folder, contract, others, events_dir)) for folder in asked]
        if request.rescan and rescan_options is not None:
            for robot in robots:
                robot.own.rescan(request, rescan_options)
        cameras = {robot.own.robot_id: robot.cameras() for robot in robots}

        def collect(each: SearchRequest) -> SearchResponse:
            collector = ResponseCollector(each, contract, dict.fromkeys(folders, each.model_id), cameras=cameras)
            for robot in robots:
                for response, matches in robot.search(each, clock_ns, now_ns):
                    collector.add(each.search_id, response, matches)
            return collector.close()

        response = settle(collect(request))
        further = joined_request(request, response, merges)
        if further is None:
            return response
        return settle(with_joined_visits(response, collect(further), request.result_limit))


class _Robot:
    """The stores of one robot: of the request's model, and of others; a context manager."""

    def __init__(
        self, folder: RobotFolder, contract: ModelContract, others: Sequence[OtherRequest], events_dir: Path | None
    ) -> None:
        self.own = OpenHistory(folder, contract, events_dir)
        self._path, self._stored = folder.path, () if folder.error else stored_models(folder.path)
        self._others = [
            (request, model, OpenHistory(folder, model, events_dir))
            for request, model in others
            if model.id in self._stored
        ]

    def __enter__(self) -> "_Robot":
        return self

    def __exit__(self, *error) -> None:
        for history in (self.own, *(history for _, _, history in self._others)):
            history.close()

    def cameras(self) -> list[str]:
        """Every camera of the stores."""
        histories = (self.own, *(history for _, _, history in self._others))
        return sorted({camera for history in histories for camera in history.cameras()})

    def search(
        self, request: SearchRequest, clock_ns: Callable[[], int], now_ns: int | None
    ) -> Iterator[tuple[RobotResponse, tuple[Match, ...]]]:
        """The robot's lines and their matches: one of the request's model, and one of each other model searched."""
        rules = KeepingRules.read(self._path)
        kept = f"{self.own.robot_id} {ENROLLED_ONLY}" if rules is not None and rules.keep == WATCHLIST else ""
        for response, matches in self._compared(request, clock_ns, now_ns):
            yield response.noted(kept), matches

    def _compared(
        self, request: SearchRequest, clock_ns: Callable[[], int], now_ns: int | None
    ) -> Iterator[tuple[RobotResponse, tuple[Match, ...]]]:
        compared = {model.id for _, model, _ in self._others}
        if not self.own.has_store and not self._stored:
            error = f"{self.own.robot_id} has recorded nothing: there are no sightings in {self._path}"
            yield RobotResponse(self.own.robot_id, ERROR, error=error), ()
        elif self.own.has_store:
            response, matches = _timed(partial(self.own.search, request, now_ns), clock_ns)
            gaps = tuple(gap for gap in response.not_searched if gap.model_id not in compared)
            yield replace(response, not_searched=gaps), matches
        elif not compared:
            response, _ = self.own.search(request, now_ns)
            mismatch = model_mismatch(self.own.robot_id, self._stored, request.model_id)
            yield replace(mismatch, not_searched=response.not_searched), ()
        for other, model, history in self._others:
            threshold = request.threshold if only_persons(request) else other.threshold
            each = replace(
                other, search_id=request.search_id, person_ids=request.person_ids, threshold=threshold, rescan=False
            )
            response, matches = _timed(partial(history.search, each, now_ns, beside=True), clock_ns)
            low = other.threshold_for(model)
            if not response.rejected_matches:
                false = estimate_false_matches(model, low, response.sightings, len(other.embeddings))
                response = replace(
                    response,
                    expected_false_matches=false.expected,
                    expected_false_matches_low=false.low,
                    expected_false_matches_high=false.high,
                )
            yield replace(response, model_id=model.id, threshold=low), matches


def _timed(
    search: Callable[[], tuple[RobotResponse, tuple[Match, ...]]], clock_ns: Callable[[], int]
) -> tuple[RobotResponse, tuple[Match, ...]]:
    start_ns = clock_ns()
    response, matches = search()
    return replace(response, elapsed_ms=(clock_ns() - start_ns) / 1e6), matches
