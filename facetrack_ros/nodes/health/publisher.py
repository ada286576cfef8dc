"""The health of a node, on ``/diagnostics`` once a second, as robot monitors read it."""

from collections.abc import Callable, Iterable

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.node import Node

from facetrack_ros.nodes.base.timers import steady_timer
from facetrack_ros.nodes.health.status import Diagnosis

PERIOD_S = 1.0
# As diagnostic_updater publishes them.
DEPTH = 10


class Diagnostics:
    """Tells of a node's health as long as it lives; in real time, so that a simulation at rest is no dead robot.

    :param node: whose health it is.
    :param robot_id: the hardware.
    :param look: gives what there is to tell of.
    """

    def __init__(self, node: Node, robot_id: str, look: Callable[[], Iterable[Diagnosis]]):
        self._node, self._robot_id, self._look = node, robot_id, look
        self._publisher = node.create_publisher(DiagnosticArray, "/diagnostics", DEPTH)
        self._timer = steady_timer(node, PERIOD_S, self.tell)

    def tell(self) -> None:
        """Publish now."""
        message = DiagnosticArray()
        message.header.stamp = self._node.get_clock().now().to_msg()
        message.status = [self._status(diagnosis) for diagnosis in self._look()]
        self._publisher.publish(message)

    def close(self) -> None:
        """Say no more."""
        self._timer.cancel()

    def _status(self, diagnosis: Diagnosis) -> DiagnosticStatus:
        return DiagnosticStatus(
            level=bytes([diagnosis.level]),
            name=f"{self._robot_id}: {diagnosis.thing}",
            message=diagnosis.sentence,
            hardware_id=self._robot_id,
            values=[KeyValue(key=key, value=value) for key, value in diagnosis.values.items()],
        )
