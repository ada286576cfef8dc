"""What a robot does with requests on people."""

from collections.abc import Callable
from typing import Any

from facetrack_ros.core.fleet.fleet_request import FleetRequest
from facetrack_ros.core.fleet.kinds import LIST_PEOPLE
from facetrack_ros.history.robot_history import RobotHistory
from facetrack_ros.nodes.base.robot_member_node import RobotMemberNode
from facetrack_ros.nodes.fleet.requests.request_server import FleetRequestServer
from facetrack_ros.search.fleet.people_json import people_to_json
from facetrack_ros.search.people import people_of_robot


class PeopleRequests:
    """Lists the persons, merge decisions and gallery entries in the robot's folder.

    :param node: the history node.
    :param history: the robot's history, None until it is open.
    """

    def __init__(self, node: RobotMemberNode, server: FleetRequestServer, history: Callable[[], RobotHistory | None]):
        self._node, self._history = node, history
        server.register(LIST_PEOPLE, self._list_people)

    def _list_people(self, request: FleetRequest) -> dict[str, Any]:
        robot, history = self._node.robot_id, self._history()
        stores = () if history is None else (history.sightings,)
        return people_to_json(people_of_robot(self._node.robot_folder() / robot, robot, open_stores=stores))
