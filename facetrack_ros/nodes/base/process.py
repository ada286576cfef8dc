"""A process of nodes: started, spun, and ended whole on Ctrl-C or SIGTERM."""

import contextlib
import os
import select
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import rclpy
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions

from facetrack_ros.errors import ConfigError, FacetrackError

if TYPE_CHECKING:
    from facetrack_ros.nodes.base.robot_member_node import RobotMemberNode

# DDS computes UDP ports from the domain; beyond this they pass 65535.
HIGHEST_DOMAIN = 232
SAME_SIGNAL_S = 1.0


@contextlib.contextmanager
def ros(arguments: list[str] | None = None):
    """ROS, up for the block. Signals are ours: rclpy's own handlers would pull the rug from under a clean end.

    :raises ConfigError: a ROS domain that does not exist, or arguments that ROS cannot read.
    """
    domain = os.environ.get("ROS_DOMAIN_ID") or "0"
    if not domain.isdigit() or int(domain) > HIGHEST_DOMAIN:
        # The middleware would end the process without a word of ours.
        raise ConfigError(f"ROS_DOMAIN_ID is {domain}: give a whole number from 0 to {HIGHEST_DOMAIN}")
    try:
        rclpy.init(args=arguments, signal_handler_options=SignalHandlerOptions.NO)
    except (
        Exception
    ) as error:  # of several classes that share no public base: a parameter file that is none, a wrong option
        raise ConfigError(f"ROS cannot read what it is given: {str(error).split(', at ')[0]}") from error
    try:
        yield
    finally:
        rclpy.try_shutdown()


@contextlib.contextmanager
def spinning(nodes: Iterable[Node]):
    """Spin these nodes in a thread of their own for the block.

    An error in a callback is logged with its traceback and the spinning goes on: one odd message from a peer must not
    make a robot deaf.
    """
    nodes = list(nodes)
    executor = SingleThreadedExecutor()
    for node in nodes:
        executor.add_node(node)
    over = threading.Event()

    def spin():
        while not over.is_set():
            try:
                executor.spin()
                return
            except ExternalShutdownException:
                return
            except Exception as error:
                if not over.is_set():
                    nodes[0].get_logger().error(f"unexpected {type(error).__name__}: {error}\n{traceback.format_exc()}")

    thread = threading.Thread(target=spin, name="executor", daemon=True)
    thread.start()
    try:
        yield executor
    finally:
        over.set()
        executor.shutdown(timeout_sec=2.0)
        thread.join(2.0)


class StopSignal:
    """Ctrl-C or SIGTERM, from its making on. Another one, a second later or more, ends the process at once.

    Sooner it is the same Ctrl-C: a terminal and a launcher both pass it on.
    """

    def __init__(self):
        self._came: float | None = None
        # The kernel may give a signal to any thread, and the main thread then sleeps on. The byte written here wakes
        # it; and no lock is taken in a handler, which may have interrupted its holder.
        self._reader, self._writer = socket.socketpair()
        self._writer.setblocking(False)
        signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._on_signal)

    def _on_signal(self, number: int, _frame) -> None:
        if self._came is not None and time.monotonic() - self._came > SAME_SIGNAL_S:
            os._exit(128 + number)
        if self._came is None:
            self._came = time.monotonic()

    def wait(self) -> None:
        """Sleep until it comes; for the main thread."""
        while self._came is None:
            select.select([self._reader], [], [], 1.0)


def ignore_signals() -> None:
    """All is closed: a late signal must not make the end look like an accident."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)


def run_node(make: "Callable[[], RobotMemberNode]") -> None:
    """Run one node, which starts itself up, until the process is told to stop; an error of ours ends it with its sentence and exit code 2."""
    stop = StopSignal()
    try:
        with ros(sys.argv):
            node = make()
            try:
                node.start_up()
                with spinning([node]):
                    stop.wait()
                    node.end()
            finally:
                node.destroy_node()
    except FacetrackError as error:
        print(f"facetrack: {error}", file=sys.stderr)
        sys.exit(2)
    ignore_signals()
