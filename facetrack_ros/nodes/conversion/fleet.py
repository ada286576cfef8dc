"""Requests to the robots of the mesh and their receipts, to messages and back."""

from facetrack_ros import msg
from facetrack_ros.core.fleet.fleet_request import FleetReceipt, FleetRequest
from facetrack_ros.nodes.conversion.fields import byte_array, pick
from facetrack_ros.nodes.conversion.time import to_ns, to_time

# Fields that value and message have alike.
_REQUEST = ("id", "kind", "reason", "requester", "signer", "part")
_RECEIPT = ("request_id", "robot_id", "instance_id", "state", "part", "parts", "signer")


def fleet_request_to_message(request: FleetRequest) -> msg.FleetRequest:
    """A request."""
    return msg.FleetRequest(
        operator_name=request.operator,
        issued=to_time(request.issued_ns),
        deadline=to_time(request.deadline_ns),
        robots=list(request.robots),
        body=byte_array(request.body),
        nonce=byte_array(request.nonce),
        signature=byte_array(request.signature),
        missing=list(request.missing),
        **pick(request, _REQUEST),
    )


def fleet_request_from_message(message: msg.FleetRequest) -> FleetRequest:
    """A request.

    :raises InvalidInput: a part of it cannot be used.
    """
    request = FleetRequest(
        operator=message.operator_name,
        issued_ns=to_ns(message.issued),
        deadline_ns=to_ns(message.deadline),
        robots=tuple(message.robots),
        body=bytes(message.body),
        nonce=bytes(message.nonce),
        signature=bytes(message.signature),
        missing=tuple(message.missing),
        **pick(message, _REQUEST),
    )
    request.check()
    return request


def receipt_to_message(receipt: FleetReceipt) -> msg.FleetReceipt:
    """A receipt, or a part of one."""
    return msg.FleetReceipt(
        reason=receipt.reason,
        body=byte_array(receipt.body),
        stamp=to_time(receipt.stamp_ns),
        signature=byte_array(receipt.signature),
        **pick(receipt, _RECEIPT),
    )


def receipt_from_message(message: msg.FleetReceipt) -> FleetReceipt:
    """A receipt, or a part of one.

    :raises InvalidInput: a part of it cannot be used.
    """
    receipt = FleetReceipt(
        reason=message.reason,
        body=bytes(message.body),
        stamp_ns=to_ns(message.stamp),
        signature=bytes(message.signature),
        **pick(message, _RECEIPT),
    )
    receipt.check()
    return receipt
