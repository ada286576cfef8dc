"""Requests to all robots: sends them, and gathers a receipt of each robot of the roster."""

import time
import uuid
from dataclasses import dataclass, field, replace
from typing import Any

from rclpy.callback_groups import CallbackGroup
from rclpy.task import Future

from facetrack_ros import msg
from facetrack_ros.core.fleet.fleet_request import FleetRequest, to_bytes
from facetrack_ros.core.printable import printable
from facetrack_ros.errors import InvalidInput, RequestError
from facetrack_ros.nodes.base.mesh_node import MeshNode
from facetrack_ros.nodes.base.polled_subscription import PolledSubscription
from facetrack_ros.nodes.base.qos import SEARCH_REQUEST_PUB, SEARCH_RESULT_SUB
from facetrack_ros.nodes.base.serialized_size import deserialized
from facetrack_ros.nodes.base.timers import steady_timer
from facetrack_ros.nodes.conversion.fleet import fleet_request_to_message, receipt_from_message
from facetrack_ros.nodes.conversion.search_result_cdr import search_of
from facetrack_ros.nodes.fleet.requests.fleet_trust import trust_of
from facetrack_ros.nodes.fleet.roster_listener import RosterListener
from facetrack_ros.search.fleet.fleet_answer import FleetAnswer
from facetrack_ros.search.fleet.receipt_collector import ReceiptCollector

DEFAULT_TIMEOUT_S = 5.0
# The request is sent again to robots whose receipt is missing, as DDS notices a lost message only after seconds.
REPEAT_S = 0.4
# How often waiting receipts are dropped while nothing is asked, and how long they stay subscribed after a request.
POLL_S, LINGER_S = 1.0, 60.0
_WHAT = "fleet receipt"


@dataclass
class _Asked:
    """A request whose receipts are gathered."""

    request: FleetRequest
    collector: ReceiptCollector
    finished: Future = field(default_factory=Future)

    def finish(self, always: bool = True) -> None:
        if (always or not self.collector.missing) and not self.finished.done():
            self.finished.set_result(None)


