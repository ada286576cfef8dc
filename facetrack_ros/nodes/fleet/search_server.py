"""A robot's part of every search: request topic in, its history searched, result topic out, audit log."""

import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from operator import attrgetter
from typing import Any

from facetrack_ros import msg
from facetrack_ros.core.event import FACE_MATCHED, PersonEvent
from facetrack_ros.errors import FacetrackError, InvalidInput, RequestError
from facetrack_ros.history.audit.audit_log import SEARCH
from facetrack_ros.history.events.visits import VisitLog
from facetrack_ros.history.layout import RobotFolder
from facetrack_ros.history.robot_history import RobotHistory
from facetrack_ros.history.sightings.database import stored_models
from facetrack_ros.history.sightings.model_contract import load_contract
from facetrack_ros.nodes.base.bounds import SEARCHES
from facetrack_ros.nodes.base.fleet_rules import OPERATOR, SIGNED_BY
from facetrack_ros.nodes.base.qos import RELIABLE, SEARCH_RESULT_PUB
from facetrack_ros.nodes.base.robot_member_node import RobotMemberNode
from facetrack_ros.nodes.conversion.fields import pick
from facetrack_ros.nodes.conversion.search import match_to_message, request_from_message, robot_response_to_message
from facetrack_ros.nodes.conversion.vision import event_to_message
from facetrack_ros.nodes.fleet.audit_writer import AuditWriter
from facetrack_ros.nodes.fleet.rescan_service import RESERVE_S, RescanService
from facetrack_ros.nodes.fleet.response_cache import ResponseCache
from facetrack_ros.nodes.fleet.search_queue import SearchQueue
from facetrack_ros.search.audit.records import search_record
from facetrack_ros.search.false_match_rate import estimate_false_matches
from facetrack_ros.search.joined_visits import only_persons
from facetrack_ros.search.local_search import model_mismatch
from facetrack_ros.search.offline.open_history import OpenHistory, with_rescan
from facetrack_ros.search.request import SearchRequest, split_mesh_id
from facetrack_ros.search.response import ANSWERED, BUSY, ENROLLED_ONLY, ERROR, Match, NotSearched, RobotResponse
from facetrack_ros.search.robot_search import search_robot
from facetrack_ros.search.searched import StoreSearch
from facetrack_ros.search.threshold_choice import choose_threshold
from facetrack_ros.search.validation import validate_request
from facetrack_ros.tracking.factory import enrolled_only

# Most FACE_MATCHED events that are published of one search. Chosen by hand.
MOST_EVENTS = 100
# Fields that such an event has of its match.
_OF_MATCH = ("stamp_ns", "robot_id", "camera_id", "person_id", "frame_number", "similarity")
# Searches remembered, so that a request replayed from a recording is not logged again.
_REMEMBERED = 1000
# Answers a second that say that the robot is busy; who hears none asks again.
_MOST_BUSY_A_SECOND = 20

_asker_of = attrgetter("asker")


