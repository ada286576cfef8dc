"""Gate of ``~/get_type_description``, a service that ROS gives to every node."""

import re
from collections.abc import Callable
from typing import Any

from rclpy.node import Node
from type_description_interfaces.srv import GetTypeDescription

# Names as of "pkg/msg/Type" (255 characters are more than any has), and hashes as REP 2011 writes them.
_TYPE_NAME = re.compile(r"[A-Za-z0-9_/]{1,255}")
_TYPE_HASH = re.compile(r"RIHS[0-9]{2}_[0-9a-f]{64}")


def check_type_requests(node: Node) -> None:
    """Have a node refuse requests for types whose name or hash is not well formed.

    ROS writes what it cannot read to the terminal as it is, with control characters.
    """
    for service in node.services:
        if service.srv_type is GetTypeDescription:
            service.callback = _checked(service.callback)


def _checked(callback: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def answer(request: GetTypeDescription.Request, response: GetTypeDescription.Response) -> Any:
        if _TYPE_NAME.fullmatch(request.type_name) and _TYPE_HASH.fullmatch(request.type_hash):
            return callback(request, response)
        response.successful, response.failure_reason = False, "the name or the hash of the type is not well formed"
        return response

    return answer
