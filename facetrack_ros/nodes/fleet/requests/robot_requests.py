"""All requests to the fleet that a robot answers."""

from collections.abc import Callable

from facetrack_ros.history.robot_history import RobotHistory
from facetrack_ros.nodes.base.robot_member_node import RobotMemberNode
from facetrack_ros.nodes.fleet.frame_services import FrameServices
from facetrack_ros.nodes.fleet.requests.catch_up import CatchUp
from facetrack_ros.nodes.fleet.requests.forget_requests import ForgetRequests
from facetrack_ros.nodes.fleet.requests.frame_requests import FrameRequests
from facetrack_ros.nodes.fleet.requests.people_requests import PeopleRequests
from facetrack_ros.nodes.fleet.requests.request_server import FleetRequestServer
from facetrack_ros.nodes.fleet.roster_listener import RosterListener


class RobotRequests(FleetRequestServer):
    """The server of a robot, with the handlers that need no other node.

    :param node: the history node.
    :param history: the robot's history, None until it is open.
    :param own_roster: whether to hear the other robots by a listener of its own; else see :meth:`follow`.
    """

    def __init__(
        self, node: RobotMemberNode, instance_id: str, history: Callable[[], RobotHistory | None], own_roster: bool
    ):
        super().__init__(node, instance_id)
        ForgetRequests(node, self, history)
        PeopleRequests(node, self, history)
        self._catch_up: CatchUp | None = None
        if own_roster:
            self.follow(RosterListener(node))

    def follow(self, roster: RosterListener) -> None:
        """Get what came while this robot was away from the robots of a roster, of another node of the process say."""
        self._catch_up = CatchUp(self._node, self, roster)

    def hand_out(self, frames: FrameServices) -> None:
        """Answer requests for frames and clips by these services."""
        FrameRequests(self, frames)

    def close(self) -> None:
        """Answer pending requests."""
        if self._catch_up is not None:
            self._catch_up.close()
        super().close()
