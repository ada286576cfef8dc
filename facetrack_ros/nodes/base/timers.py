"""Which clock a node counts by.

Who is there, who is silent, how long somebody waits: that passes in real time, also while a simulation stands still.
How long somebody has been out of sight passes in the time of the frames.
"""

import time
from collections.abc import Callable, Iterable
from contextlib import suppress

from rclpy.clock import Clock, ClockType
from rclpy.exceptions import InvalidHandle
from rclpy.node import Node
from rclpy.timer import Timer


def steady_timer(node: Node, period_s: float, callback: Callable[[], None], **options) -> Timer:
    """A timer that ticks in real time, whatever ``use_sim_time`` says."""
    return node.create_timer(period_s, callback, clock=Clock(clock_type=ClockType.STEADY_TIME), **options)


def align_timers(nodes: Iterable[Node]) -> None:
    """Let the timers of one executor's nodes count anew from now on, so that those of one period are due together.

    For each time an executor wakes rclpy looks at everything its nodes have, 2 ms for a robot of eight cameras, be it for one
    timer or for all of them. A cancelled timer stays so.
    """
    for node in nodes:
        for timer in list(node.timers):
            with suppress(InvalidHandle):  # a search that ends at this moment takes its timer away
                if not timer.is_canceled():
                    timer.reset()


def passing_ns(node: Node) -> int:
    """Nanoseconds that pass as frames do: in simulated time where there is one, else steadily. Only differences count."""
    clock = node.get_clock()
    return clock.now().nanoseconds if clock.ros_time_is_active else time.monotonic_ns()


def now_ns(node: Node) -> int | None:
    """Now, nanoseconds since the epoch, to compare with stamps; None while ``/clock`` has not said it yet."""
    return node.get_clock().now().nanoseconds or None
