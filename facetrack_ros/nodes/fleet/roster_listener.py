"""Heartbeats of all robots, and the roster that follows from them; bounded for every sender."""

import threading
import time
from collections.abc import Callable

from facetrack_ros import msg
from facetrack_ros.concurrency.sender_limits import SenderLimits
from facetrack_ros.errors import InvalidInput
from facetrack_ros.nodes.base.bounds import ROSTER
from facetrack_ros.nodes.base.fleet_rules import check_signer
from facetrack_ros.nodes.base.mesh_node import MeshNode
from facetrack_ros.nodes.base.polled_subscription import PolledSubscription
from facetrack_ros.nodes.base.qos import HEARTBEAT_LATCHED_SUB, HEARTBEAT_SUB
from facetrack_ros.nodes.base.serialized_size import deserialized
from facetrack_ros.nodes.conversion.heartbeat import bare_status, checked_status, known_robots_from_message
from facetrack_ros.nodes.fleet.heartbeat_prefix import robot_of
from facetrack_ros.search.fleet_roster import FleetRoster, KnownRobot, RosterEntry

# How long latched heartbeats stay subscribed after the start.
STARTUP_S = 15.0
# Twice the period of polls: a heartbeat does not wait longer in DDS.
_LONGEST_WAIT_NS = 2_000_000_000
_WHAT = "heartbeat"


class RosterListener:
    """Subscribes the topic ``roster``.

    Heartbeats wait in DDS until :meth:`poll`, unless ``immediate``. What comes too often under one name, and robots
    beyond the bounds of :class:`FleetRoster`, are dropped before they are decoded. Thread-safe.

    :ivar listeners: called with each heartbeat taken.
    :param immediate: whether heartbeats are taken as they come.
    """

    def __init__(self, node: MeshNode, immediate: bool = False):
        self._inbox, topic = node.inbox, node.mesh_topic("roster")
        self._lock = threading.RLock()
        self._roster = FleetRoster()
        self._limits = SenderLimits(ROSTER)
        self.listeners: list[Callable[[msg.HistoryStatus], None]] = []
        # The first until discovery is complete: every robot's last heartbeat, reliably.
        subscriptions = (HEARTBEAT_LATCHED_SUB,) if immediate else (HEARTBEAT_LATCHED_SUB, HEARTBEAT_SUB)
        self._subscriptions = [
            PolledSubscription(node, msg.HistoryStatus, topic, self._on_raw, qos, lambda: immediate, raw=True)
            for qos in subscriptions
        ]
        what, sender = "list of known robots", lambda message: message.robot_id
        take = node.inbox.gate(what, self._on_known_robots, known_robots_from_message, sender, ROSTER)
        self._known_robots = PolledSubscription(
            node, msg.KnownRobots, node.mesh_topic("known_robots"), take, HEARTBEAT_LATCHED_SUB, lambda: immediate
        )
        self._started_s = time.monotonic()

    def poll(self) -> int:
        """Take the heartbeats that wait, and what robots tell of others; how many heartbeats."""
        self._known_robots.read()
        return sum(subscription.read() for subscription in self._subscriptions)

    def end_startup(self) -> None:
        """Close the subscription of latched heartbeats, once discovery is complete."""
        if len(self._subscriptions) > 1 and time.monotonic() - self._started_s > STARTUP_S:
            self._subscriptions.pop(0).close()

    def entries(self) -> list[RosterEntry]:
        """Every robot heard within the last hour, by name, and those that others tell of."""
        with self._lock:
            return self._roster.entries(time.monotonic_ns())

    @property
    def all_told(self) -> bool:
        """Whether every live robot has told which robots it knows, and each that one of them hears is heard here."""
        with self._lock:
            return self._roster.all_told(time.monotonic_ns())

    def knows(self, robot_id: str, instance_id: str) -> bool:
        """Whether a process of a robot was heard."""
        with self._lock:
            return self._roster.knows(robot_id, instance_id)

    @property
    def crowded(self) -> str:
        """That robots were turned away within the last minute, in a sentence; empty: none were."""
        if not self._roster.crowded(time.monotonic_ns()):
            return ""
        return (
            f"more robots are on the mesh than a roster holds: {self._roster.turned_away} heartbeats were turned away, "
            "and their robots are not searched"
        )

    def _on_raw(self, data: bytes, info: dict) -> None:
        robot = ""
        try:
            robot, _ = robot_of(data)
            check_signer(info, robot)
            if not self._inbox.admits(self._limits, robot):
                self._inbox.refuse(_WHAT, robot, f"more than {ROSTER.per_s:g} a second come", "rate")
            elif not self._has_place(robot):
                self._inbox.refuse(_WHAT, robot, "the roster is full", "full")
            else:
                self._on_heartbeat(self._checked(deserialized(data, msg.HistoryStatus)), info)
        except InvalidInput as error:
            self._inbox.refuse(_WHAT, robot, str(error), error.kind)
        except ValueError as error:
            self._inbox.refuse(_WHAT, robot, f"it cannot be read: {error}")
        except Exception as error:
            self._inbox.fault(_WHAT, robot, error)

    def _checked(self, message: msg.HistoryStatus) -> msg.HistoryStatus:
        try:
            return checked_status(message)
        except InvalidInput as error:
            bare = bare_status(message, str(error))
            self._inbox.refuse(_WHAT, message.robot_id, str(error), error.kind)
            return bare

    def _on_known_robots(self, told: tuple[str, str, dict[str, KnownRobot]]) -> None:
        with self._lock:
            self._roster.on_known_robots(*told)

    def _has_place(self, robot: str) -> bool:
        with self._lock:
            return self._roster.has_place(robot, time.monotonic_ns())

    def _on_heartbeat(self, message: msg.HistoryStatus, info: dict) -> None:
        # The message may have waited in DDS until it was polled; its arrival counts.
        waited = time.time_ns() - (info.get("received_timestamp") or time.time_ns())
        arrived_ns = time.monotonic_ns() - min(max(waited, 0), _LONGEST_WAIT_NS)
        robot, instance = message.robot_id, message.instance_id
        cameras = [camera.camera_id for camera in message.cameras]
        state = (robot, instance, message.model_id, message.leaving)
        with self._lock:
            refused = self._roster.malformed
            taken = self._roster.on_heartbeat(*state, arrived_ns, cameras)
        if taken:
            for listener in self.listeners:
                listener(message)
        elif self._roster.malformed > refused:
            self._inbox.refuse(_WHAT, robot, "a name or id in it is not possible", "id")
        else:
            self._inbox.refuse(_WHAT, robot, "too many processes have that name", "full")
