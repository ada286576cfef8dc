"""Signed and sealed topics and calls: the one place where a fleet's messages are wrapped and unwrapped."""

import array
import time
from collections.abc import Awaitable, Callable
from typing import Any

from rclpy.publisher import Publisher
from rclpy.serialization import serialize_message

from facetrack_ros.core.printable import printable
from facetrack_ros.errors import InvalidInput, RequestError
from facetrack_ros.msg import FleetEnvelope
from facetrack_ros.nodes.base.fleet_rules import ASKER, OPERATOR, SIGNED_BY, SIGNER, TopicRule
from facetrack_ros.nodes.base.serialized_size import MOST_BYTES_OF_ANSWERS, deserialized, size_checked
from facetrack_ros.nodes.conversion.time import to_ns, to_time
from facetrack_ros.security.fleet_file import Member
from facetrack_ros.security.membership import ROBOTS_ONLY, Envelope, Membership, request_guard
from facetrack_ros.security.signing import ReplayGuard

#: Largest call or response of a service: the frames of one response of get_frames have 64 MB.
MOST_BYTES_OF_CALLS = 80_000_000


def envelope_to_message(envelope: Envelope) -> FleetEnvelope:
    """An envelope as it is sent."""
    return FleetEnvelope(
        signer=envelope.signer,
        reader=envelope.reader,
        nonce=array.array("B", envelope.nonce),
        issued=to_time(envelope.issued_ns),
        answers=array.array("B", envelope.answers),
        payload=array.array("B", envelope.payload),
        signature=array.array("B", envelope.signature),
    )


def envelope_from_message(message: FleetEnvelope) -> Envelope:
    """An envelope as it came; nothing of it is checked."""
    return Envelope(
        message.signer,
        message.reader,
        bytes(message.nonce),
        to_ns(message.issued),
        bytes(message.answers),
        bytes(message.payload),
        bytes(message.signature),
    )


class AnswerPublisher:
    """Publisher of answers, each for the member that asked; on an open mesh everyone reads them."""

    def __init__(self, publisher: "Publisher | SignedPublisher"):
        self._publisher = publisher

    def publish(self, message: Any, asker: str) -> None:
        """Publish an answer.

        :param asker: name of the member that asked.
        """
        if isinstance(self._publisher, SignedPublisher):
            self._publisher.publish(message, asker)
        else:
            self._publisher.publish(message)


class SignedPublisher:
    """Publisher of a topic of the fleet.

    :param publisher: of envelopes.
    :param topic: that the messages are of.
    """

    def __init__(self, node: Any, publisher: Publisher, membership: Membership, topic: str, rule: TopicRule):
        self._node, self._publisher, self._membership, self._topic, self._rule = (
            node,
            publisher,
            membership,
            topic,
            rule,
        )

    def publish(self, message: Any, asker: str = "") -> None:
        """Sign a message, seal it for its readers, and publish it. What no member can read is not sent, but counted."""
        reader = asker if self._rule.readers == ASKER else self._rule.readers
        try:
            envelope = self._membership.wrap(self._topic, serialize_message(message), reader, time.time_ns())
        except InvalidInput as error:
            self._node.inbox.refuse(f"answer on {self._topic}", asker, str(error), error.kind)
        else:
            self._publisher.publish(envelope_to_message(envelope))

    def get_subscription_count(self) -> int:
        """Number of subscriptions of the envelopes."""
        return self._publisher.get_subscription_count()


def opened(
    node: Any, membership: Membership, kind: type, topic: str, rule: TopicRule, callback: Callable[..., None], raw: bool
) -> Callable[[bytes, dict], None]:
    """The callback of a raw subscription of envelopes, which passes on what may be taken; the rest is counted.

    :param callback: takes a message (its bytes when ``raw``) and its info.
    """
    pass_on = callback if raw else size_checked(node, kind, callback)
    guard = ReplayGuard() if rule.permission == ROBOTS_ONLY else request_guard(time.time_ns())

    def receive(data: bytes, info: dict) -> None:
        signer = ""
        try:
            envelope = envelope_from_message(deserialized(data, FleetEnvelope, MOST_BYTES_OF_ANSWERS))
            signer = envelope.signer
            if membership.is_for_another(envelope):
                return
            now_ns = time.time_ns()
            fresh = guard if rule.fresh else None
            content, member = membership.unwrap(topic, envelope, rule.permission, now_ns, fresh)
        except InvalidInput as error:
            node.inbox.refuse(kind.__name__, signer, str(error), error.kind)
            return
        signed: dict[str, Any] = {SIGNED_BY: member.name}
        if rule.named:
            signed[SIGNER] = member.name
        if not member.is_robot:
            signed[OPERATOR] = member.name
        pass_on(content, {**info, **signed})

    return receive