class FleetRequestSender:
    """Asks every robot of the roster, and waits for all of them.

    A receipt reaches every process that subscribes, so this one subscribes only while it asks and :data:`LINGER_S`
    after it; receipts of others' requests are recognised by their first bytes and not read.

    :param roster: the robots known.
    :param group: callback group of the timers.
    :param own_robot: robot of this process, which is asked even before its first heartbeat; empty: none.
    """

    def __init__(self, node: MeshNode, roster: RosterListener, group: CallbackGroup, own_robot: str = ""):
        self._node, self._roster, self._group, self._own_robot = node, roster, group, own_robot
        self._inbox, self._trust, self._requester = node.inbox, trust_of(node), uuid.uuid4().hex
        self._open: dict[str, _Asked] = {}
        self._requests = node.create_publisher(msg.FleetRequest, node.mesh_topic("fleet/request"), SEARCH_REQUEST_PUB)
        self._receipts: PolledSubscription | None = None
        self._last_s = 0.0
        steady_timer(node, POLL_S, self._poll, callback_group=group)

    def request(
        self,
        kind: str,
        values: dict[str, Any],
        timeout_s: float,
        operator: str = "",
        reason: str = "",
        robots: tuple[str, ...] = (),
    ) -> FleetRequest:
        """A new request, signed where this process has a key.

        :param values: its body.
        :param timeout_s: how long its receipts are waited for.
        :param robots: that it is for; none: all.
        :raises InvalidInput: a part of it is not valid.
        """
        now_ns = self._node.get_clock().now().nanoseconds
        deadline_ns = now_ns + round(timeout_s * 1e9)
        said = (uuid.uuid4().hex, kind, operator, reason, now_ns, deadline_ns)
        request = FleetRequest(*said, robots, to_bytes(values), self._requester)
        request.check()
        return self._trust.signed_request(request)

    def connect(self) -> int:
        """Subscribe to receipts before the first request, which then does not wait for DDS to connect the robots.

        :returns: number of robots that are connected for requests and receipts.
        """
        if self._receipts is None:
            self._receipts = PolledSubscription(
                *(self._node, msg.FleetReceipt, self._node.mesh_topic("fleet/receipt"), self._on_receipt),
                *(SEARCH_RESULT_SUB, lambda: bool(self._open)),
                raw=True,
            )
            self._last_s = time.monotonic()
        return min(self._requests.get_subscription_count(), self._receipts.publishers)

    async def ask(self, request: FleetRequest, timeout_s: float = DEFAULT_TIMEOUT_S) -> FleetAnswer:
        """Send a request; the answers once all robots that are waited for have answered, or the time is up.

        :raises RequestError: a request of that id is under way.
        """
        asked = self._begin(request)
        timers = [
            steady_timer(self._node, timeout_s, asked.finish, callback_group=self._group),
            steady_timer(self._node, REPEAT_S, lambda: self._repeat(asked), callback_group=self._group),
        ]
        try:
            self._publish(request)
            asked.finish(always=False)
            await asked.finished
        finally:
            for timer in timers:
                self._node.destroy_timer(timer)
            del self._open[request.id]
            self._last_s = time.monotonic()
        asked.collector.on_roster(self._roster.entries())
        answer = asked.collector.close()
        if asked.collector.forged:
            sentence = f"{asked.collector.forged} are not used: forged, or of a process without heartbeats"
            self._inbox.refuse(_WHAT, "", sentence, "sender")
        return answer

    def close(self) -> None:
        """End all requests with what has come."""
        for asked in list(self._open.values()):
            asked.finish()

    def _begin(self, request: FleetRequest) -> _Asked:
        if request.id in self._open:
            raise RequestError(f"a request of the id {request.id} is under way; give each an id of its own")
        self.connect()
        self._roster.poll()
        roster = self._roster
        collector = ReceiptCollector(request, roster.entries(), roster.knows, self._own_robot, roster.crowded)
        self._open[request.id] = asked = _Asked(request, collector)
        return asked

    def _publish(self, request: FleetRequest) -> None:
        self._requests.publish(fleet_request_to_message(request))

    def _repeat(self, asked: _Asked) -> None:
        self._roster.poll()
        asked.collector.on_roster(self._roster.entries())
        parts = asked.collector.next_parts
        if silent := tuple(sorted(asked.collector.missing.keys() - parts.keys())):
            self._publish(replace(asked.request, missing=silent))
        for robot, part in parts.items():
            self._publish(replace(asked.request, missing=(robot,), part=part))
        asked.finish(always=False)

    def _poll(self) -> None:
        if self._receipts is None or self._open:
            return
        self._receipts.read()
        if time.monotonic() - self._last_s > LINGER_S:
            self._receipts.close()
            self._receipts = None

    def _on_receipt(self, data: bytes, _info: dict) -> None:
        asked, robot = None, ""
        try:
            asked = self._open.get(search_of(data))
            if asked is None:
                return  # of another process's request, or of one that has ended
            receipt = receipt_from_message(deserialized(data, msg.FleetReceipt))
            robot = receipt.robot_id
            self._trust.check_receipt(receipt)
            asked.collector.add(replace(receipt, reason=printable(receipt.reason)))
            part = asked.collector.next_parts.get(robot)
            if part is not None:
                self._publish(replace(asked.request, missing=(robot,), part=part))
            asked.finish(always=False)
        except InvalidInput as error:
            self._inbox.refuse(_WHAT, robot, str(error), error.kind)
            if asked is not None and robot:
                asked.collector.refuse(robot, f"an answer in its name is not used: {error}")
        except ValueError as error:  # truncated, or text that is no UTF-8
            self._inbox.refuse(_WHAT, robot, f"it cannot be read: {error}")
        except Exception as error:
            self._inbox.fault(_WHAT, robot, error)