class SearchServer:
    """Answers the mesh's search requests from the robot's history.

    Requests wait in a bounded queue, by turns of those who ask; beyond it the answer is ``busy``, at once.

    :param node: the history node.
    :param history: the robot's history, None until it is open.
    :param note_on: a remark for the response to a request; empty: none.
    :param audit: takes a record of each search.
    :param not_yet: why searches have to wait, a sentence; empty: they need not.
    """

    def __init__(
        self,
        node: RobotMemberNode,
        instance_id: str,
        history: Callable[[], RobotHistory | None],
        note_on: Callable[[SearchRequest], str],
        audit: AuditWriter,
        not_yet: Callable[[], str] = lambda: "",
    ):
        self._node = node
        self._instance_id = instance_id
        self._history = history
        self._note_on = note_on
        self._audit, self._not_yet = audit, not_yet
        self._rescan_service = RescanService(node)
        self._visits: VisitLog | None = None
        self._logged: OrderedDict[str, None] = OrderedDict()
        self._queue = SearchQueue()
        self._cache = ResponseCache()
        counts = ("searches turned away as busy", "searches not logged", "searches refused without reason")
        self._counts = dict.fromkeys(counts, 0)
        self._busy_second = self._busy_sent = 0
        topic = node.mesh_topic("search/result")
        self._results = node.create_answer_publisher(msg.FaceSearchResult, topic, SEARCH_RESULT_PUB)
        self._events = node.create_publisher(msg.PersonEvent, node.robot_topic("events"), RELIABLE)
        receive = node.inbox.gate("search request", self._receive, sender=_asker_of, limit=SEARCHES, info=True)
        node.create_subscription(msg.FaceSearchRequest, node.mesh_topic("search/request"), receive, RELIABLE)

    @property
    def no_faces(self) -> str:
        """Why faces are not searched for now, by setting or for want of charge; empty: they are."""
        return self._rescan_service.no_faces()

    @property
    def _kept_note(self) -> str:
        """Whose faces a search can find at all; empty: everyone's."""
        only = enrolled_only(self._node.settings)
        return f"{self._node.robot_id} {ENROLLED_ONLY}" if only else ""

    def values(self) -> dict[str, str]:
        """Figures for diagnostics."""
        return {"searches waiting": str(len(self._queue)), **{name: str(count) for name, count in self._counts.items()}}

    def forget_answers(self) -> None:
        """Drop answers and visits in memory: they may name who is forgotten."""
        self._cache, self._visits = ResponseCache(), None

    def close(self) -> None:
        """Answer pending requests; a running rescan stops."""
        self._rescan_service.close()
        self._queue.close()

    def _receive(self, message: msg.FaceSearchRequest, info: dict) -> None:
        arrived_s, robots = time.monotonic(), message.robots
        if robots and self._node.robot_id not in robots:
            return
        if why := self._not_yet():
            self._answer_busy(message, why)
        elif not self._queue.put(message.asker, lambda: self._handle(message, info, arrived_s)):
            self._answer_busy(message)

    def _handle(self, message: msg.FaceSearchRequest, info: dict, arrived_s: float) -> None:
        try:
            request = self._checked(message.search_id, request_from_message(message))
            signed = {"operator": info.get(OPERATOR, request.operator), "signed_by": info.get(SIGNED_BY, "")}
            request = replace(request, **signed)
        except InvalidInput as error:
            self._node.inbox.refuse("search request", message.asker, str(error), error.kind)
            return
        # Another operator's question has a record of its own.
        key = repr((message.search_id, request.digest, request.operator, request.reason))
        if not self._cache.begin(key, request.requester):
            if (result := self._cache.get(key)) is not None:
                self._results.publish(result, message.asker)  # it was lost on its way
            return
        answer = partial(self._answer, request, message.search_id, key, arrived_s)
        if not (request.rescan or self._has_other_model(request)):
            answer()
        elif not self._queue.put_slow(request.requester, answer):
            self._cache.forget(key)  # it is searched when it is sent again
            self._answer_busy(message)

    @staticmethod
    def _checked(mesh_id: str, request: SearchRequest) -> SearchRequest:
        """The request under the id that its requester gave it.

        :raises InvalidInput: no id, or another question under the id of a search.
        """
        search_id, digest = split_mesh_id(mesh_id)
        request = replace(request, search_id=search_id)
        if not search_id:
            raise InvalidInput("a search without an id cannot be answered", "id")
        if digest and digest != request.digest:
            raise InvalidInput(f"another question was asked under the id of the search {search_id}", "id")
        return request

    def _answer_busy(self, message: msg.FaceSearchRequest, why: str = "") -> None:
        self._counts["searches turned away as busy"] += 1
        second = int(time.monotonic())
        if second != self._busy_second:
            self._busy_second, self._busy_sent = second, 0
        self._busy_sent += 1
        if self._busy_sent <= _MOST_BUSY_A_SECOND:
            busy = f"{self._node.robot_id} is busy with {len(self._queue)} searches: try again in a few seconds"
            line = RobotResponse(self._node.robot_id, BUSY, error=why or busy, instance_id=self._instance_id)
            self._publish(message.search_id, message.asker, line)

    def _publish(
        self, search_id: str, asker: str, response: RobotResponse, matches: tuple[Match, ...] = ()
    ) -> msg.FaceSearchResult:
        history = self._history()
        result = msg.FaceSearchResult(
            search_id=search_id,
            instance_id=self._instance_id,
            model_id=history.contract.id if history is not None else "",
            robot=robot_response_to_message(response),
            matches=[match_to_message(match) for match in matches],
        )
        self._results.publish(result, asker)
        return result

    def _has_other_model(self, request: SearchRequest) -> bool:
        """Whether the request is of another embedder and carries the face crop."""
        history = self._history()
        return history is not None and bool(request.face_crop) and request.model_id != history.contract.id

    def _answer(self, request: SearchRequest, mesh_id: str, key: str, arrived_s: float) -> None:
        """Search, publish the result and log the search.

        :param mesh_id: under which the result is published.
        :param key: of the question in the cache and the log.
        """
        started, history = time.perf_counter(), self._history()
        matches: tuple[Match, ...] = ()
        try:
            if refusal := self._audit.refusal(request.operator, request.reason):
                self._counts["searches refused without reason"] += 1
                raise RequestError(refusal)
            if history is not None and (request.model_id == history.contract.id or request.face_crop):
                response, matches = self._search(history, request, arrived_s)
            else:
                response, matches = self._search_stored(request)
        except FacetrackError as error:
            response = RobotResponse(self._node.robot_id, ERROR, error=str(error))
        except OSError as error:
            problem = f"what {self._node.robot_id} has stored cannot be read: {error.strerror or error}"
            response = RobotResponse(self._node.robot_id, ERROR, error=problem)
        note = "; ".join(filter(None, (response.note, self._kept_note, self._note_on(request))))
        elapsed_ms = (time.perf_counter() - started) * 1e3
        response = replace(response, note=note, elapsed_ms=elapsed_ms, instance_id=self._instance_id)
        self._cache.store(key, self._publish(mesh_id, request.requester, response, matches))
        if key not in self._logged:
            self._logged[key] = None
            if len(self._logged) > _REMEMBERED:
                self._logged.popitem(last=False)
            self._log(request, response, matches)

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
        if other_model and not response.rejected_matches:
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

    def _log(self, request: SearchRequest, response: RobotResponse, matches: tuple[Match, ...]) -> None:
        """Record the search in the audit log, and publish each match as an event."""
        history = self._history()
        room = history.room if history is not None else None
        if not self._audit.record(SEARCH, search_record(request, response, matches), room):
            self._counts["searches not logged"] += 1
        if history is not None and not only_persons(request):  # the search before it, for the face, had the matches
            self._publish_matches(history, request, response, matches)

    def _publish_matches(
        self, history: RobotHistory, request: SearchRequest, response: RobotResponse, matches: tuple[Match, ...]
    ) -> None:
        """Publish each match as an event. It is no event of who came and went, and not in the log of these."""
        face, search = request.reference or "embedding", request.search_id
        low = response.threshold if response.model_id else request.threshold_for(history.contract)
        self.publish_events(
            PersonEvent(FACE_MATCHED, reference_face_id=face, search_id=search, **pick(match, _OF_MATCH))
            for match in matches[:MOST_EVENTS]
            if match.similarity >= low and not match.different_person
        )
