"""Lists of the people of all robots: requests to the mesh, and results from it."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field

from rclpy.callback_groups import CallbackGroup
from rclpy.task import Future
from rclpy.timer import Timer

from facetrack_ros import msg
from facetrack_ros.nodes.base.bounds import PEOPLE
from facetrack_ros.nodes.base.mesh_node import MeshNode
from facetrack_ros.nodes.base.qos import SEARCH_REQUEST_PUB, SEARCH_RESULT_SUB
from facetrack_ros.nodes.base.timers import steady_timer
from facetrack_ros.nodes.fleet.roster_listener import RosterListener
from facetrack_ros.search.fleet_roster import RosterEntry

DEFAULT_TIMEOUT_S = 5.0
# The request is sent again to robots whose result is missing, as DDS notices a lost message only after seconds.
REPEAT_S = 0.4
# Results of processes whose heartbeat has not come yet. Chosen by hand.
_MOST_WAITING = 100

_Key = tuple[str, str]


@dataclass
class PeopleListing:
    """A query that runs.

    :param claims: robots to wait for, and how many processes use each name.
    :param absent: robots that are not waited for, and why; ``faults``: names in which something forged came.
    :param results: by robot and instance; ``waiting``: those of processes without a heartbeat yet.
    """

    message: msg.PeopleRequest
    claims: dict[str, int]
    absent: dict[str, str]
    faults: dict[str, str] = field(default_factory=dict)
    results: dict[_Key, msg.PeopleResult] = field(default_factory=dict)
    waiting: dict[_Key, msg.PeopleResult] = field(default_factory=dict)
    finished: Future = field(default_factory=Future)
    timers: list[Timer] = field(default_factory=list)

    def missing(self) -> dict[str, str]:
        """Robots whose result is missing, and why."""
        counts = dict.fromkeys(self.claims, 0)
        for robot, _ in self.results:
            counts[robot] = counts.get(robot, 0) + 1
        return {
            robot: "it did not answer in time" if claims == 1 else f"{counts[robot]} of {claims} of that name answered"
            for robot, claims in self.claims.items()
            if counts[robot] < claims
        }

    def finish(self) -> None:
        """Stop waiting."""
        if not self.finished.done():
            self.finished.set_result(None)


class PeopleQuery:
    """Asks every robot of the roster for its people, and waits for all of them.

    A result counts for the robot it names only if the roster knows its process. The first of a process counts; that a
    different one follows is told.

    :param roster: the robots known.
    :param group: callback group of subscription and timers.
    :param own_robot: robot of this process, which is asked even before its first heartbeat; empty: none.
    """

    def __init__(self, node: MeshNode, roster: RosterListener, group: CallbackGroup, own_robot: str = ""):
        self._node, self._roster, self._group, self._own_robot = node, roster, group, own_robot
        self._inbox = node.inbox
        self._open: dict[str, PeopleListing] = {}
        self._requests = node.create_publisher(msg.PeopleRequest, node.mesh_topic("people/request"), SEARCH_REQUEST_PUB)
        take = node.inbox.gate("people list", self._on_result, sender=lambda message: message.robot_id, limit=PEOPLE)
        node.create_subscription(
            msg.PeopleResult,
            node.mesh_topic("people/result"),
            take,  # type: ignore[arg-type]  # rclpy passes the info to callbacks of two arguments
            SEARCH_RESULT_SUB,
            callback_group=group,
        )

    def close(self) -> None:
        """Finish all running queries with what they have."""
        for query in list(self._open.values()):
            query.finish()

    def begin(self, timeout_s: float) -> PeopleListing:
        """Ask the robots of the roster; the query is finished once all have answered or the time is up."""
        self._roster.poll()
        entries = self._roster.entries()
        present = {entry.robot_id: entry.claims for entry in entries if not entry.left and not entry.stale}
        absent = {entry.robot_id: _absent(entry) for entry in entries if entry.robot_id not in present}
        if self._roster.crowded:
            absent["further robots"] = self._roster.crowded
        if self._own_robot:
            present.setdefault(self._own_robot, 1)
        request = msg.PeopleRequest(query_id=uuid.uuid4().hex[:12], robot_id=self._own_robot)
        query = self._open[request.query_id] = PeopleListing(request, present, absent)
        query.timers = [
            steady_timer(self._node, timeout_s, query.finish, callback_group=self._group),
            steady_timer(self._node, REPEAT_S, lambda: self._repeat(query), callback_group=self._group),
        ]
        self._requests.publish(request)
        if not query.missing():
            query.finish()
        return query

    def end(self, query: PeopleListing) -> tuple[list[msg.PeopleResult], dict[str, str]]:
        """The results, and the robots that are not listed in full with the reason."""
        for timer in query.timers:
            self._node.destroy_timer(timer)
        del self._open[query.message.query_id]
        self._take_waiting(query)
        for robot, _ in query.waiting:
            self._inbox.refuse("people list", robot, "no heartbeat of its sender came", "sender")
            query.faults.setdefault(robot, "an answer in its name is not used: no heartbeat of its sender came")
        results = [query.results[key] for key in sorted(query.results)]
        heard = {result.robot_id for result in results}
        silent = {robot: why for robot, why in query.absent.items() if robot not in heard}
        return results, {**silent, **query.missing(), **query.faults, **_errors(results)}

    def _repeat(self, query: PeopleListing) -> None:
        self._roster.poll()
        self._take_waiting(query)
        query.message.robots = sorted(query.missing())
        if query.message.robots:
            self._requests.publish(query.message)

    def _take_waiting(self, query: PeopleListing) -> None:
        for key in [key for key in query.waiting if self._roster.knows(*key)]:
            self._on_result(query.waiting.pop(key))

    def _on_result(self, message: msg.PeopleResult) -> None:
        query = self._open.get(message.query_id)
        if query is None or not message.robot_id:
            return
        key = (message.robot_id, message.instance_id)
        if not self._roster.knows(*key):
            if len(query.waiting) < _MOST_WAITING:
                query.waiting.setdefault(key, message)
            return
        first = query.results.get(key)
        if first is None:
            query.results[key] = _checked(message)
        elif first != _checked(message):
            self._inbox.refuse("people list", message.robot_id, "it differs from the one before", "clash")
            query.faults[message.robot_id] = "two different answers came in its name: the first is used, one is forged"
        if not query.missing():
            query.finish()


def _absent(entry: RosterEntry) -> str:
    if entry.told_by:
        return f"{entry.told_by} knows it; it {'has left the mesh' if entry.left else 'is not heard here'}"
    return "it has left the mesh" if entry.left else f"silent for {entry.silent_ns / 1e9:.0f} s"


def _errors(results: Sequence[msg.PeopleResult]) -> dict[str, str]:
    return {result.robot_id: result.error for result in results if result.error}


def _checked(message: msg.PeopleResult) -> msg.PeopleResult:
    """A result, without its list where that is malformed."""
    columns = (message.person_ids, message.sightings, message.first_ns, message.last_ns)
    if len(set(map(len, columns))) == 1:
        return message
    named = {name: getattr(message, name) for name in ("robot_id", "instance_id", "query_id")}
    return msg.PeopleResult(error="its list is malformed", **named)
