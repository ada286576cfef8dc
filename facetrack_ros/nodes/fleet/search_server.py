"""A robot's part of every search: asked on a topic, answered on a topic, written down."""

import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from facetrack_ros import msg
from facetrack_ros.concurrency.worker import FifoMailbox, Worker
from facetrack_ros.core.event import FACE_MATCHED, PersonEvent
from facetrack_ros.errors import FacetrackError, StoreError
from facetrack_ros.history.robot_history import RobotHistory
from facetrack_ros.nodes.base.qos import RELIABLE, SEARCH_RESULT_PUB
from facetrack_ros.nodes.base.robot_member_node import RobotMemberNode
from facetrack_ros.nodes.conversion.search import match_to_message, request_from_message, robot_response_to_message
from facetrack_ros.nodes.conversion.vision import event_to_message
from facetrack_ros.nodes.fleet.rescan_service import RESERVE_S, Rescanning
from facetrack_ros.nodes.fleet.response_cache import ResponseCache
from facetrack_ros.search.audit_log import AuditLog
from facetrack_ros.search.camera_coverage import coverage_within
from facetrack_ros.search.false_match_rate import expected_false_matches
from facetrack_ros.search.local_search import search_history
from facetrack_ros.search.request import SearchRequest
from facetrack_ros.search.response import ANSWERED, ERROR, Match, RobotResponse
from facetrack_ros.search.validation import validate_request

# A match is an event once a visit; an answer of thousands must not bury the comings and goings.
MOST_EVENTS = 100
# Searches remembered, so that one that is played back from a recording is not written down as a new one.
_REMEMBERED = 1000
# Rescans and others' faces take seconds; the plain searches in between do not wait for them.
_SLOW_AT_ONCE = 4


