"""Lists the people of all robots: requests to the mesh, results from it, and the service ``list_people``."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field

from rclpy.callback_groups import CallbackGroup
from rclpy.task import Future

from facetrack_ros import msg, srv
from facetrack_ros.nodes.base.qos import SEARCH_REQUEST_PUB, SEARCH_RESULT_SUB
from facetrack_ros.nodes.base.robot_member_node import RobotMemberNode
from facetrack_ros.nodes.base.timers import steady_timer
from facetrack_ros.nodes.conversion.time import to_ns
from facetrack_ros.search.fleet_roster import RosterEntry

DEFAULT_TIMEOUT_S = 5.0
# The request is sent again to robots whose result is missing, as DDS notices a lost message only after seconds.
REPEAT_S = 0.4


@dataclass
class _OpenQuery:
    """A query that runs.

    :param claims: robots to wait for, and how many processes use each name.
    :param results: by robot and instance.
    """

    message: msg.PeopleRequest
    claims: dict[str, int]
    results: dict[tuple[str, str], msg.PeopleResult] = field(default_factory=dict)
    finished: Future = field(default_factory=Future)

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
    """Serves ``list_people``: asks every robot of the roster, and waits for all of them.

    :param roster: the robots known now.
    :param group: callback group of service, subscription and timers.
    """

    def __init__(self, node: RobotMemberNode, group: CallbackGroup, roster: Callable[[], list[RosterEntry]]):
        self._node, self._group, self._roster = node, group, roster
        self._open: dict[str, _OpenQuery] = {}
        self._requests = node.create_publisher(msg.PeopleRequest, node.mesh_topic("people/request"), SEARCH_REQUEST_PUB)
        node.create_subscription(
            msg.PeopleResult, node.mesh_topic("people/result"), self._on_result, SEARCH_RESULT_SUB, callback_group=group
        )
        node.create_service(srv.ListPeople, node.robot_topic("list_people"), self._serve, callback_group=group)

    def close(self) -> None:
        """Finish all running queries with what they have."""
        for query in list(self._open.values()):
            query.finish()

    async def _serve(self, call: srv.ListPeople.Request, response: srv.ListPeople.Response):
        entries = self._roster()
        present = {entry.robot_id: entry.claims for entry in entries if not entry.left and not entry.stale}
        absent = {
            entry.robot_id: "it has left the mesh" if entry.left else f"silent for {entry.silent_ns / 1e9:.0f} s"
            for entry in entries
            if entry.robot_id not in present
        }
        present.setdefault(self._node.robot_id, 1)
        request = msg.PeopleRequest(query_id=uuid.uuid4().hex[:12], robot_id=self._node.robot_id)
        query = self._open[request.query_id] = _OpenQuery(request, present)
        timeout_s = to_ns(call.timeout) / 1e9 or DEFAULT_TIMEOUT_S
        timers = [
            steady_timer(self._node, timeout_s, query.finish, callback_group=self._group),
            steady_timer(self._node, REPEAT_S, lambda: self._send_again(query), callback_group=self._group),
        ]
        self._requests.publish(request)
        await query.finished
        for timer in timers:
            self._node.destroy_timer(timer)
        del self._open[request.query_id]
        results = [query.results[key] for key in sorted(query.results)]
        faults = {result.robot_id: result.error for result in results if result.error}
        heard = {result.robot_id for result in results}
        silent = {robot: why for robot, why in absent.items() if robot not in heard}
        return _fill(response, results, {**silent, **query.missing(), **faults})

    def _send_again(self, query: _OpenQuery) -> None:
        query.message.robots = sorted(query.missing())
        self._requests.publish(query.message)

    def _on_result(self, message: msg.PeopleResult) -> None:
        query = self._open.get(message.query_id)
        if query is not None and message.robot_id:
            columns = (message.person_ids, message.sightings, message.first_ns, message.last_ns)
            if len(set(map(len, columns))) > 1:
                fault = "its list is malformed"
                message = msg.PeopleResult(
                    robot_id=message.robot_id, instance_id=message.instance_id, error=fault, query_id=message.query_id
                )
            query.results[message.robot_id, message.instance_id] = message
            if not query.missing():
                query.finish()


def _fill(
    response: srv.ListPeople.Response, results: list[msg.PeopleResult], missing: dict[str, str]
) -> srv.ListPeople.Response:
    response.success, response.complete, response.robots = True, not missing, results
    response.not_listed = [msg.NotSearched(robot_id=robot, reason=why) for robot, why in sorted(missing.items())]
    response.message = "; ".join(f"{robot} is not listed in full: {why}" for robot, why in sorted(missing.items()))
    return response
