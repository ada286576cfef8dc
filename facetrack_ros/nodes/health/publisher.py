"""A node's diagnoses on ``/diagnostics``, once a second, as robot monitors read them."""

from collections.abc import Callable, Iterable

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.node import Node

from facetrack_ros.nodes.base.timers import steady_timer
from facetrack_ros.nodes.health.status import Diagnosis

PERIOD_S = 1.0
# As diagnostic_updater's.
DEPTH = 10


class Diagnostics:
    """Publisher of a node's diagnoses, in steady time, so that they continue while a simulation is paused.

    :param robot_id: the hardware id.
    :param report: returns the diagnoses.
    """

    def __init__(self, node: Node, robot_id: str, report: Callable[[], Iterable[Diagnosis]]):
        self._node, self._robot_id, self._report = node, robot_id, report
        self._publisher = node.create_publisher(DiagnosticArray, "/diagnostics", DEPTH)
        self._timer = steady_timer(node, PERIOD_S, self.publish)

    def publish(self) -> None:
        """Publish now."""
        message = DiagnosticArray()
        message.header.stamp = self._node.get_clock().now().to_msg()
        message.status = [self._status(diagnosis) for diagnosis in self._report()]
        self._publisher.publish(message)

    def close(self) -> None:
        """Stop publishing."""
        self._timer.cancel()

    def _status(self, diagnosis: Diagnosis) -> DiagnosticStatus:
        return DiagnosticStatus(
            level=bytes([diagnosis.level]),
            name=f"{self._robot_id}: {diagnosis.thing}",
            message=diagnosis.sentence,
            hardware_id=self._robot_id,
            values=[KeyValue(key=key, value=value) for key, value in diagnosis.values.items()],
        )
