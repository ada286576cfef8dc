"""A robot's part of every request to the fleet: request topic in, a handler by kind, receipt topic out."""

import time
from collections.abc import Callable
from typing import Any

from facetrack_ros import msg
from facetrack_ros.concurrency.fair_mailbox import FairMailbox
from facetrack_ros.concurrency.worker import Worker, run_calls
from facetrack_ros.core.fleet.fleet_request import DONE, PENDING, REFUSED, FleetReceipt, FleetRequest, to_bytes
from facetrack_ros.core.printable import printable
from facetrack_ros.errors import FacetrackError, InvalidInput, RequestError
from facetrack_ros.nodes.base.bounds import FLEET_REQUESTS
from facetrack_ros.nodes.base.qos import RELIABLE, SEARCH_RESULT_PUB
from facetrack_ros.nodes.base.robot_member_node import RobotMemberNode
from facetrack_ros.nodes.conversion.fleet import fleet_request_from_message, receipt_to_message
from facetrack_ros.nodes.fleet.requests.fleet_trust import trust_of
from facetrack_ros.nodes.fleet.requests.receipt_cache import ReceiptCache

# Requests that wait, of all and of one requester. Chosen by hand.
MOST_WAITING, MOST_OF_ONE = 128, 32
# Receipts a second that say that the robot is busy; who hears none asks again.
_MOST_BUSY_A_SECOND = 20
_WHAT = "fleet request"

#: Does what a request says, in the worker; returns what the receipt holds, or refuses it with a FacetrackError.
RequestHandler = Callable[[FleetRequest], dict[str, Any]]


class FleetRequestServer:
    """Answers the requests of the mesh that are for this robot.

    Each is handled once, in a worker; one that is sent again gets the receipt of the first time. Requests wait in a
    bounded queue, by turns of those who ask; beyond it the receipt says that the robot is busy.

    :param node: the history node.
    :param instance_id: of the robot's process, as its heartbeats tell it.
    """

    def __init__(self, node: RobotMemberNode, instance_id: str):
        self._node, self._instance_id = node, instance_id
        self._trust = trust_of(node.settings)
        self._handlers: dict[str, RequestHandler] = {}
        self._cache = ReceiptCache()
        self._waiting = FairMailbox(MOST_WAITING, MOST_OF_ONE)
        self._under_way: set[str] = set()
        self._busy_second = self._busy_sent = self._busy = 0
        self._worker = Worker("fleet requests", self._waiting, run_calls)
        self._receipts = node.create_publisher(msg.FleetReceipt, node.mesh_topic("fleet/receipt"), SEARCH_RESULT_PUB)
        gate = node.inbox.gate(
            _WHAT, self._receive, fleet_request_from_message, lambda message: message.requester, FLEET_REQUESTS
        )
        node.receive(msg.FleetRequest, node.mesh_topic("fleet/request"), gate, RELIABLE)

    def register(self, kind: str, handle: RequestHandler) -> None:
        """Have requests of a kind handled.

        :param handle: called in the server's worker, never twice at once.
        """
        self._handlers[kind] = handle

    def values(self) -> dict[str, str]:
        """Figures for diagnostics."""
        return {"fleet requests waiting": str(len(self._waiting)), "fleet requests turned away": str(self._busy)}

    def close(self) -> None:
        """Answer pending requests."""
        self._worker.close()

    def _receive(self, request: FleetRequest) -> None:
        robot = self._node.robot_id
        if not request.is_for(robot) or (request.missing and robot not in request.missing):
            return
        if request.id in self._under_way:
            return  # sent again because the receipt has not come yet
        if not self._waiting.has_room(request.requester):
            self._answer_busy(request)
            return
        self._under_way.add(request.id)
        self._worker.put(request.requester, (self._answer, request))

    def _answer(self, request: FleetRequest) -> None:
        try:
            receipt = self._cache.part(request)
            if receipt is None:
                self._cache.store(request, self._handled(request))
                receipt = self._cache.part(request)
            if receipt is not None:
                self._publish(receipt)
        except InvalidInput as error:
            self._node.inbox.refuse(_WHAT, request.requester, str(error), error.kind)
        finally:
            self._under_way.discard(request.id)

    def _handled(self, request: FleetRequest) -> FleetReceipt:
        """Handle a request; the receipt, which is given for each request."""
        try:
            self._trust.check_request(request)
            handle = self._handlers.get(request.kind)
            if handle is None:
                raise RequestError(f"{self._node.robot_id} knows no requests of the kind {request.kind}")
            return self._receipt(request, DONE, body=to_bytes(handle(request)))
        except FacetrackError as error:
            if isinstance(error, InvalidInput):
                self._node.inbox.refuse(_WHAT, request.requester, str(error), error.kind)
            return self._receipt(request, REFUSED, str(error))
        except Exception as error:  # the requester waits for a receipt in any case
            self._node.inbox.fault(_WHAT, request.requester, error)
            return self._receipt(request, REFUSED, f"unexpected {type(error).__name__}: {error}")

    def _receipt(self, request: FleetRequest, state: int, reason: str = "", body: bytes = b"") -> FleetReceipt:
        stamp_ns = self._node.get_clock().now().nanoseconds
        robot, instance = self._node.robot_id, self._instance_id
        return FleetReceipt(request.id, robot, instance, state, printable(reason), body, stamp_ns=stamp_ns)

    def _answer_busy(self, request: FleetRequest) -> None:
        self._busy += 1
        second = int(time.monotonic())
        if second != self._busy_second:
            self._busy_second, self._busy_sent = second, 0
        self._busy_sent += 1
        if self._busy_sent <= _MOST_BUSY_A_SECOND:
            reason = f"{self._node.robot_id} is busy with {len(self._waiting)} requests: try again in a few seconds"
            self._publish(self._receipt(request, PENDING, reason))

    def _publish(self, receipt: FleetReceipt) -> None:
        self._receipts.publish(receipt_to_message(self._trust.signed_receipt(receipt)))
