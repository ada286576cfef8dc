"""The battery's charge, and whether it allows face work."""

import math
from collections.abc import Callable

from sensor_msgs.msg import BatteryState

from facetrack_ros.errors import InvalidInput
from facetrack_ros.nodes.base.bounds import FRAMES
from facetrack_ros.nodes.base.qos import SENSOR_DATA
from facetrack_ros.nodes.base.robot_member_node import RobotMemberNode
from facetrack_ros.nodes.inputs.hysteresis import Hysteresis


class BatteryInput:
    """Subscription of the robot's battery, if ``battery.topic`` names one.

    :param node: with the ``battery.`` settings.
    :param on_change: takes a sentence when face work stops or resumes.
    """

    def __init__(self, node: RobotMemberNode, on_change: Callable[[str], object] = lambda sentence: None):
        self._node = node
        self._topic = node.settings.battery.topic
        self._on_change = on_change
        self._brake = Hysteresis(node.settings.battery.stop_faces_below, node.settings.battery.resume_faces_at)
        self._charge = math.nan
        if self._topic:
            gate = node.inbox.gate("BatteryState", self._on_battery, _charge_of, lambda _: self._topic, FRAMES)
            node.receive(BatteryState, self._topic, gate, SENSOR_DATA)

    @property
    def charge(self) -> float:
        """The charge, 0 to 1; NaN: unknown."""
        return self._charge

    @property
    def braking(self) -> bool:
        """Whether face work is stopped."""
        return self._brake.active

    def change(self, stop_below: float, resume_at: float) -> None:
        """Set the charges at which face work stops and resumes, 0..1."""
        self._brake.set_limits(stop_below, resume_at)

    @property
    def sentence(self) -> str:
        """The state as a sentence."""
        return f"battery at {self._charge:.0%}: " + (
            "face work stops, persons are still tracked" if self.braking else "face work resumes"
        )

    def _on_battery(self, charge: float) -> None:
        changed = self._brake.update(charge)
        if math.isfinite(charge):
            self._charge = charge
        if changed:
            self._on_change(self.sentence)


def _charge_of(message: BatteryState) -> float:
    """The charge, 0 to 1; NaN: unknown.

    :raises InvalidInput: it is another number.
    """
    if not 0.0 <= message.percentage <= 1.0 and not math.isnan(message.percentage):
        raise InvalidInput(f"it gives a charge of {message.percentage:g}, which is not within 0 to 1", "number")
    return message.percentage
