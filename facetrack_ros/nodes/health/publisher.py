"""A node's diagnoses on ``/diagnostics``, once a second, as robot monitors read them."""

from collections.abc import Callable, Iterable

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue

from facetrack_ros.core.printable import printable
from facetrack_ros.nodes.base.lifecycle_node import LifecycleNode
from facetrack_ros.nodes.base.timers import steady_timer
from facetrack_ros.nodes.health.status import ERROR_SHOWN_S, OK, WARN, Diagnosis

PERIOD_S = 1.0
# As diagnostic_updater's.
DEPTH = 10
#: What the diagnosis of a node's inbox is called, after the node's name.
INPUT = "input"


class Diagnostics:
    """Publisher of a node's diagnoses, in steady time, so that they continue while a simulation is paused.

    What the node's inbox refused is a diagnosis of its own, once there is any.

    :param robot_id: the hardware id.
    :param report: returns the diagnoses.
    """

    def __init__(self, node: LifecycleNode, robot_id: str, report: Callable[[], Iterable[Diagnosis]]):
        self._node, self._robot_id, self._report = node, robot_id, report
        self._publisher = node.create_publisher(DiagnosticArray, "/diagnostics", DEPTH)
        self._timer = steady_timer(node, PERIOD_S, self.publish)

    def publish(self) -> None:
        """Publish now."""
        message = DiagnosticArray()
        message.header.stamp = self._node.get_clock().now().to_msg()
        message.status = [self._status(diagnosis) for diagnosis in (*self._report(), *self._refusals())]
        self._publisher.publish(message)

    def close(self) -> None:
        """Stop publishing."""
        self._timer.cancel()

    def _refusals(self) -> Iterable[Diagnosis]:
        values = self._node.inbox.values()
        if values:
            last, ago_s = self._node.inbox.last()
            shown = ago_s < ERROR_SHOWN_S
            sentence = last if shown else f"{self._node.inbox.refused} messages were refused"
            values["last refusal (s ago)"] = f"{ago_s:.0f}"
            yield Diagnosis(f"{self._node.get_name()} {INPUT}", WARN if shown else OK, sentence, values)

    def _status(self, diagnosis: Diagnosis) -> DiagnosticStatus:
        return DiagnosticStatus(
            level=bytes([diagnosis.level]),
            name=f"{self._robot_id}: {diagnosis.thing}",
            message=printable(diagnosis.sentence),
            hardware_id=self._robot_id,
            values=[KeyValue(key=printable(key), value=printable(value)) for key, value in diagnosis.values.items()],
        )
