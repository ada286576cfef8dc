"""A robot's part of every request to the fleet: request topic in, a handler by kind, receipt topic out."""

import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from typing import Any

from facetrack_ros import msg
from facetrack_ros.concurrency.fair_mailbox import FairMailbox
from facetrack_ros.concurrency.worker import Worker, run_calls
from facetrack_ros.core.fleet.fleet_request import DONE, PENDING, REFUSED, FleetReceipt, FleetRequest, to_bytes
from facetrack_ros.core.fleet.kinds import LIST_GALLERY, LIST_PEOPLE, LIST_REQUESTS, MISSED
from facetrack_ros.core.printable import printable
from facetrack_ros.errors import FacetrackError, InvalidInput, RequestError, StoreError
from facetrack_ros.history.audit.audit_log import REQUEST
from facetrack_ros.history.layout import robot_folder
from facetrack_ros.history.requests.request_log import RequestLog
from facetrack_ros.nodes.base.bounds import FLEET_REQUESTS
from facetrack_ros.nodes.base.qos import RELIABLE, SEARCH_RESULT_PUB
from facetrack_ros.nodes.base.robot_member_node import RobotMemberNode
from facetrack_ros.nodes.conversion.fleet import fleet_request_from_message, receipt_to_message
from facetrack_ros.nodes.fleet.audit_writer import AuditWriter
from facetrack_ros.nodes.fleet.requests.fleet_trust import OpenMesh, trust_of
from facetrack_ros.nodes.fleet.requests.receipt_cache import ReceiptCache

# Requests that wait, of all and of one requester. Chosen by hand.
MOST_WAITING, MOST_OF_ONE = 128, 32
# Receipts a second that say that the robot is busy; who hears none asks again.
_MOST_BUSY_A_SECOND = 20
_WHAT = "fleet request"

#: Kinds of requests that change nothing and hand out no pictures; commands send them again and again.
UNRECORDED = (LIST_PEOPLE, LIST_GALLERY, MISSED, LIST_REQUESTS)
#: Does what a request says, in the worker; returns what the receipt holds, or refuses it with a FacetrackError.
RequestHandler = Callable[[FleetRequest], dict[str, Any]]


@dataclass(frozen=True)
class _Kind:
    """How requests of a kind are handled; see :meth:`FleetRequestServer.register`."""

    handle: RequestHandler
    changes: bool
    undoes: frozenset[str]
    at_once: bool
    slow: bool


