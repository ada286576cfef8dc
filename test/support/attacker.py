"""A stranger on the mesh: a node without credentials that finds every topic and service, and sends what it likes."""

import contextlib
import importlib
import os
import threading
import time
import traceback
from collections.abc import Iterator
from typing import Any

import rclpy
from rclpy.context import Context
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import QoSDurabilityPolicy, QoSProfile, QoSReliabilityPolicy
from robot_processes import DEADLINE_S, wait_until

from facetrack_ros.nodes.base.transports import RANGE, choose_transports

#: Topics of ROS itself.
OF_ROS = ("/rosout", "/parameter_events", "/clock")


class Attacker:
    """Publishes on any topic and calls any service, under any name. Made by :func:`attacker_on`."""

    def __init__(self, node: Node):
        self.node = node
        self._publishers: dict[str, Any] = {}
        self._clients: dict[str, Any] = {}

    def topics(self) -> dict[str, type]:
        """Every topic to which another process subscribes, with its type."""
        return {
            name: _interface(kinds[0])
            for name, kinds in self.node.get_topic_names_and_types()
            if name not in OF_ROS and self._heard(name)
        }

    def services(self) -> dict[str, type]:
        """Every service of the other nodes, with its type."""
        own = self.node.get_fully_qualified_name()
        found = dict(self.node.get_service_names_and_types())
        return {name: _interface(kinds[0]) for name, kinds in found.items() if not name.startswith(own)}

    def send(self, topic: str, *messages: Any, rate_hz: float = 0.0) -> None:
        """Publish messages, or bytes as they are, once the topic's subscribers are matched."""
        for message in messages:
            self.publisher(topic, type(message)).publish(message)
            if rate_hz:
                time.sleep(1.0 / rate_hz)

    def publisher(self, topic: str, kind: type) -> Any:
        """A publisher with a subscription matched."""
        if topic not in self._publishers:
            quality = QoSProfile(
                depth=1000, reliability=QoSReliabilityPolicy.RELIABLE, durability=QoSDurabilityPolicy.TRANSIENT_LOCAL
            )
            made = self._publishers[topic] = self.node.create_publisher(kind, topic, quality)
            wait_until(made.get_subscription_count, f"a subscription to {topic}")
        return self._publishers[topic]

    def start_call(self, kind: type, name: str, request: Any) -> Any:
        """Call a service; the future of its response."""
        if name not in self._clients:
            # Of ROS's ten, further requests and responses would be lost on this side.
            self._clients[name] = self.node.create_client(kind, name, qos_profile=QoSProfile(depth=1000))
            assert self._clients[name].wait_for_service(DEADLINE_S), f"no service {name}"
        return self._clients[name].call_async(request)

    def call(self, kind: type, name: str, request: Any, deadline_s: float = DEADLINE_S) -> Any:
        """Call a service; its response."""
        future = self.start_call(kind, name, request)
        wait_until(future.done, f"an answer of {name}", deadline_s)
        return future.result()

    def abandon(self) -> None:
        """Forget all calls without an answer, and all publishers with what they repeat to those that come later."""
        for client in self._clients.values():
            self.node.destroy_client(client)
        for publisher in self._publishers.values():
            self.node.destroy_publisher(publisher)
        self._clients.clear()
        self._publishers.clear()

    def listen(self, kind: type, topic: str, callback: Any, depth: int = 1000) -> Any:
        """Subscribe to a topic, reliably."""
        return self.node.create_subscription(kind, topic, callback, QoSProfile(depth=depth))

    def _heard(self, topic: str) -> bool:
        return any(
            (each.node_name, each.node_namespace) != (self.node.get_name(), self.node.get_namespace())
            for each in self.node.get_subscriptions_info_by_topic(topic)
        )


@contextlib.contextmanager
def attacker_on(environment: dict[str, str]) -> Iterator[Attacker]:
    """An attacker on the ROS domain of other processes.

    :param environment: of these processes.
    """
    wanted = {name: environment[name] for name in ("ROS_DOMAIN_ID", RANGE)}
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    choose_transports(os.environ, rclpy.get_rmw_implementation_identifier(), images=False)
    context = Context()
    try:
        rclpy.init(args=[], context=context, domain_id=int(wanted["ROS_DOMAIN_ID"]))
        node = Node("stranger", context=context)
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name)
            else:
                os.environ[name] = value
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(node)

    def spin() -> None:
        while context.ok():
            try:
                executor.spin()
                return
            except ExternalShutdownException:
                return
            except Exception:  # of one response or message; the others count
                traceback.print_exc()

    thread = threading.Thread(target=spin, daemon=True)
    thread.start()
    try:
        yield Attacker(node)
    finally:
        executor.shutdown(timeout_sec=2.0)
        thread.join(2.0)
        node.destroy_node()
        rclpy.shutdown(context=context)


def _interface(name: str) -> type:
    """The class of an interface named ``package/msg/Name`` or ``package/srv/Name``."""
    package, group, kind = name.split("/")
    return getattr(importlib.import_module(f"{package}.{group}"), kind)