def counted_only(node: Any, kind: type) -> Callable[[bytes], None]:
    """The callback of a raw subscription of unsigned messages, which are refused."""

    def refuse(_data: bytes) -> None:
        node.inbox.refuse(kind.__name__, "", "it is not signed", "unsigned")

    return refuse


def signed_service(
    node: Any,
    membership: Membership,
    kind: Any,
    service: str,
    permission: str | None,
    callback: Callable[[Any, Any], Any],
) -> Callable[[Any, Any], Awaitable[Any]]:
    """The callback of a service that answers signed calls only, each to its caller only.

    :param permission: that the caller needs; None: no call is answered.
    """
    guard = request_guard(time.time_ns())

    async def serve(request: Any, response: Any) -> Any:
        signer = ""
        try:
            envelope = envelope_from_message(request.envelope)
            signer = envelope.signer
            if permission is None:
                raise InvalidInput("no member may call it", "permission")
            if envelope.reader != membership.name:
                raise InvalidInput("it is not signed and sealed for this robot", "unsigned")
            content, caller = membership.unwrap(service, envelope, permission, time.time_ns(), guard)
            call = _named(deserialized(content, kind.Request, MOST_BYTES_OF_CALLS), caller)
        except InvalidInput as error:
            node.inbox.refuse(f"{service.rpartition('/')[2]} call", signer, str(error), error.kind)
            response.success, response.message = False, f"the call is refused: {error}"
            return response
        answer = callback(call, response)
        answer = await answer if hasattr(answer, "__await__") else answer
        try:
            sealed = membership.wrap(service, serialize_message(answer), caller.name, time.time_ns(), envelope.nonce)
        except InvalidInput as error:  # the caller was taken out of the fleet meanwhile
            node.inbox.refuse(f"{service.rpartition('/')[2]} call", signer, str(error), error.kind)
            return kind.Response()
        return kind.Response(envelope=envelope_to_message(sealed))

    return serve


def _named(call: Any, caller: Member) -> Any:
    """A call with the operator that made it, and with the caller's name in its envelope.

    :raises InvalidInput: it names another one.
    """
    if hasattr(call, "operator_name") and not caller.is_robot:
        if call.operator_name not in ("", caller.name):
            raise InvalidInput(f"{caller.name} signed it, and it names {printable(call.operator_name, 64)}", "signer")
        call.operator_name = caller.name
    call.envelope = FleetEnvelope(signer=caller.name)
    return call


class SignedCall:
    """A call of a robot's service, signed and sealed; an operator makes it in its own name.

    :ivar request: to be sent.
    :raises RequestError: the robot is no member of the fleet.
    """

    def __init__(self, membership: Membership, robot: str, service: str, kind: Any, request: Any):
        self._membership, self._robot, self._service, self._kind = membership, robot, service, kind
        member = membership.fleet.by_name.get(robot)
        if member is None or not member.is_robot:
            raise RequestError(f"{robot} is no robot of the fleet {membership.fleet.name}")
        if not hasattr(request, "envelope"):
            raise RequestError(f"{service} cannot be called in a fleet with a fleet file")
        caller = membership.fleet.by_name.get(membership.name)
        if hasattr(request, "operator_name") and caller is not None and not caller.is_robot:
            request.operator_name = caller.name
        self._sent = membership.wrap(service, serialize_message(request), robot, time.time_ns())
        self.request = kind.Request(envelope=envelope_to_message(self._sent))

    def opened(self, response: Any) -> Any:
        """The robot's response.

        :raises RequestError: the robot refuses the call, or the response is not the robot's to this call.
        """
        envelope = envelope_from_message(response.envelope)
        if not envelope.signature:
            raise RequestError(f"{self._robot}: {printable(response.message) or 'its answer is not signed'}")
        try:
            content, member = self._membership.unwrap(self._service, envelope, ROBOTS_ONLY, time.time_ns())
            if member.name != self._robot or envelope.answers != self._sent.nonce:
                raise InvalidInput("it answers another call")
            return deserialized(content, self._kind.Response, MOST_BYTES_OF_CALLS)
        except InvalidInput as error:
            raise RequestError(f"the answer of {self._robot} is not used: {error}") from error
