"""Timers and clocks of a node.

Timeouts, heartbeats and liveness use steady time, which continues while a simulation is paused. How long a track is out
of view is measured in the time of the frames.
"""

import time
from collections.abc import Callable, Iterable
from contextlib import suppress

from rclpy.clock import Clock, ClockType, ROSClock
from rclpy.exceptions import InvalidHandle
from rclpy.node import Node
from rclpy.timer import Timer


def steady_timer(node: Node, period_s: float, callback: Callable[[], None], **options) -> Timer:
    """Create a timer in steady time, whatever ``use_sim_time`` says."""
    return node.create_timer(period_s, callback, clock=Clock(clock_type=ClockType.STEADY_TIME), **options)


def align_timers(nodes: Iterable[Node]) -> None:
    """Restart the running timers of one executor's nodes, so that those of equal period fire together.

    At each wake-up rclpy checks everything its nodes have: 2 ms for a robot of eight cameras, for one timer or for all.
    """
    for node in nodes:
        for timer in list(node.timers):
            with suppress(InvalidHandle):  # a search that ends meanwhile destroys its timers
                if not timer.is_canceled():
                    timer.reset()


def has_simulated_time(node: Node) -> bool:
    """Whether the node's clock follows ``/clock``."""
    clock = node.get_clock()
    return isinstance(clock, ROSClock) and clock.ros_time_is_active


def passing_ns(node: Node) -> int:
    """A clock that runs with the frames: simulated time if there is one, else steady time. Only differences count."""
    return node.get_clock().now().nanoseconds if has_simulated_time(node) else time.monotonic_ns()


def now_ns(node: Node) -> int | None:
    """Now in nanoseconds since the epoch, comparable with stamps; None before the first message on ``/clock``."""
    return node.get_clock().now().nanoseconds or None
