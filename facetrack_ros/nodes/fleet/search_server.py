"""A robot's part of every search: request topic in, its history searched, result topic out, audit log."""

import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from facetrack_ros import msg
from facetrack_ros.concurrency.worker import FifoMailbox, Worker, run_calls
from facetrack_ros.core.event import FACE_MATCHED, PersonEvent
from facetrack_ros.errors import DiskError, FacetrackError, StoreError
from facetrack_ros.history.events.visits import VisitLog
from facetrack_ros.history.layout import RobotFolder
from facetrack_ros.history.robot_history import RobotHistory
from facetrack_ros.history.sightings.database import stored_models
from facetrack_ros.history.sightings.model_contract import load_contract
from facetrack_ros.nodes.base.qos import RELIABLE, SEARCH_RESULT_PUB
from facetrack_ros.nodes.base.robot_member_node import RobotMemberNode
from facetrack_ros.nodes.conversion.fields import pick
from facetrack_ros.nodes.conversion.search import match_to_message, request_from_message, robot_response_to_message
from facetrack_ros.nodes.conversion.vision import event_to_message
from facetrack_ros.nodes.fleet.rescan_service import RESERVE_S, RescanService
from facetrack_ros.nodes.fleet.response_cache import ResponseCache
from facetrack_ros.search.audit_log import AuditLog
from facetrack_ros.search.false_match_rate import estimate_false_matches
from facetrack_ros.search.joined_visits import only_persons
from facetrack_ros.search.local_search import model_mismatch
from facetrack_ros.search.offline.open_history import OpenHistory, with_rescan
from facetrack_ros.search.request import SearchRequest
from facetrack_ros.search.response import ANSWERED, ERROR, Match, NotSearched, RobotResponse
from facetrack_ros.search.robot_search import search_robot
from facetrack_ros.search.searched import StoreSearch
from facetrack_ros.search.threshold_choice import choose_threshold
from facetrack_ros.search.validation import validate_request

# Most FACE_MATCHED events of one search, so that thousands of matches do not crowd out PERSON_IN and PERSON_OUT.
MOST_EVENTS = 100
# Fields that such an event has of its match.
_OF_MATCH = ("stamp_ns", "robot_id", "camera_id", "person_id", "frame_number", "similarity")
# Searches remembered, so that a request replayed from a recording is not logged again.
_REMEMBERED = 1000
# Searches with a rescan or another embedder take seconds; others do not wait for them.
_SLOW_AT_ONCE = 4

logger = logging.getLogger(__name__)


