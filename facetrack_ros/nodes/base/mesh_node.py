"""Node on the mesh: what a robot's nodes and the command line's node have in common."""

from collections.abc import Callable
from typing import Any, cast

from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.qos import QoSProfile
from rclpy.service import Service
from rclpy.subscription import Subscription

from facetrack_ros.config import Config, mesh_name
from facetrack_ros.msg import FleetEnvelope
from facetrack_ros.nodes.base.fleet_channel import (
    AnswerPublisher,
    SignedPublisher,
    counted_only,
    opened,
    signed_service,
)
from facetrack_ros.nodes.base.fleet_rules import SERVICES, TopicRule, signed_topic, topic_rule
from facetrack_ros.nodes.base.inbox import Inbox
from facetrack_ros.nodes.base.qos import SENSOR_DATA
from facetrack_ros.nodes.base.serialized_size import needs_check, size_checked
from facetrack_ros.security.membership import Membership


class MeshNode(Node):
    """Node with settings and an inbox that reads and writes the topics that all robots share.

    In a fleet with a fleet file, what it publishes there is signed and sealed, what it receives is checked and opened,
    and its services answer signed calls only; see :mod:`.fleet_rules`.

    :ivar inbox: gate of its subscriptions and services.
    :ivar settings: of the robot, or of the command line.
    :ivar robot_id: the robot's name, or the name under which the command line asks.
    :ivar fleet: its membership of a fleet; None: the mesh is open.
    """

    inbox: Inbox
    settings: Config
    robot_id: str
    fleet: Membership | None = None

    def create_subscription(
        self, msg_type: Any, topic: str, callback: Callable[..., None], *args, raw: bool = False, **options
    ) -> Subscription:
        """Create a subscription; a message whose lists claim more than it holds is refused before it is read, see
        :mod:`.serialized_size`. In a fleet it is one of envelopes."""
        rule = self._rule(topic) if msg_type is not FleetEnvelope else None
        if rule is not None and rule.counted:
            group = {name: value for name, value in options.items() if name != "qos_overriding_options"}
            super().create_subscription(msg_type, topic, counted_only(self, msg_type), SENSOR_DATA, raw=True, **group)
        kind, topic, callback, raw = self.received(msg_type, topic, callback, raw)
        return super().create_subscription(kind, topic, callback, *args, raw=raw, **options)

    def received(
        self, kind: Any, topic: str, callback: Callable[..., None], raw: bool
    ) -> tuple[Any, str, Callable[..., None], bool]:
        """Type, topic, callback and ``raw`` of the subscription that receives a topic."""
        rule = self._rule(topic) if kind is not FleetEnvelope else None
        if rule is not None and self.fleet is not None:
            receive = opened(self, self.fleet, kind, topic, rule, callback, raw)
            return FleetEnvelope, self.wire_topic(topic), receive, True
        if not raw and needs_check(kind):
            return kind, topic, size_checked(self, kind, callback), True
        return kind, topic, callback, raw

    def create_publisher(self, msg_type: Any, topic: str, *args, **options) -> Publisher:
        """Create a publisher; in a fleet, one that signs and seals."""
        rule = self._rule(topic)
        if rule is None or self.fleet is None:
            return super().create_publisher(msg_type, topic, *args, **options)
        publisher = super().create_publisher(FleetEnvelope, self.wire_topic(topic), *args, **options)
        return cast(Publisher, SignedPublisher(self, publisher, self.fleet, topic, rule))

    def create_answer_publisher(self, msg_type: Any, topic: str, qos: QoSProfile) -> AnswerPublisher:
        """Create a publisher of answers, each for the member that asked."""
        return AnswerPublisher(self.create_publisher(msg_type, topic, qos))

    def create_service(self, srv_type: Any, name: str, callback: Callable[..., Any], **options) -> Service:
        """Create a service; in a fleet, one of this package answers signed calls only."""
        if self.fleet is not None and srv_type.__module__.startswith("facetrack_ros."):
            permission = SERVICES.get(name.rpartition("/")[2]) if hasattr(srv_type.Request, "envelope") else None
            callback = signed_service(self, self.fleet, srv_type, name, permission, callback)
        return super().create_service(srv_type, name, callback, **options)

    def mesh_topic(self, name: str) -> str:
        """Absolute name of a topic that all robots share."""
        return f"{mesh_name(self.settings.mesh)}/{name}"

    def wire_topic(self, topic: str) -> str:
        """The topic that a topic of the mesh is sent on: in a fleet, another one."""
        return topic if self._rule(topic) is None else signed_topic(topic, mesh_name(self.settings.mesh))

    def _rule(self, topic: str) -> TopicRule | None:
        """The rule of a topic in a fleet; None: the mesh is open, or the topic is none of the fleet."""
        return None if self.fleet is None else topic_rule(topic, mesh_name(self.settings.mesh))
