"""What running robots refused, from their diagnostics."""

import threading
from collections import OrderedDict

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rclpy.node import Node

from facetrack_ros.core.printable import printable
from facetrack_ros.nodes.health.publisher import DEPTH, INPUT

# Robots remembered, counts of one node, and their lengths; diagnostics come from anybody of the network.
_MOST_ROBOTS, _MOST_COUNTS, _LONGEST = 500, 100, 200


class Refusals:
    """Subscribes ``/diagnostics`` and keeps what each node's inbox refused.

    :param node: of the command line.
    """

    def __init__(self, node: Node):
        self._lock = threading.Lock()
        self._by_robot: OrderedDict[str, dict[str, dict[str, str]]] = OrderedDict()
        node.create_subscription(DiagnosticArray, "/diagnostics", self._on_array, DEPTH * 10)

    def of(self, robot_id: str) -> dict[str, dict[str, str]]:
        """Counts by kind and sender, by node; empty: nothing was refused, or nothing was heard."""
        with self._lock:
            return {node: dict(counts) for node, counts in sorted(self._by_robot.get(robot_id, {}).items())}

    def _on_array(self, message: DiagnosticArray) -> None:
        for status in message.status:
            node = status.name.removeprefix(f"{status.hardware_id}: ").removesuffix(f" {INPUT}")
            if status.name == f"{status.hardware_id}: {node} {INPUT}":
                self._add(status.hardware_id, printable(node, _LONGEST), status)

    def _add(self, robot_id: str, node: str, status: DiagnosticStatus) -> None:
        values = status.values[:_MOST_COUNTS]
        counts = {printable(each.key, _LONGEST): printable(each.value, _LONGEST) for each in values}
        with self._lock:
            nodes = self._by_robot.setdefault(robot_id, {})
            if node in nodes or len(nodes) < _MOST_COUNTS:
                nodes[node] = counts
            self._by_robot.move_to_end(robot_id)
            while len(self._by_robot) > _MOST_ROBOTS:
                self._by_robot.popitem(last=False)
