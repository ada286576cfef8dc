"""Gets from other robots the requests that came while this robot was away, and does them before anything else."""

import time
from typing import Any

from rclpy.callback_groups import ReentrantCallbackGroup

from facetrack_ros.core.fleet.fleet_request import FleetRequest, list_of
from facetrack_ros.core.fleet.kinds import LIST_REQUESTS, MISSED
from facetrack_ros.errors import InvalidInput
from facetrack_ros.history.requests.request_log import MOST_REQUESTS, request_from_dict, request_to_dict
from facetrack_ros.history.sightings.database import stored_models
from facetrack_ros.nodes.base.robot_member_node import RobotMemberNode
from facetrack_ros.nodes.base.timers import steady_timer
from facetrack_ros.nodes.fleet.requests.request_sender import FleetRequestSender
from facetrack_ros.nodes.fleet.requests.request_server import FleetRequestServer
from facetrack_ros.nodes.fleet.roster_listener import RosterListener
from facetrack_ros.search.fleet.fleet_answer import STATES, FleetAnswer

# How often the roster is compared with the robots asked; the first time at most so long after the start.
PERIOD_S = 1.0
# How long other robots are waited for, and how long a robot that was here before waits for the first one to be heard.
ASK_S, ALONE_S = 3.0, 2.0
# After this time all are asked again, for what got lost while both were there.
AGAIN_S = 600.0
# Bytes of the requests in one answer: the rest is asked for next time. Chosen by hand.
_MOST_BYTES = 16_000_000


class CatchUp:
    """Asks each process of another robot once, and again after it was silent, for requests that this robot lacks.

    What comes is done in order of issue. A robot that has stored something before answers nothing else until it has
    asked the robots that it hears at its start.

    :param node: the history node.
    :param roster: the robots heard.
    """

    def __init__(self, node: RobotMemberNode, server: FleetRequestServer, roster: RosterListener):
        self._node, self._server, self._roster = node, server, roster
        self._sender = FleetRequestSender(node, roster, ReentrantCallbackGroup())
        self._asked: set[tuple[str, str]] = set()
        self._asking = self._begun = False
        self._started_s = self._all_asked_s = time.monotonic()
        self._settled = not stored_models(node.robot_folder() / node.robot_id)
        server.register(MISSED, self._missed, at_once=True)
        server.register(LIST_REQUESTS, self._list_requests)
        server.catching_up = self._why_not_yet
        steady_timer(node, PERIOD_S if self._settled else PERIOD_S / 5, self._check)

    def close(self) -> None:
        """Stop waiting for others."""
        self._sender.close()

    def _why_not_yet(self) -> str:
        return "" if self._settled else f"{self._node.robot_id} has just started and does first what it missed"

    def _check(self) -> None:
        """Ask the robots that were not asked yet."""
        if self._asking:
            return
        if not self._begun:  # by now all handlers are registered
            self._begun = True
            self._server.take_missed([], lambda: None)
        self._roster.poll()
        self._roster.end_startup()
        here = {
            (entry.robot_id, entry.instance_id)
            for entry in self._roster.entries()
            if not (entry.left or entry.stale) and entry.robot_id != self._node.robot_id
        }
        now_s = time.monotonic()
        if now_s - self._all_asked_s > AGAIN_S:
            self._asked, self._all_asked_s = set(), now_s
        self._asked &= here
        new = here - self._asked
        if new and self._node.executor is not None:
            self._asking = True
            self._node.executor.create_task(self._ask, new)
        elif not self._settled and now_s - self._started_s > ALONE_S:
            self._server.take_missed([], self._settle)

    async def _ask(self, processes: set[tuple[str, str]]) -> None:
        try:
            known = [each.request.id for each in self._server.log.requests()]
            robots = tuple(sorted({robot for robot, _ in processes}))
            request = self._sender.request(MISSED, {"known": known}, ASK_S, robots=robots)
            answer = await self._sender.ask(request, ASK_S)
            whole = (line for line in answer.lines if line.instance_id and not line.values.get("more"))
            self._asked |= processes & {(line.robot_id, line.instance_id) for line in whole}
            self._server.take_missed(self._requests_of(answer), self._settle)
        except Exception as error:  # it would end the executor; the next check asks again
            self._node.inbox.fault("missed request", "", error)
        finally:
            self._asking = False

    def _settle(self) -> None:
        self._settled = True

    def _requests_of(self, answer: FleetAnswer) -> list[FleetRequest]:
        found: dict[str, FleetRequest] = {}
        for line in answer.done:
            try:
                for values in list_of(line.values, "requests", dict, MOST_REQUESTS):
                    request = request_from_dict(values)
                    found.setdefault(request.id, request)
            except InvalidInput as error:
                self._node.inbox.refuse("missed request", line.robot_id, str(error), error.kind)
        return list(found.values())

    def _missed(self, request: FleetRequest) -> dict[str, Any]:
        known = list_of(request.values, "known", str, MOST_REQUESTS)
        listed: list[dict[str, Any]] = []
        size = 0
        for each in self._server.log.lacking(known):
            size += 2 * len(each.body) + 1000
            if listed and size > _MOST_BYTES:
                return {"requests": listed, "more": True}
            listed.append(request_to_dict(each))
        return {"requests": listed}

    def _list_requests(self, request: FleetRequest) -> dict[str, Any]:
        """What was asked and done; bodies, which may hold faces, are left out."""
        listed = []
        for each in self._server.log.requests():
            asked, receipt = each.request, each.receipt
            line: dict[str, Any] = {
                "id": asked.id,
                "kind": asked.kind,
                "operator": asked.operator,
                "reason": asked.reason,
            }
            line |= {"issued_ns": asked.issued_ns, "robots": list(asked.robots)}
            if receipt is not None:
                line |= {"state": STATES[receipt.state], "why": receipt.reason, "done_ns": receipt.stamp_ns}
            listed.append(line)
        return {"requests": listed}
