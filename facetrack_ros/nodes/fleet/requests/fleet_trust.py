"""Who may ask what, and whose receipts count: the one place where requests and receipts are signed and checked."""

import secrets
from dataclasses import replace
from typing import Protocol

from facetrack_ros.core.fleet.fleet_request import FleetReceipt, FleetRequest
from facetrack_ros.errors import InvalidInput
from facetrack_ros.nodes.base.mesh_node import MeshNode
from facetrack_ros.security.fleet_file import Member
from facetrack_ros.security.membership import Membership
from facetrack_ros.security.permissions import OF_KIND
from facetrack_ros.security.signing import NONCE_BYTES, check_window, sign, verify

# Kinds of signed messages.
_REQUEST, _RECEIPT = "fleet request", "fleet receipt"


class FleetTrust(Protocol):
    """Signs what this process sends, and checks what comes."""

    def signed_request(self, request: FleetRequest) -> FleetRequest:
        """The request with signer, nonce and signature."""
        ...

    def check_request(self, request: FleetRequest, relayed: bool = False) -> None:
        """
        :param relayed: whether another robot passes it on, which was issued while this one was away.
        :raises InvalidInput: it is not signed by who may ask for it, or is not new.
        """
        ...

    def signer_of(self, request: FleetRequest) -> str:
        """Whose signature of the request holds; empty: no member's."""
        ...

    def signed_receipt(self, receipt: FleetReceipt) -> FleetReceipt:
        """The receipt, or part of one, with signer and signature."""
        ...

    def check_receipt(self, receipt: FleetReceipt) -> None:
        """
        :raises InvalidInput: it is not signed by the robot that it names.
        """
        ...


class OpenMesh:
    """The mesh without keys: everyone may ask everything, and nothing is signed."""

    def signed_request(self, request: FleetRequest) -> FleetRequest:
        """The request as it is."""
        return request

    def check_request(self, request: FleetRequest, relayed: bool = False) -> None:
        """Refuses nothing."""

    def signer_of(self, request: FleetRequest) -> str:
        """No one's."""
        return ""

    def signed_receipt(self, receipt: FleetReceipt) -> FleetReceipt:
        """The receipt as it is."""
        return receipt

    def check_receipt(self, receipt: FleetReceipt) -> None:
        """Refuses nothing."""


class SignedMesh:
    """A fleet with a fleet file: operators ask what they may, robots sign their receipts.

    :param node: whose membership signs and checks.
    """

    def __init__(self, node: MeshNode, fleet: Membership):
        self._fleet, self._clock = fleet, node.get_clock()

    def _now_ns(self) -> int:
        return self._clock.now().nanoseconds

    def signed_request(self, request: FleetRequest) -> FleetRequest:
        """The request with signer, nonce and signature, in the name of the operator that signs it."""
        fleet, nonce = self._fleet, secrets.token_bytes(NONCE_BYTES)
        member = fleet.fleet.by_name.get(fleet.name)
        operator = request.operator if member is not None and member.is_robot else fleet.name
        request = replace(request, operator=operator, nonce=nonce, signer=fleet.name, signature=b"")
        return replace(request, signature=sign(fleet.identity, _REQUEST, request.signed_fields))

    def check_request(self, request: FleetRequest, relayed: bool = False) -> None:
        """
        :param relayed: whether another robot passes it on, which was issued while this one was away.
        :raises InvalidInput: it is not signed by who may ask for it, or is not new.
        """
        member = self._proven(request)
        if not member.is_robot and request.operator != member.name:
            raise InvalidInput(f"{member.name} signed it, and it names another operator", "signer")
        permission = OF_KIND.get(request.kind)
        if permission is None or not member.may_do(permission):
            raise InvalidInput(f"{member.name} may not ask for {request.kind}", "permission")
        if not relayed:  # its envelope is taken once, and the request is done once
            check_window(request.issued_ns, self._now_ns())

    def signed_receipt(self, receipt: FleetReceipt) -> FleetReceipt:
        """The receipt, or part of one, with signer and signature."""
        receipt = replace(receipt, signer=self._fleet.name, signature=b"")
        return replace(receipt, signature=sign(self._fleet.identity, _RECEIPT, receipt.signed_fields))

    def check_receipt(self, receipt: FleetReceipt) -> None:
        """
        :raises InvalidInput: it is not signed by the robot that it names.
        """
        member = self._signer(receipt.signer)
        if not member.is_robot or member.name != receipt.robot_id:
            raise InvalidInput(f"{member.name} signed it", "signer")
        if not verify(member.keys, _RECEIPT, receipt.signed_fields, receipt.signature):
            raise InvalidInput("its signature does not hold", "signature")

    def signer_of(self, request: FleetRequest) -> str:
        """Whose signature of the request holds; empty: no member's."""
        try:
            return self._proven(request).name
        except InvalidInput:
            return ""

    def _proven(self, request: FleetRequest) -> Member:
        member = self._signer(request.signer)
        if not verify(member.keys, _REQUEST, request.signed_fields, request.signature):
            raise InvalidInput("its signature does not hold", "signature")
        return member

    def _signer(self, name: str) -> Member:
        member = self._fleet.fleet.by_name.get(name)
        if member is None:
            raise InvalidInput("its signer is no member of the fleet" if name else "it is not signed", "member")
        return member


def trust_of(node: MeshNode) -> FleetTrust:
    """Who is trusted by a robot's node, or that of the command line."""
    return OpenMesh() if node.fleet is None else SignedMesh(node, node.fleet)
