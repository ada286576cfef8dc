"""A request to the robots of a mesh, and one robot's answer."""

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from typing import Any

from facetrack_ros.core import validation
from facetrack_ros.errors import InvalidInput

#: Bytes of a request's body: the faces of 200 pictures have 600 kB.
MOST_REQUEST_BYTES = 900_000
#: Bytes of a part of a receipt's body, and parts: 20,000 persons have 2 MB, 100,000 merge decisions 30 MB.
MOST_PART_BYTES, MOST_PARTS = 500_000, 128
#: Robots that a request names.
MOST_ROBOTS = 500
#: Bytes of a nonce and of a signature.
MOST_NONCE_BYTES, MOST_SIGNATURE_BYTES = 64, 512
#: Longest reason of a request, characters.
LONGEST_REASON = 500

#: States of a receipt, as in the message.
DONE, REFUSED, PENDING = 1, 2, 3
#: Fields that differ when a request is sent again.
_OF_A_SENDING = ("missing", "part")


@dataclass(frozen=True)
class FleetRequest:
    """A request to all robots of a mesh, or to some.

    :param id: unique.
    :param kind: what is to be done, such as ``list_people``.
    :param operator: who asks, as far as the requester says.
    :param issued_ns: nanoseconds since the epoch; ``deadline_ns``: until when the requester waits.
    :param robots: that it is for; empty: all.
    :param body: JSON in UTF-8; empty: ``{}``.
    :param requester: instance id of the process that asks.
    :param signer: whose key signed it; empty: it is not signed.
    :param missing: robots whose receipt has not come, which alone send it again; empty: all.
    :param part: of the receipt, that is asked for.
    """

    id: str
    kind: str
    operator: str = ""
    reason: str = ""
    issued_ns: int = 0
    deadline_ns: int = 0
    robots: tuple[str, ...] = ()
    body: bytes = b""
    requester: str = ""
    nonce: bytes = b""
    signer: str = ""
    signature: bytes = b""
    missing: tuple[str, ...] = ()
    part: int = 0

    def check(self) -> None:
        """
        :raises InvalidInput: a part of it cannot be used.
        """
        validation.token(self.id, "the id of a request")
        validation.identifier(self.kind, "the kind of a request")
        validation.plain_text(self.operator, "the operator", validation.LONGEST_ID)
        validation.plain_text(self.reason, "the reason", LONGEST_REASON)
        validation.stamp(self.issued_ns, "the time of a request")
        validation.stamp(self.deadline_ns, "the deadline of a request")
        for robots in (self.robots, self.missing):
            for robot in validation.at_most(robots, "robots", MOST_ROBOTS):
                validation.plain_text(robot, "one of the robots", 255, empty=False)
        validation.content(self.body, "the body of a request", MOST_REQUEST_BYTES)
        validation.token(self.requester, "who asks", empty=True)
        validation.content(self.nonce, "the nonce", MOST_NONCE_BYTES)
        validation.token(self.signer, "the signer", empty=True)
        validation.content(self.signature, "the signature", MOST_SIGNATURE_BYTES)
        validation.count(self.part, "the part", MOST_PARTS - 1)

    def is_for(self, robot_id: str) -> bool:
        """Whether a robot is to do it."""
        return not self.robots or robot_id in self.robots

    @property
    def values(self) -> dict[str, Any]:
        """The body.

        :raises InvalidInput: it is no JSON object.
        """
        return read_object(self.body, "the body of a request")

    @property
    def signed_fields(self) -> dict[str, Any]:
        """The fields that a signature covers: all but itself and those that differ when the request is sent again."""
        return {name: value for name, value in asdict(self).items() if name not in ("signature", *_OF_A_SENDING)}

    @property
    def digest(self) -> str:
        """Hash of all that the request says, the same whenever it is sent."""
        return hashlib.sha256(repr(sorted(self.signed_fields.items())).encode()).hexdigest()