class SearchServer:
    """Hears requests on the mesh and answers them from the robot's history.

    :param node: the history node.
    :param history: the robot's history, None while there is none yet.
    :param remark: what is to be kept in mind with the answer to a question.
    """

    def __init__(
        self,
        node: RobotMemberNode,
        instance_id: str,
        history: Callable[[], RobotHistory | None],
        remark: Callable[[SearchRequest], str],
    ):
        self._node = node
        self._instance_id = instance_id
        self._history = history
        self._remark = remark
        self._rescanning = Rescanning(node)
        self._written_down: OrderedDict[str, None] = OrderedDict()
        self._nameless = 0
        self._worker = Worker("history search", FifoMailbox(), self._work)
        self._slow = ThreadPoolExecutor(_SLOW_AT_ONCE, "history slow search")
        self._kept = ResponseCache()
        self._results = node.create_publisher(msg.FaceSearchResult, node.mesh_topic("search/result"), SEARCH_RESULT_PUB)
        self._events = node.create_publisher(msg.PersonEvent, node.robot_topic("events"), RELIABLE)
        node.create_subscription(
            msg.FaceSearchRequest,
            node.mesh_topic("search/request"),
            lambda message: self._worker.put("", (message, time.monotonic())),
            RELIABLE,
        )

    def close(self) -> None:
        """Finish what was asked; a rescan ends where it is."""
        self._rescanning.close()
        self._worker.close()
        self._slow.shutdown()

    def _work(self, items: list) -> None:
        for message, came_s in items:
            question = request_from_message(message)
            if not question.search_id:
                self._nameless += 1
                self._node.get_logger().warning(
                    f"{self._nameless} searches without an id so far, of which the last is of "
                    f"{question.requester or 'nobody'}: not answered",
                    throttle_duration_sec=60.0,
                )
            elif question.robots and self._node.robot_id not in question.robots:
                continue
            elif not self._kept.begin(message):
                if (answered := self._kept.of(question.search_id)) is not None:
                    self._results.publish(answered)  # it was lost on its way
            elif question.rescan or self._foreign(question):
                self._slow.submit(self._answer_slowly, question, came_s)
            else:
                self._answer(question, came_s)

    def _foreign(self, question: SearchRequest) -> bool:
        """Whether it is of another embedder, and brings the face along."""
        history = self._history()
        return history is not None and bool(question.face_crop) and question.model_id != history.contract.id

    def _answer_slowly(self, question: SearchRequest, came_s: float) -> None:
        try:
            self._answer(question, came_s)
        except Exception as error:  # the pool would keep it to itself
            self._node.get_logger().error(f"search {question.search_id}: unexpected {type(error).__name__}: {error}")

    def _answer(self, question: SearchRequest, came_s: float) -> None:
        started, history = time.perf_counter(), self._history()
        answer, matches = RobotResponse(self._node.robot_id, ANSWERED), ()
        if history is not None:
            try:
                answer, matches = self._search(history, question, came_s)
            except FacetrackError as error:
                answer = RobotResponse(self._node.robot_id, ERROR, error=str(error))
        note = "; ".join(filter(None, (answer.note, self._remark(question))))
        answer = replace(answer, note=note, elapsed_ms=(time.perf_counter() - started) * 1e3)
        result = msg.FaceSearchResult(
            search_id=question.search_id,
            instance_id=self._instance_id,
            model_id=history.contract.id if history is not None else "",
            robot=robot_response_to_message(answer),
            matches=[match_to_message(match) for match in matches],
        )
        self._kept.keep(result)
        self._results.publish(result)
        if history is not None and self._is_new(question.search_id):
            self._write_down(history, question, answer, matches)

    def _search(
        self, history: RobotHistory, question: SearchRequest, came_s: float
    ) -> tuple[RobotResponse, tuple[Match, ...]]:
        contract, own, foreign = history.contract, {}, self._foreign(question)
        if foreign:
            embedding, model_id = self._rescanning.embed(question.face_crop)
            # Thresholds of two models have nothing to do with each other.
            question = replace(question, embedding=embedding, model_id=model_id, threshold=contract.threshold)
            own = {"model_id": model_id, "threshold": contract.threshold}
        rescanned = {}
        if question.rescan and question.model_id == contract.id:
            validate_request(question, contract)
            done, note = self._rescanning.rescan(history, question, came_s + question.timeout_ns / 1e9 - RESERVE_S)
            rescanned = {"rescanned": done.looked, "not_rescanned": done.remaining, "note": note}
        answer, matches = search_history(history.sightings, question)
        if foreign:
            own["expected_false_matches"] = expected_false_matches(
                contract, question.threshold_for(contract), answer.sightings
            )
        if answer.status == ANSWERED:
            own["coverage"] = coverage_within(history.sightings, *question.time_range, question.cameras)
        return replace(answer, **rescanned, **own), matches

    def _is_new(self, search_id: str) -> bool:
        if search_id in self._written_down:
            return False
        self._written_down[search_id] = None
        if len(self._written_down) > _REMEMBERED:
            self._written_down.popitem(last=False)
        return True

    def _write_down(
        self, history: RobotHistory, question: SearchRequest, answer: RobotResponse, matches: tuple[Match, ...]
    ) -> None:
        """Who asked, what was handed out, and each match as an event."""
        if not self._node.settings.event_logging.enabled:
            return
        try:
            AuditLog(history.path).append(question, answer, matches, self._node.get_clock().now().nanoseconds)
            events = [
                PersonEvent(
                    FACE_MATCHED,
                    match.stamp_ns,
                    match.robot_id,
                    match.camera_id,
                    match.person_id,
                    match.frame_number,
                    reference_face_id=question.reference or "embedding",
                    similarity=match.similarity,
                    search_id=question.search_id,
                )
                for match in matches[:MOST_EVENTS]
            ]
            # Whoever listens hears of it also where the disk is full.
            if self._events.get_subscription_count():
                for event in events:
                    self._events.publish(event_to_message(event, ""))
            history.add_event(*events)
        except StoreError as error:
            self._node.get_logger().error(str(error), throttle_duration_sec=60.0)
