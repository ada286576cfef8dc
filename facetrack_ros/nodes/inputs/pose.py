"""The robot's pose from a topic."""

from typing import Any

from geometry_msgs.msg import PoseStamped, PoseWithCovarianceStamped
from nav_msgs.msg import Odometry
from rclpy.timer import Timer

from facetrack_ros.core.pose import RobotPose
from facetrack_ros.history.pose_history import PoseHistory
from facetrack_ros.nodes.base.bounds import POSES
from facetrack_ros.nodes.base.qos import SENSOR_DATA
from facetrack_ros.nodes.base.robot_member_node import RobotMemberNode
from facetrack_ros.nodes.base.timers import steady_timer
from facetrack_ros.nodes.conversion.time import pose_from_message

_KINDS = {"odometry": Odometry, "pose": PoseStamped, "pose_with_covariance": PoseWithCovarianceStamped}
_BY_NAME = {
    "nav_msgs/msg/Odometry": Odometry,
    "geometry_msgs/msg/PoseStamped": PoseStamped,
    "geometry_msgs/msg/PoseWithCovarianceStamped": PoseWithCovarianceStamped,
}
# How often the topic graph is checked until it has the topic's type.
_LOOKUP_S = 1.0


class PoseInput:
    """Adds the poses of a topic to a :class:`PoseHistory`, by their headers' stamps.

    :param topic: absolute, or in the robot's namespace; empty: none.
    :param kind: ``odometry``, ``pose``, ``pose_with_covariance``, or ``auto``: the topic's type, once it is published.
    """

    def __init__(self, node: RobotMemberNode, topic: str, kind: str, poses: PoseHistory) -> None:
        self._node, self._topic, self._poses = node, topic, poses
        self._timer: Timer | None = None
        if topic and kind in _KINDS:
            self._subscribe(_KINDS[kind])
        elif topic:
            self._timer = steady_timer(node, _LOOKUP_S, self._look_up_type)

    def _look_up_type(self) -> None:
        full = self._node.resolve_topic_name(self._topic)
        names = dict(self._node.get_topic_names_and_types()).get(full, [])
        kinds = [_BY_NAME[name] for name in names if name in _BY_NAME]
        if kinds and self._timer is not None:
            self._node.destroy_timer(self._timer)
            self._subscribe(kinds[0])
        elif names:
            self._node.get_logger().error(
                f"{full} is of type {names[0]}; poses are taken from {', '.join(_BY_NAME)}", throttle_duration_sec=60.0
            )

    def _subscribe(self, kind: type) -> None:
        gate = self._node.inbox.gate("pose", self._poses.add, _pose_of, lambda _: self._topic, POSES)
        self._node.receive(kind, self._topic, gate, SENSOR_DATA)
        self._node.get_logger().info(f"poses come from {self._topic} ({kind.__name__})")


def _pose_of(message: Any) -> RobotPose:
    return pose_from_message(message.header, message.pose if isinstance(message, PoseStamped) else message.pose.pose)