class SearchServer:
    """Answers the mesh's search requests from the robot's history.

    :param node: the history node.
    :param history: the robot's history, None until it is open.
    :param note_on: a remark for the response to a request; empty: none.
    """

    def __init__(
        self,
        node: RobotMemberNode,
        instance_id: str,
        history: Callable[[], RobotHistory | None],
        note_on: Callable[[SearchRequest], str],
        disk_failed: Callable[[DiskError], None],
    ):
        self._node = node
        self._instance_id = instance_id
        self._history = history
        self._note_on = note_on
        self._disk_failed = disk_failed
        self._rescan_service = RescanService(node)
        self._visits: VisitLog | None = None
        self._logged: OrderedDict[str, None] = OrderedDict()
        self._without_id = 0
        self._worker = Worker("history search", FifoMailbox(), run_calls)
        self._slow = ThreadPoolExecutor(_SLOW_AT_ONCE, "history slow search")
        self._cache = ResponseCache()
        self._results = node.create_publisher(msg.FaceSearchResult, node.mesh_topic("search/result"), SEARCH_RESULT_PUB)
        self._events = node.create_publisher(msg.PersonEvent, node.robot_topic("events"), RELIABLE)
        node.create_subscription(
            msg.FaceSearchRequest,
            node.mesh_topic("search/request"),
            lambda message: self._worker.put("", (self._handle, message, time.monotonic())),
            RELIABLE,
        )

    @property
    def no_faces(self) -> str:
        """Why faces are not searched for now, by setting or for want of charge; empty: they are."""
        return self._rescan_service.no_faces()

    def close(self) -> None:
        """Answer pending requests; a running rescan stops."""
        self._rescan_service.close()
        self._worker.close()
        self._slow.shutdown()

    def _handle(self, message: msg.FaceSearchRequest, arrived_s: float) -> None:
        request = request_from_message(message)
        if not request.search_id:
            self._without_id += 1
            self._node.get_logger().warning(
                f"{self._without_id} searches without an id so far, the last one by "
                f"{request.requester or 'an unnamed requester'}: not answered",
                throttle_duration_sec=60.0,
            )
        elif request.robots and self._node.robot_id not in request.robots:
            return
        elif not self._cache.begin(message):
            if (result := self._cache.get(request.search_id)) is not None:
                self._results.publish(result)  # it was lost on its way
        elif request.rescan or self._has_other_model(request):
            self._slow.submit(self._answer_slowly, request, arrived_s)
        else:
            self._answer(request, arrived_s)

    def _has_other_model(self, request: SearchRequest) -> bool:
        """Whether the request is of another embedder and carries the face crop."""
        history = self._history()
        return history is not None and bool(request.face_crop) and request.model_id != history.contract.id

    def _answer_slowly(self, request: SearchRequest, arrived_s: float) -> None:
        try:
            self._answer(request, arrived_s)
        except Exception:  # the pool would drop it
            logger.exception("search %s", request.search_id)

    def _answer(self, request: SearchRequest, arrived_s: float) -> None:
        started, history = time.perf_counter(), self._history()
        matches: tuple[Match, ...] = ()
        try:
            if history is not None and (request.model_id == history.contract.id or request.face_crop):
                response, matches = self._search(history, request, arrived_s)
            else:
                response, matches = self._search_stored(request)
        except FacetrackError as error:
            response = RobotResponse(self._node.robot_id, ERROR, error=str(error))
        except OSError as error:
            problem = f"what {self._node.robot_id} has stored cannot be read: {error.strerror or error}"
            response = RobotResponse(self._node.robot_id, ERROR, error=problem)
        note = "; ".join(filter(None, (response.note, self._note_on(request))))
        elapsed_ms = (time.perf_counter() - started) * 1e3
        response = replace(response, note=note, elapsed_ms=elapsed_ms, instance_id=self._instance_id)
        result = msg.FaceSearchResult(
            search_id=request.search_id,
            instance_id=self._instance_id,
            model_id=history.contract.id if history is not None else "",
            robot=robot_response_to_message(response),
            matches=[match_to_message(match) for match in matches],
        )
        self._cache.store(result)
        self._results.publish(result)
        if history is not None and request.search_id not in self._logged:
            self._log(history, request, response, matches)

    def _search(
        self, history: RobotHistory, request: SearchRequest, arrived_s: float
    ) -> tuple[RobotResponse, tuple[Match, ...]]:
        contract, other_model = history.contract, self._has_other_model(request)
        extra: dict[str, Any] = {}
        if other_model:
            embedding, model_id = self._rescan_service.embed(request.face_crop)
            # The requester's threshold is of its own model and means nothing for this one, nor do more embeddings.
            threshold, _ = choose_threshold(contract, self._node.settings.backtrack_search)
            request = replace(request, embedding=embedding, model_id=model_id, more_embeddings=None)
            request = replace(request, threshold=request.threshold if only_persons(request) else threshold)
            extra = {"model_id": model_id, "threshold": threshold}
        done, why = None, ""
        if request.rescan and request.model_id == contract.id:
            validate_request(request, contract)
            deadline_s = arrived_s + request.timeout_ns / 1e9 - RESERVE_S
            done, why = self._rescan_service.rescan(history, request, deadline_s)
        if self._visits is None:
            self._visits = VisitLog(history.events.directory)
        response, matches = search_robot(
            *(history.robot_id, history.path, (history.sightings,), contract, request, self._visits),
            configured=self._node.cameras,
            now_ns=self._node.get_clock().now().nanoseconds,
        )
        if other_model:
            false = estimate_false_matches(contract, request.threshold_for(contract), response.sightings)
            extra["expected_false_matches"] = false.expected
            extra |= {"expected_false_matches_low": false.low, "expected_false_matches_high": false.high}
        response = with_rescan(response, done, why or "the time was too short")
        note = "; ".join(filter(None, (response.note, why)))
        return replace(response, note=note, **extra), matches

    def _search_stored(self, request: SearchRequest) -> tuple[RobotResponse, tuple[Match, ...]]:
        """Search what the robot's folder holds of the request's model, where the open history is of another model, or
        none is open."""
        robot, path = self._node.robot_id, self._node.robot_folder() / self._node.robot_id
        stored = stored_models(path)
        if request.model_id in stored:
            history = OpenHistory(RobotFolder(robot, path), load_contract(path, request.model_id))
            try:
                return history.search(request, self._node.get_clock().now().nanoseconds)
            finally:
                history.close()
        scope = StoreSearch(robot, path, (), request, self._node.cameras)
        if stored:
            return replace(model_mismatch(robot, stored, request.model_id), not_searched=scope.not_searched()), ()
        waits = "waits for the first faces" if self._node.active else f"is {self._node.state}"
        gap = NotSearched(robot, f"{robot} has recorded nothing: its history {waits}")
        return RobotResponse(robot, ANSWERED, not_searched=(gap,)), ()

    def publish_events(self, events: Iterable[PersonEvent]) -> None:
        """Publish events that were given to the log."""
        if self._events.get_subscription_count():
            for event in events:
                self._events.publish(event_to_message(event, ""))

    def _log(
        self, history: RobotHistory, request: SearchRequest, response: RobotResponse, matches: tuple[Match, ...]
    ) -> None:
        """Write the search to the audit log, and publish and store each match as an event."""
        self._logged[request.search_id] = None
        if len(self._logged) > _REMEMBERED:
            self._logged.popitem(last=False)
        if not self._node.settings.event_logging.enabled:
            return
        try:
            AuditLog(history.path, history.room).append(
                request, response, matches, self._node.get_clock().now().nanoseconds
            )
            if only_persons(request):
                return  # the search before it, for the face, had the matches
            face, search = request.reference or "embedding", request.search_id
            low = response.threshold if response.model_id else request.threshold_for(history.contract)
            events = [
                PersonEvent(FACE_MATCHED, reference_face_id=face, search_id=search, **pick(match, _OF_MATCH))
                for match in matches[:MOST_EVENTS]
                if match.similarity >= low and not match.different_person
            ]
            try:
                history.add_event(*events)
            finally:  # also where a full disk refuses them: they wait in memory
                self.publish_events(events)
        except DiskError as error:
            self._disk_failed(error)
        except StoreError as error:
            self._node.get_logger().error(str(error), throttle_duration_sec=60.0)
