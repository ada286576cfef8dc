"""Which clock a node counts by.

Who is there, who is silent, how long somebody waits: that passes in real time, also while a simulation stands still.
How long somebody has been out of sight passes in the time of the frames.
"""

import time
from typing import Callable

from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rclpy.timer import Timer


def steady_timer(node: Node, period_s: float, callback: "Callable[[], None]", **options) -> Timer:
    """A timer that ticks in real time, whatever ``use_sim_time`` says."""
    return node.create_timer(period_s, callback, clock=Clock(clock_type=ClockType.STEADY_TIME), **options)


def passing_ns(node: Node) -> int:
    """Nanoseconds that pass as frames do: in simulated time where there is one, else steadily. Only differences count."""
    clock = node.get_clock()
    return clock.now().nanoseconds if clock.ros_time_is_active else time.monotonic_ns()


def now_ns(node: Node) -> "int | None":
    """Now, nanoseconds since the epoch, to compare with stamps; None while ``/clock`` has not said it yet."""
    return node.get_clock().now().nanoseconds or None
