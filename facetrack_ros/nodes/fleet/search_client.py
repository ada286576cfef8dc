"""Running searches of a robot: requests to the mesh, and results from it."""

import time
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Protocol

from rclpy.callback_groups import CallbackGroup
from rclpy.task import Future
from rclpy.timer import Timer

from facetrack_ros import msg
from facetrack_ros.errors import InvalidInput
from facetrack_ros.models.contract import ModelContract
from facetrack_ros.nodes.base.fleet_rules import check_signer
from facetrack_ros.nodes.base.mesh_node import MeshNode
from facetrack_ros.nodes.base.polled_subscription import PolledSubscription
from facetrack_ros.nodes.base.qos import SEARCH_REQUEST_PUB, SEARCH_RESULT_SUB
from facetrack_ros.nodes.base.serialized_size import check_size
from facetrack_ros.nodes.base.timers import steady_timer
from facetrack_ros.nodes.conversion.search import request_to_message
from facetrack_ros.nodes.conversion.search_result_cdr import read_result, search_of
from facetrack_ros.nodes.fleet.proven_responses import ProvenResponses
from facetrack_ros.nodes.fleet.roster_listener import RosterListener
from facetrack_ros.search.fleet_roster import RosterEntry
from facetrack_ros.search.request import SearchRequest
from facetrack_ros.search.response import NotSearched, SearchResponse
from facetrack_ros.search.response_collector import ResponseCollector

# How often messages are polled while no search runs, and heartbeats while one does.
POLL_S, POLL_OPEN_S = 1.0, 0.1
# How long results stay subscribed after a search, so that the next search begins without discovery.
LINGER_S = 60.0
# A request is sent again after twice the round trip of a slow network; three lost in a row still arrive in two seconds.
REPEAT_S = 0.4


class PartListener(Protocol):
    """Takes the parts of a search as they come."""

    def begin(self, collector: ResponseCollector) -> None:
        """A search is about to be sent."""
        ...

    def end(self, collector: ResponseCollector) -> None:
        """All parts have come, or the time is up."""
        ...


@dataclass
class OpenSearch:
    """A running search.

    :param message: the request as last published.
    :param responses: those that count, in the collector.
    :param crowded: why the roster at the start was not whole; empty: it was.
    :param parts: whether partial results are published.
    :param finished: done once all robots have responded or the time is up.
    """

    message: msg.FaceSearchRequest
    responses: ProvenResponses
    crowded: str = ""
    parts: bool = True
    finished: Future = field(default_factory=Future)
    timers: list[Timer] = field(default_factory=list)

    @property
    def collector(self) -> ResponseCollector:
        """The responses that count."""
        return self.responses.collector

    def finish(self, always: bool = True) -> None:
        """Stop waiting.

        :param always: False: only if no response is missing.
        """
        if (always or self.collector.done) and not self.finished.done():
            self.finished.set_result(None)

    def close(self) -> SearchResponse:
        """End the search; its answer."""
        response = self.responses.close()
        if not self.crowded:
            return response
        return replace(response, not_searched=(*response.not_searched, NotSearched("", self.crowded)))


