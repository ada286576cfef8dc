"""Node on the mesh: what a robot's nodes and the command line's node have in common."""

from collections.abc import Callable
from typing import Any

from rclpy.node import Node
from rclpy.subscription import Subscription

from facetrack_ros.config import Config, mesh_name
from facetrack_ros.nodes.base.inbox import Inbox
from facetrack_ros.nodes.base.serialized_size import needs_check, size_checked


class MeshNode(Node):
    """Node with settings and an inbox that reads and writes the topics that all robots share.

    :ivar inbox: gate of its subscriptions and services.
    :ivar settings: of the robot, or of the command line.
    :ivar robot_id: the robot's name, or the name under which the command line asks.
    """

    inbox: Inbox
    settings: Config
    robot_id: str

    def create_subscription(
        self, msg_type: Any, topic: str, callback: Callable[..., None], *args, raw: bool = False, **options
    ) -> Subscription:
        """Create a subscription; a message whose lists claim more than it holds is refused before it is read, see
        :mod:`.serialized_size`."""
        if not raw and needs_check(msg_type):
            callback, raw = size_checked(self, msg_type, callback), True
        return super().create_subscription(msg_type, topic, callback, *args, raw=raw, **options)

    def mesh_topic(self, name: str) -> str:
        """Absolute name of a topic that all robots share."""
        return f"{mesh_name(self.settings.mesh)}/{name}"
