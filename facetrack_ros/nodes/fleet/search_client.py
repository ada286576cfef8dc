"""Running searches of a robot: requests to the mesh, results from it, and the roster."""

import time
from collections import Counter
from dataclasses import dataclass, field
from functools import partial

from rclpy.callback_groups import CallbackGroup
from rclpy.task import Future
from rclpy.timer import Timer

from facetrack_ros import msg
from facetrack_ros.models.contract import ModelContract
from facetrack_ros.nodes.base.polled_subscription import PolledSubscription
from facetrack_ros.nodes.base.qos import HEARTBEAT_LATCHED_SUB, HEARTBEAT_SUB, SEARCH_REQUEST_PUB, SEARCH_RESULT_SUB
from facetrack_ros.nodes.base.robot_member_node import RobotMemberNode
from facetrack_ros.nodes.base.timers import steady_timer
from facetrack_ros.nodes.conversion.search import request_to_message
from facetrack_ros.nodes.conversion.search_result_cdr import read_result, search_of
from facetrack_ros.nodes.fleet.partial_results import PartialResults
from facetrack_ros.search.fleet_roster import FleetRoster, RosterEntry
from facetrack_ros.search.request import SearchRequest
from facetrack_ros.search.response_collector import ResponseCollector

# How often messages are polled while no search runs.
POLL_S = 1.0
# How long results stay subscribed after a search, so that the next search begins without discovery.
LINGER_S = 60.0
# How long latched heartbeats stay subscribed after the start.
STARTUP_S = 15.0
# A request is sent again after twice the round trip of a slow network; three lost in a row still arrive in two seconds.
REPEAT_S = 0.4
# Twice POLL_S: a heartbeat does not wait longer in DDS.
_LONGEST_WAIT_NS = 2_000_000_000


@dataclass
class OpenSearch:
    """A running search.

    :param message: the request as last published.
    :param parts: whether partial results are published.
    :param finished: done once all robots have responded or the time is up.
    """

    message: msg.FaceSearchRequest
    collector: ResponseCollector
    parts: bool = True
    finished: Future = field(default_factory=Future)
    timers: list[Timer] = field(default_factory=list)

    def finish(self, always: bool = True) -> None:
        """Stop waiting.

        :param always: False: only if no response is missing.
        """
        if (always or self.collector.done) and not self.finished.done():
            self.finished.set_result(None)


