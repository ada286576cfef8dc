"""The searches a robot has under way on the mesh, and the robots it hears of."""

import time
from collections import Counter
from dataclasses import dataclass, field

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
from facetrack_ros.nodes.fleet.partial_results import AnswerParts
from facetrack_ros.search.fleet_roster import FleetRoster
from facetrack_ros.search.request import SearchRequest
from facetrack_ros.search.response_collector import ResponseCollector

READ_S = 1.0
# How long a robot that has asked goes on hearing results: the next search then begins with the ears open.
LISTEN_S = 60.0
# How long a robot is new.
NEW_S = 15.0
# Twice the way there and back on a slow network, and often enough that three messages in a row may be lost within two seconds.
REPEAT_S = 0.4
_LONGEST_WAIT_NS = 2_000_000_000


@dataclass
class OpenSearch:
    """A search under way: what is asked, what has come, and the end of the waiting."""

    request: msg.FaceSearchRequest
    gathering: ResponseCollector
    finished: Future = field(default_factory=Future)
    timers: list[Timer] = field(default_factory=list)

    def finish(self) -> None:
        """Nobody is waited for any longer."""
        if not self.finished.done():
            self.finished.set_result(None)


class SearchClient:
    """Hears the roster and the results, and tells each search under way what concerns it.

    A result reaches every robot that listens. So a robot listens only while it asks and for a minute after that: else fifty robots
    would each hear the fifty answers to a question that one of them asked. Results of others' searches are told by their first bytes
    and cost no more. A robot that begins to listen hears each robot's last answer, as that is kept for ten seconds.

    DDS notices a lost message after up to three seconds. So the robots that have not answered are asked again every 0.4 seconds; each
    searches once and sends the same answer for the same question.

    :param node: whose robot asks.
    :param group: of the timers of a search.
    :param parts: who tells of the answers as they come.
    """

    def __init__(self, node: RobotMemberNode, group: CallbackGroup, parts: AnswerParts):
        self._node = node
        self._group = group
        self._parts = parts
        self._requests = node.create_publisher(
            msg.FaceSearchRequest, node.mesh_topic("search/request"), SEARCH_REQUEST_PUB
        )
        self._roster = FleetRoster()
        self._open: dict[str, OpenSearch] = {}
        self._claimed: frozenset[str] = frozenset()
        self.turned_down: Counter[str] = Counter()
        self._results: PolledSubscription | None = None
        self._asked = 0.0
        self._lines = PolledSubscription(
            node, msg.HistoryStatus, node.mesh_topic("roster"), self._on_status, HEARTBEAT_SUB, lambda: bool(self._open)
        )
        # Who has just come gets everybody's last line at once and for sure.
        self._first_lines: PolledSubscription | None = PolledSubscription(
            node,
            msg.HistoryStatus,
            node.mesh_topic("roster"),
            self._on_status,
            HEARTBEAT_LATCHED_SUB,
            lambda: bool(self._open),
        )
        self._came = time.monotonic()
        steady_timer(node, READ_S, self._read_and_rest)

    def __contains__(self, search_id: str) -> bool:
        return search_id in self._open

    def __len__(self) -> int:
        return len(self._open)

    def robots(self) -> tuple[int, int]:
        """How many robots are known on the mesh, and how many of them are silent."""
        there = [entry for entry in self._roster.entries(time.monotonic_ns()) if not entry.left]
        return len(there), sum(entry.stale for entry in there)

    def begin(self, question: SearchRequest, contract: ModelContract) -> OpenSearch:
        """Ask. Who has to answer: the roster, of which those who left or fell silent are not waited for.

        The search is finished when all have answered or the question's time is up.

        :raises RequestError: the question cannot be asked.
        """
        if self._results is None:
            self._results = PolledSubscription(
                self._node,
                msg.FaceSearchResult,
                self._node.mesh_topic("search/result"),
                self._on_result,
                SEARCH_RESULT_SUB,
                lambda: bool(self._open),
                raw=True,
            )
        self._read()
        entries = self._roster.entries(time.monotonic_ns())
        # A robot that has seen no face yet has no model yet: it answers that it has no sightings.
        expected = {entry.robot_id: entry.model_id or question.model_id for entry in entries}
        # This robot has a memory too, also while its own first line of the roster is still on its way.
        expected.setdefault(self._node.robot_id, question.model_id)
        gathering = ResponseCollector(
            question, contract, expected, {entry.robot_id: entry.instance_id for entry in entries}
        )
        for entry in entries:
            if entry.left:
                gathering.on_left(entry.robot_id)
            elif entry.stale:
                gathering.on_silent(entry.robot_id, entry.silent_ns)
            if entry.claims > 1:
                gathering.on_name_conflict(entry.robot_id, entry.claims)
        search = OpenSearch(request_to_message(question), gathering)
        self._open[question.search_id] = search
        search.timers += [
            steady_timer(self._node, question.timeout_ns / 1e9, search.finish, callback_group=self._group),
            steady_timer(
                self._node,
                REPEAT_S,
                lambda: self._ask_again(search, search.gathering.missing),
                callback_group=self._group,
            ),
        ]
        self._parts.begin(gathering)
        self._requests.publish(search.request)
        if gathering.done:
            search.finish()
        return search

    def end(self, search: OpenSearch) -> None:
        """The search is over: what still comes for it is dropped."""
        self._open.pop(search.gathering.request.search_id, None)
        for timer in search.timers:
            self._node.destroy_timer(timer)
        self._asked = time.monotonic()
        self._parts.end(search.gathering)
        self._turn_down("answer", search.gathering.malformed)

    def _ask_again(self, search: OpenSearch, robots: tuple[str, ...]) -> None:
        if robots:
            search.request.robots = list(robots)
            self._requests.publish(search.request)

    def close(self) -> None:
        """Searches under way end with what they have."""
        for search in list(self._open.values()):
            search.finish()

    def _read(self) -> None:
        self._lines.read()
        if self._first_lines is not None:
            self._first_lines.read()
        self._tell_claims()
        if self._results is not None:
            self._results.read()

    def _read_and_rest(self) -> None:
        self._read()
        if self._first_lines is not None and not self._open and time.monotonic() - self._came > NEW_S:
            self._first_lines.close()
            self._first_lines = None
        if self._results is not None and not self._open and time.monotonic() - self._asked > LISTEN_S:
            self._results.close()
            self._results = None

    def _on_result(self, data: bytes, _info: dict) -> None:
        try:
            search = self._open.get(search_of(data))
            if search is None:
                return  # another robot's search, or one that is over
            answer, matches = read_result(data)
        except ValueError as error:  # cut short, or no text where text should be
            self._turn_down("answer", 1, f"it cannot be read: {error}")
            return
        search.gathering.add(search.gathering.request.search_id, answer, matches)
        if search.gathering.done:
            search.finish()

    def _on_status(self, line: msg.HistoryStatus, info: dict) -> None:
        # It may have waited for up to a second: what counts is when it came.
        waited = time.time_ns() - (info.get("received_timestamp") or time.time_ns())
        heard_ns = time.monotonic_ns() - min(max(waited, 0), _LONGEST_WAIT_NS)
        if not self._roster.on_heartbeat(line.robot_id, line.instance_id, line.model_id, line.leaving, heard_ns):
            self._turn_down("line of the roster", 1, f"of {line.robot_id[:80]!r}")
            return
        for search in list(self._open.values()):
            if line.leaving:
                search.gathering.on_left(line.robot_id, line.instance_id)
            elif search.gathering.on_heartbeat(line.robot_id, line.instance_id):
                self._ask_again(search, (line.robot_id,))
            if search.gathering.done:
                search.finish()

    def _tell_claims(self) -> None:
        """Tell once of each name that several robots have, and again when it happens again."""
        claimed = {
            entry.robot_id: entry.claims for entry in self._roster.entries(time.monotonic_ns()) if entry.claims > 1
        }
        for robot in claimed.keys() - self._claimed:
            self._node.get_logger().error(
                f"{claimed[robot]} robots on the mesh call themselves {robot}: a search hears only "
                "one of them; give each its own name"
            )
        self._claimed = frozenset(claimed)

    def _turn_down(self, what: str, count: int, why: str = "") -> None:
        if count:
            self.turned_down[what] += count
            self._node.get_logger().warning(
                f"{self.turned_down[what]} malformed from the mesh so far: {what} turned down {why}".rstrip(),
                throttle_duration_sec=60.0,
            )
