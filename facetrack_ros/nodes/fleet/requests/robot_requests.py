"""All requests to the fleet that a robot answers."""

from collections.abc import Callable

from facetrack_ros.history.robot_history import RobotHistory
from facetrack_ros.nodes.base.robot_member_node import RobotMemberNode
from facetrack_ros.nodes.fleet.requests.people_requests import PeopleRequests
from facetrack_ros.nodes.fleet.requests.request_server import FleetRequestServer


def robot_requests(
    node: RobotMemberNode, instance_id: str, history: Callable[[], RobotHistory | None]
) -> FleetRequestServer:
    """The server of a robot, with the handlers that need no other node.

    :param node: the history node.
    :param instance_id: of the robot's process.
    :param history: the robot's history, None until it is open.
    """
    server = FleetRequestServer(node, instance_id)
    PeopleRequests(node, server, history)
    return server