class SearchClient:
    """Publishes search requests and passes results and heartbeats to the running searches.

    A result reaches every robot that subscribes, so a robot subscribes only during a search and :data:`LINGER_S` after
    it: else each of fifty robots would receive the fifty results of a search that one of them runs. Results of other
    robots' searches are recognised by their first bytes and not decoded. A new subscription receives each robot's last
    result, which is latched for ten seconds.

    DDS notices a lost message after up to three seconds, so the request is sent again every :data:`REPEAT_S` to the
    robots that have not responded; each searches once and sends the same result again.

    :ivar malformed: number of malformed messages by kind.
    :param group: callback group of the timers.
    """

    def __init__(self, node: RobotMemberNode, group: CallbackGroup, partial_results: PartialResults):
        self._node = node
        self._group = group
        self._partial_results = partial_results
        self._requests = node.create_publisher(
            msg.FaceSearchRequest, node.mesh_topic("search/request"), SEARCH_REQUEST_PUB
        )
        self._roster = FleetRoster()
        self._open: dict[str, OpenSearch] = {}
        self._shared_names: dict[str, int] = {}
        self.malformed: Counter[str] = Counter()
        self._results: PolledSubscription | None = None
        self._last_search_s = 0.0
        self._heartbeats, first_heartbeats = (
            PolledSubscription(
                node, msg.HistoryStatus, node.mesh_topic("roster"), self._on_heartbeat, qos, lambda: bool(self._open)
            )
            for qos in (HEARTBEAT_SUB, HEARTBEAT_LATCHED_SUB)
        )
        # Until discovery is complete: every robot's last heartbeat, reliably.
        self._first_heartbeats: PolledSubscription | None = first_heartbeats
        self._started_s = time.monotonic()
        steady_timer(node, POLL_S, self._poll_and_unsubscribe)

    def __contains__(self, search_id: str) -> bool:
        return search_id in self._open

    def __len__(self) -> int:
        return len(self._open)

    def roster(self) -> list[RosterEntry]:
        """Every robot heard within the last hour, by name."""
        self._poll()
        return self._roster.entries(time.monotonic_ns())

    def robots(self) -> tuple[int, int]:
        """Number of robots on the mesh, and of those among them that are silent."""
        present = [entry for entry in self._roster.entries(time.monotonic_ns()) if not entry.left]
        return len(present), sum(entry.stale for entry in present)

    @property
    def shared_names(self) -> str:
        """Names that several robots use, in one sentence each; empty: none."""
        return "; ".join(_shared_name(robot, claims) for robot, claims in sorted(self._shared_names.items()))

    def begin(self, request: SearchRequest, contract: ModelContract, parts: bool = True) -> OpenSearch:
        """Send a request to the robots of the roster; those that left or are silent are not waited for.

        :param parts: whether to publish partial results.
        :raises RequestError: the request is not valid.
        """
        if self._results is None:
            topic, kind = self._node.mesh_topic("search/result"), msg.FaceSearchResult
            self._results = PolledSubscription(
                self._node, kind, topic, self._on_result, SEARCH_RESULT_SUB, lambda: bool(self._open), raw=True
            )
        self._poll()
        entries = self._roster.entries(time.monotonic_ns())
        # A robot that has seen no face has no model yet; it responds that it has no sightings.
        expected = {entry.robot_id: entry.model_id or request.model_id for entry in entries}
        # This robot's history is searched even before its own first heartbeat arrives.
        expected.setdefault(self._node.robot_id, request.model_id)
        instances = {entry.robot_id: entry.instances for entry in entries}
        cameras = {entry.robot_id: entry.cameras for entry in entries if not entry.left}
        collector = ResponseCollector(request, contract, expected, instances, cameras)
        for entry in entries:
            if entry.left:
                collector.on_left(entry.robot_id)
            elif entry.stale:
                collector.on_silent(entry.robot_id, entry.silent_ns)
            if entry.claims > 1:
                collector.on_name_conflict(entry.robot_id, entry.claims)
        search = OpenSearch(request_to_message(request), collector, parts)
        self._open[request.search_id] = search
        timer = partial(steady_timer, self._node, callback_group=self._group)
        search.timers.append(timer(request.timeout_ns / 1e9, search.finish))
        search.timers.append(timer(REPEAT_S, lambda: self._send_again(search, collector.missing)))
        if parts:
            self._partial_results.begin(collector)
        self._requests.publish(search.message)
        search.finish(always=False)
        return search

    def end(self, search: OpenSearch) -> None:
        """End a search; results that still arrive for it are dropped."""
        self._open.pop(search.collector.request.search_id, None)
        for timer in search.timers:
            self._node.destroy_timer(timer)
        self._last_search_s = time.monotonic()
        if search.parts:
            self._partial_results.end(search.collector)
        self._refuse("result", search.collector.malformed)

    def close(self) -> None:
        """Finish all running searches with what they have."""
        for search in list(self._open.values()):
            search.finish()

    def _send_again(self, search: OpenSearch, robots: tuple[str, ...]) -> None:
        if robots:
            search.message.robots = list(robots)
            self._requests.publish(search.message)

    def _poll(self) -> None:
        self._heartbeats.read()
        if self._first_heartbeats is not None:
            self._first_heartbeats.read()
        self._report_shared_names()
        if self._results is not None:
            self._results.read()

    def _poll_and_unsubscribe(self) -> None:
        self._poll()
        now = time.monotonic()
        if self._first_heartbeats is not None and not self._open and now - self._started_s > STARTUP_S:
            self._first_heartbeats.close()
            self._first_heartbeats = None
        if self._results is not None and not self._open and now - self._last_search_s > LINGER_S:
            self._results.close()
            self._results = None

    def _on_result(self, data: bytes, _info: dict) -> None:
        try:
            search = self._open.get(search_of(data))
            if search is None:
                return  # of another robot's search, or of one that has ended
            response, matches = read_result(data)
        except ValueError as error:  # truncated, or text that is no UTF-8
            self._refuse("result", 1, f"it cannot be read: {error}")
            return
        search.collector.add(search.collector.request.search_id, response, matches)
        search.finish(always=False)

    def _on_heartbeat(self, message: msg.HistoryStatus, info: dict) -> None:
        # The message may have waited in DDS until it was polled; its arrival counts.
        waited = time.time_ns() - (info.get("received_timestamp") or time.time_ns())
        arrived_ns = time.monotonic_ns() - min(max(waited, 0), _LONGEST_WAIT_NS)
        robot, instance = message.robot_id, message.instance_id
        cameras = [camera.camera_id for camera in message.cameras]
        if not self._roster.on_heartbeat(robot, instance, message.model_id, message.leaving, arrived_ns, cameras):
            self._refuse("heartbeat", 1, f"of {robot[:80]!r}")
            return
        for search in list(self._open.values()):
            if message.leaving:
                search.collector.on_left(robot, instance)
            elif search.collector.on_heartbeat(robot, instance):
                self._send_again(search, (robot,))
            search.finish(always=False)

    def _report_shared_names(self) -> None:
        """Log each name that several robots use, once until the conflict is over."""
        entries = self._roster.entries(time.monotonic_ns())
        shared = {entry.robot_id: entry.claims for entry in entries if entry.claims > 1}
        for robot in shared.keys() - self._shared_names.keys():
            self._node.get_logger().error(_shared_name(robot, shared[robot]))
        self._shared_names = shared

    def _refuse(self, what: str, count: int, why: str = "") -> None:
        if count:
            self.malformed[what] += count
            self._node.get_logger().warning(
                f"{self.malformed[what]} malformed from the mesh so far: {what} refused {why}".rstrip(),
                throttle_duration_sec=60.0,
            )


def _shared_name(robot_id: str, claims: int) -> str:
    return (
        f"{claims} robots on the mesh are called {robot_id}: their services, topics and data cannot be told apart; "
        "give each its own name"
    )
