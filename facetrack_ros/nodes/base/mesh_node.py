"""Node on the mesh: what a robot's nodes and the command line's node have in common."""

from rclpy.node import Node

from facetrack_ros.config import Config, mesh_name
from facetrack_ros.nodes.base.inbox import Inbox


class MeshNode(Node):
    """Node with settings and an inbox that reads and writes the topics that all robots share.

    :ivar inbox: gate of its subscriptions and services.
    :ivar settings: of the robot, or of the command line.
    :ivar robot_id: the robot's name, or the name under which the command line asks.
    """

    inbox: Inbox
    settings: Config
    robot_id: str

    def mesh_topic(self, name: str) -> str:
        """Absolute name of a topic that all robots share."""
        return f"{mesh_name(self.settings.mesh)}/{name}"