class FleetRequestServer:
    """Answers the requests of the mesh that are for this robot.

    Each is handled once, in a worker; one that is sent again gets the receipt of the first time. Requests wait in a
    bounded queue, by turns of those who ask; beyond it the receipt says that the robot is busy. Requests that change
    something are in a log before they are done, with what was done: they survive a restart, and robots that were away
    get them from it. One that could not be done because the disk takes nothing is tried again.

    :param node: the history node.
    :param instance_id: of the robot's process, as its heartbeats tell it.
    :ivar log: the requests that change something.
    :ivar catching_up: says why other requests have to wait, a sentence; empty: they need not.
    :ivar audit: takes a record of each request that does more than list; None: nothing is recorded.
    :ivar closing: what handlers have to close, called by :meth:`close`.
    :ivar forgotten: called after a person or time was forgotten, to empty caches of answers.
    """

    def __init__(self, node: RobotMemberNode, instance_id: str):
        self.audit: AuditWriter | None = None
        self._node, self._instance_id = node, instance_id
        self._trust = trust_of(node)
        self._kinds: dict[str, _Kind] = {}
        self.closing: list[Callable[[], None]] = []
        self.forgotten: list[Callable[[], None]] = []
        self._cache = ReceiptCache()
        self._waiting, self._slow_waiting = (FairMailbox(MOST_WAITING, MOST_OF_ONE) for _ in range(2))
        self._under_way: set[str] = set()
        self._busy_second = self._busy_sent = self._busy = 0
        self.log, self._log_error = RequestLog(node.robot_folder() / node.robot_id), ""
        self.catching_up: Callable[[], str] = lambda: ""
        self._worker = Worker("fleet requests", self._waiting, run_calls)
        self._slow_worker = Worker("slow fleet requests", self._slow_waiting, run_calls)
        self._worker.put("", (self._open_log,))
        topic = node.mesh_topic("fleet/receipt")
        self._receipts = node.create_answer_publisher(msg.FleetReceipt, topic, SEARCH_RESULT_PUB)
        gate = node.inbox.gate(
            _WHAT, self._receive, fleet_request_from_message, lambda message: message.requester, FLEET_REQUESTS
        )
        node.receive(msg.FleetRequest, node.mesh_topic("fleet/request"), gate, RELIABLE)

    @property
    def open_mesh(self) -> bool:
        """Whether requests are not signed, so that anyone on the network may have sent them."""
        return isinstance(self._trust, OpenMesh)

    def forget_answers(self, needles: Iterable[bytes]) -> None:
        """Drop what names who is forgotten, by one of some texts: receipts, requests, other answers. In the worker."""
        self._cache.clear()
        self.log.forget_persons(needles)
        for forget in self.forgotten:
            forget()

    def register(
        self,
        kind: str,
        handle: RequestHandler,
        changes: bool = False,
        undoes: Collection[str] = (),
        at_once: bool = False,
        slow: bool = False,
    ) -> None:
        """Have requests of a kind handled.

        :param handle: called in a worker, never twice at once. Where it changes something, it has to come to
            the same result when it is called again, as after a kill in the middle.
        :param changes: whether it changes something that robots which are away have to do when they come back.
        :param undoes: kinds whose requests it may undo: one of these that comes late, issued before a request of this
            kind that is done, is followed by that request once more: the result is as if they had come in order.
        :param at_once: whether it is answered also while the robot still does what it missed.
        :param slow: whether it takes seconds: it is handled in a worker of its own, so that others do not wait for it.
        """
        self._kinds[kind] = _Kind(handle, changes, frozenset(undoes), at_once or changes, slow)

    def why_not_yet(self) -> str:
        """Why searches and other requests have to wait, a sentence; empty: they need not."""
        return self.catching_up()

    def values(self) -> dict[str, str]:
        """Figures for diagnostics."""
        return {"fleet requests waiting": str(len(self._waiting)), "fleet requests turned away": str(self._busy)}

    def close(self) -> None:
        """Answer pending requests."""
        self._worker.close()
        self._slow_worker.close()
        for close in self.closing:
            close()

    def take_missed(self, requests: list[FleetRequest], then: Callable[[], None]) -> None:
        """Do requests that other robots got while this one was away, in order of their issue.

        :param then: called in the worker after them.
        """
        self._worker.put("", (self._do_missed, requests, then))

    def _open_log(self) -> None:
        try:
            self.log.open()
        except StoreError as error:
            self._log_error = str(error)
            self._node.get_logger().error(str(error))

    def _receive(self, request: FleetRequest) -> None:
        robot, kind = self._node.robot_id, self._kinds.get(request.kind)
        if not request.is_for(robot):
            if kind is None or not kind.changes or request.id in self.log:
                return  # else it is kept for the robots that it is for
        elif request.missing and robot not in request.missing:
            return
        if request.id in self._under_way:
            return  # sent again because the receipt has not come yet
        slow = kind is not None and kind.slow
        if not (self._slow_waiting if slow else self._waiting).has_room(request.requester):
            self._answer_busy(request)
            return
        self._under_way.add(request.id)
        (self._slow_worker if slow else self._worker).put(request.requester, (self._answer, request))

    def _answer(self, request: FleetRequest, relayed: bool = False) -> None:
        """Handle a request, and publish the receipt where it is for this robot."""
        try:
            receipt = self._cache.part(request) or self._noted(request)
            if receipt is None:
                receipt = self._handled(request, relayed)
                if receipt.state != PENDING:
                    self._record(request, receipt)
                    self._cache.store(request, receipt)
                    receipt = self._cache.part(request)
            if receipt is not None and request.is_for(self._node.robot_id):
                self._publish(request, receipt)
        except InvalidInput as error:
            self._node.inbox.refuse(_WHAT, request.requester, str(error), error.kind)
        finally:
            self._under_way.discard(request.id)

    def _noted(self, request: FleetRequest) -> FleetReceipt | None:
        """The receipt of a request that was done before, by an earlier process too; None: it is still to be done.

        :raises InvalidInput: another request has the same id.
        """
        logged = self.log.get(request.id)
        if logged is None:
            if request.id in self.log:
                raise InvalidInput(f"the request {request.id} was done long ago, and its receipt is not kept", "id")
            return None
        if logged.request.digest != request.digest:
            raise InvalidInput(f"another request has the id {request.id}", "id")
        if logged.receipt is None:
            return None
        receipt = replace(logged.receipt, instance_id=self._instance_id)
        self._cache.store(request, receipt)
        return self._cache.part(request)

    def _handled(self, request: FleetRequest, relayed: bool) -> FleetReceipt:
        """Handle a request; the receipt, which is given for each request."""
        kind = self._kinds.get(request.kind)
        try:
            self._trust.check_request(request, relayed)
            if self.audit is not None and request.kind not in UNRECORDED:
                self.audit.require_reason(request.operator, request.reason)
            if kind is None:
                raise RequestError(f"{self._node.robot_id} knows no requests of the kind {request.kind}")
            if not kind.at_once and (why := self.catching_up()):
                return self._receipt(request, PENDING, why)
            if kind.changes:
                return self._changed(request, kind)
        except FacetrackError as error:
            if isinstance(error, InvalidInput):
                self._node.inbox.refuse(_WHAT, request.requester, str(error), error.kind)
            return self._receipt(request, REFUSED, str(error))
        return self._done(request, kind)

    def _done(self, request: FleetRequest, kind: _Kind, changes: bool = False) -> FleetReceipt:
        try:
            return self._receipt(request, DONE, body=to_bytes(kind.handle(request)))
        except StoreError as error:
            if changes:
                return self._receipt(request, PENDING, f"{error}; it is kept, and tried again later")
            return self._receipt(request, REFUSED, str(error))
        except FacetrackError as error:
            if isinstance(error, InvalidInput):
                self._node.inbox.refuse(_WHAT, request.requester, str(error), error.kind)
                if changes and error.kind != "limit":  # no robot can do it
                    self.log.forget(request.id)
            return self._receipt(request, REFUSED, str(error))
        except Exception as error:  # the requester waits for a receipt in any case
            self._node.inbox.fault(_WHAT, request.requester, error)
            return self._receipt(request, REFUSED, f"unexpected {type(error).__name__}: {error}")

    def _record(self, request: FleetRequest, receipt: FleetReceipt) -> None:
        if self.audit is None or request.kind in UNRECORDED:
            return
        who = self.audit.who(request.operator, request.reason, self._trust.signer_of(request))
        what = {"requester": request.requester, "request": request.id, "what": request.kind}
        self.audit.record(REQUEST, {**who, **what, "done": receipt.state == DONE, "error": receipt.reason})

    def _changed(self, request: FleetRequest, kind: _Kind) -> FleetReceipt:
        """Note a request that changes something, do it where it is for this robot, and note what was done.

        :raises StoreError: it cannot be noted; nothing is done then.
        """
        if self._log_error:
            raise StoreError(self._log_error)
        if request.id not in self.log:
            robot_folder(self._node.robot_folder(), self._node.robot_id)
            self.log.add(request)
        if not request.is_for(self._node.robot_id):
            return self._receipt(request, PENDING, "it is kept for other robots")
        receipt = self._done(request, kind, changes=True)
        if receipt.state != PENDING:
            try:
                self.log.finish(request.id, receipt)
            except StoreError as error:  # it is done; after a restart it is done once more, to the same result
                self._node.inbox.fault(_WHAT, request.requester, error)
            self._do_later_ones(request)
        return receipt

    def _do_later_ones(self, request: FleetRequest) -> None:
        """Do the requests once more that are done, were issued after this one, and may undo it."""
        kinds = [name for name, kind in self._kinds.items() if request.kind in kind.undoes]
        for later in self.log.later(request, kinds):
            self._done(later, self._kinds[later.kind])

    def _do_missed(self, requests: list[FleetRequest], then: Callable[[], None]) -> None:
        try:
            kept = [] if self._log_error else self.log.to_do(self._node.robot_id)
            new = {request.id: request for request in (*requests, *kept)}.values()
            for request in sorted(new, key=lambda each: (each.issued_ns, each.id)):
                kind = self._kinds.get(request.kind)
                logged = self.log.get(request.id)
                if kind is not None and kind.changes and (logged or request.id not in self.log):
                    self._answer(request, relayed=True)
        finally:
            then()

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
            self._publish(request, self._receipt(request, PENDING, reason))

    def _publish(self, request: FleetRequest, receipt: FleetReceipt) -> None:
        self._receipts.publish(receipt_to_message(self._trust.signed_receipt(receipt)), request.signer)