class SearchClient:
    """Publishes search requests and passes results and heartbeats to the running searches.

    A result reaches every robot that subscribes, so a robot subscribes only during a search and :data:`LINGER_S` after
    it: else each of fifty robots would receive the fifty results of a search that one of them runs. Results of other
    robots' searches are recognised by their first bytes and not decoded. A new subscription receives each robot's last
    result, which is latched for ten seconds. A result counts for the robot it names only if the roster knows its
    process: see :class:`ProvenResponses`.

    DDS notices a lost message after up to three seconds, so the request is sent again every :data:`REPEAT_S` to the
    robots that have not responded; each searches once and sends the same result again.

    :ivar forged: number of results that did not count.
    :param roster: the robots to ask.
    :param group: callback group of the timers.
    :param parts: takes partial results.
    :param own_robot: robot of this process, which is asked even before its first heartbeat; empty: none.
    """

    def __init__(
        self, node: MeshNode, roster: RosterListener, group: CallbackGroup, parts: PartListener, own_robot: str = ""
    ):
        self._node, self._inbox, self._group = node, node.inbox, group
        self._partial_results, self._own_robot = parts, own_robot
        topic = node.mesh_topic("search/request")
        self._requests = node.create_publisher(msg.FaceSearchRequest, topic, SEARCH_REQUEST_PUB)
        self._roster = roster
        roster.listeners.append(self._on_heartbeat)
        self._open: dict[str, OpenSearch] = {}  # by the id on the mesh
        self._shared_names: dict[str, int] = {}
        self.forged = 0
        self._results: PolledSubscription | None = None
        self._last_search_s = 0.0
        steady_timer(node, POLL_S, self._poll_and_unsubscribe)

    def __contains__(self, search_id: str) -> bool:
        return any(search.collector.request.search_id == search_id for search in self._open.values())

    def __len__(self) -> int:
        return len(self._open)

    def roster(self) -> list[RosterEntry]:
        """Every robot heard within the last hour, by name."""
        self._poll()
        return self._roster.entries()

    def robots(self) -> tuple[int, int]:
        """Number of robots on the mesh, and of those among them that are silent."""
        present = [entry for entry in self._roster.entries() if not entry.left]
        return len(present), sum(entry.stale for entry in present)

    @property
    def shared_names(self) -> str:
        """Names that several robots use, in one sentence each; empty: none."""
        return "; ".join(_shared_name(robot, claims) for robot, claims in sorted(self._shared_names.items()))

    def connect(self) -> None:
        """Subscribe to results before the first search, which then does not wait for DDS to connect the robots."""
        if self._results is None:
            topic, kind = self._node.mesh_topic("search/result"), msg.FaceSearchResult
            self._results = PolledSubscription(
                self._node, kind, topic, self._on_result, SEARCH_RESULT_SUB, lambda: bool(self._open), raw=True
            )
            self._last_search_s = time.monotonic()

    def begin(self, request: SearchRequest, contract: ModelContract, parts: bool = True) -> OpenSearch:
        """Send a request to the robots of the roster; those that left or are silent are not waited for.

        :param parts: whether to publish partial results.
        :raises RequestError: the request is not valid.
        """
        self.connect()
        self._poll()
        collector = self._collector(request, contract)
        message = request_to_message(request)
        message.search_id = request.mesh_id
        search = OpenSearch(message, ProvenResponses(collector, self._roster.knows), self._roster.crowded, parts)
        self._open[message.search_id] = search
        timer = partial(steady_timer, self._node, callback_group=self._group)
        search.timers.append(timer(request.timeout_ns / 1e9, search.finish))
        search.timers.append(timer(REPEAT_S, lambda: self._send_again(search, collector.missing)))
        search.timers.append(timer(POLL_OPEN_S, self._poll))
        if parts:
            self._partial_results.begin(collector)
        self._requests.publish(search.message)
        search.finish(always=False)
        return search

    def _collector(self, request: SearchRequest, contract: ModelContract) -> ResponseCollector:
        """The collector of a search: who is waited for, and what is known of the others."""
        entries = self._roster.entries()
        # A robot that has seen no face has no model yet; it responds that it has no sightings.
        expected = {entry.robot_id: entry.model_id or request.model_id for entry in entries}
        if self._own_robot:
            expected.setdefault(self._own_robot, request.model_id)
        instances = {entry.robot_id: entry.instances for entry in entries}
        cameras = {entry.robot_id: entry.cameras for entry in entries if not entry.left}
        collector = ResponseCollector(request, contract, expected, instances, cameras)
        for entry in entries:
            if entry.told_by:
                collector.on_unheard(entry.robot_id, entry.told_by, entry.left)
            elif entry.left:
                collector.on_left(entry.robot_id)
            elif entry.stale:
                collector.on_silent(entry.robot_id, entry.silent_ns)
            if entry.claims > 1:
                collector.on_name_conflict(entry.robot_id, entry.claims)
        return collector

    def end(self, search: OpenSearch) -> SearchResponse:
        """End a search; results that still arrive for it are dropped. Its answer."""
        self._open.pop(search.message.search_id, None)
        for timer in search.timers:
            self._node.destroy_timer(timer)
        self._last_search_s = time.monotonic()
        if search.parts:
            self._partial_results.end(search.collector)
        response = search.close()
        self.forged += search.responses.forged
        for count, why in (
            (search.responses.forged, "forged, or of a process without heartbeats"),
            (search.collector.malformed, "its content is impossible"),
        ):
            if count:
                self._inbox.refuse("search result", "", f"{count} are not used: {why}")
        return response

    def close(self) -> None:
        """Finish all running searches with what they have."""
        for search in list(self._open.values()):
            search.finish()

    def _send_again(self, search: OpenSearch, robots: tuple[str, ...]) -> None:
        if robots:
            search.message.robots = list(robots)
            self._requests.publish(search.message)

    def _poll(self) -> None:
        self._roster.poll()
        self._report_shared_names()
        if self._results is not None:
            self._results.read()

    def _poll_and_unsubscribe(self) -> None:
        self._poll()
        if self._open:
            return
        self._roster.end_startup()
        if self._results is not None and time.monotonic() - self._last_search_s > LINGER_S:
            self._results.close()
            self._results = None

    def _on_result(self, data: bytes, info: dict) -> None:
        search = None
        try:
            search = self._open.get(search_of(data))
            if search is None:
                return  # of another robot's search, or of one that has ended
            response, matches = read_result(check_size(data, msg.FaceSearchResult))
            check_signer(info, response.robot_id)
            search.responses.add(response, matches)
            search.finish(always=False)
        except InvalidInput as error:
            self._inbox.refuse("search result", "", str(error), error.kind)
        except ValueError as error:  # truncated, or text that is no UTF-8
            self._inbox.refuse("search result", "", f"it cannot be read: {error}")
        except Exception as error:
            self._inbox.fault("search result", "", error)

    def _on_heartbeat(self, message: msg.HistoryStatus) -> None:
        robot, instance = message.robot_id, message.instance_id
        for search in list(self._open.values()):
            restarted = not message.leaving and search.collector.on_heartbeat(robot, instance)
            if message.leaving:
                search.collector.on_left(robot, instance)
            elif restarted:
                self._send_again(search, (robot,))
            if search.responses.on_heartbeat() or restarted or message.leaving:
                search.finish(always=False)

    def _report_shared_names(self) -> None:
        """Log each name that several robots use, once until the conflict is over."""
        shared = {entry.robot_id: entry.claims for entry in self._roster.entries() if entry.claims > 1}
        for robot in shared.keys() - self._shared_names.keys():
            self._node.get_logger().error(_shared_name(robot, shared[robot]))
        self._shared_names = shared


def _shared_name(robot_id: str, claims: int) -> str:
    return (
        f"{claims} robots on the mesh are called {robot_id}: their services, topics and data cannot be told apart; "
        "give each its own name"
    )