@dataclass(frozen=True)
class FleetReceipt:
    """One robot's answer to a request, or a part of it.

    :param instance_id: of the robot's process.
    :param state: :data:`DONE`, :data:`REFUSED` or :data:`PENDING`.
    :param reason: why it was refused or is pending, a sentence.
    :param body: JSON in UTF-8, or a part of it; empty: ``{}``.
    :param part: number of this part, from 0 on; ``parts``: of the body.
    :param stamp_ns: when the robot did it, nanoseconds since the epoch.
    :param signer: whose key signed it; empty: it is not signed.
    """

    request_id: str
    robot_id: str
    instance_id: str
    state: int
    reason: str = ""
    body: bytes = b""
    part: int = 0
    parts: int = 1
    stamp_ns: int = 0
    signer: str = ""
    signature: bytes = b""

    def check(self) -> None:
        """
        :raises InvalidInput: a part of it cannot be used.
        """
        validation.token(self.request_id, "the id of a request")
        validation.ros_name(self.robot_id, "the robot of a receipt")
        validation.token(self.instance_id, "the process of a receipt", empty=True)
        validation.count(self.state, "the state of a receipt", PENDING, DONE)
        validation.plain_text(self.reason, "the reason of a receipt")
        validation.content(self.body, "the body of a receipt", MOST_PART_BYTES)
        validation.count(self.parts, "the number of parts", MOST_PARTS, 1)
        validation.count(self.part, "the part", self.parts - 1)
        validation.stamp(self.stamp_ns, "the time of a receipt")
        validation.token(self.signer, "the signer", empty=True)
        validation.content(self.signature, "the signature", MOST_SIGNATURE_BYTES)

    @property
    def signed_fields(self) -> dict[str, Any]:
        """The fields that a signature covers: all but itself."""
        return {name: value for name, value in asdict(self).items() if name != "signature"}

    def in_parts(self) -> "list[FleetReceipt]":
        """The receipt in parts of at most :data:`MOST_PART_BYTES`; one that is too long for that is refused."""
        bodies = [self.body[at : at + MOST_PART_BYTES] for at in range(0, len(self.body), MOST_PART_BYTES)] or [b""]
        if len(bodies) > MOST_PARTS:
            most = MOST_PARTS * MOST_PART_BYTES
            return [replace(self, state=REFUSED, reason=f"the answer has more than {most} bytes", body=b"")]
        return [replace(self, body=body, part=part, parts=len(bodies)) for part, body in enumerate(bodies)]


def to_bytes(values: dict[str, Any]) -> bytes:
    """JSON in UTF-8, as the body of a request or receipt."""
    return json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace") if values else b""


def read_object(body: bytes, what: str) -> dict[str, Any]:
    """The JSON object of a body; empty where there is none.

    :raises InvalidInput: it is no JSON object in UTF-8.
    """
    try:
        values = json.loads(body) if body else {}
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"{what} is no JSON in UTF-8", "json") from error
    if not isinstance(values, dict):
        raise InvalidInput(f"{what} is no JSON object", "json")
    return values


def field_of(values: dict[str, Any], name: str, kind: type, default: Any = None) -> Any:
    """A field of a body, or ``default`` where it is missing.

    :raises InvalidInput: it is of another type, or is missing and has no default.
    """
    value = values.get(name, default)
    if type(value) is not kind:
        raise InvalidInput(f"the field {name} is missing or no {kind.__name__}", "field")
    return value


def list_of(values: dict[str, Any], name: str, kind: type, most: int) -> list[Any]:
    """A list in a body, empty where it is missing.

    :raises InvalidInput: it is none, is too long, or has elements of another type.
    """
    items = validation.at_most(field_of(values, name, list, []), name, most)
    if any(type(item) is not kind for item in items):
        raise InvalidInput(f"the list {name} has an element that is no {kind.__name__}", "field")
    return list(items)
