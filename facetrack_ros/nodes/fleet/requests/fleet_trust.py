"""Who may ask what, and whose receipts count: the one place where requests and receipts are signed and checked."""

from typing import Protocol

from facetrack_ros.config import Config
from facetrack_ros.core.fleet.fleet_request import FleetReceipt, FleetRequest


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

    def signed_receipt(self, receipt: FleetReceipt) -> FleetReceipt:
        """The receipt as it is."""
        return receipt

    def check_receipt(self, receipt: FleetReceipt) -> None:
        """Refuses nothing."""


def trust_of(settings: Config) -> FleetTrust:
    """Who is trusted by these settings, of a robot or of the command line."""
    return OpenMesh()
