"""Start, spin and orderly end of a process of nodes."""

import contextlib
import os
import select
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from types import FrameType
from typing import TYPE_CHECKING

import rclpy
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions

from facetrack_ros.concurrency.error_log import ErrorLog
from facetrack_ros.core.masking import mask_command_line
from facetrack_ros.core.private_files import create_private_files
from facetrack_ros.errors import ConfigError, FacetrackError
from facetrack_ros.nodes.base.transports import choose_transports

if TYPE_CHECKING:
    from facetrack_ros.nodes.base.robot_member_node import RobotMemberNode

# Log lines with dates and times, in place of seconds since 1970; a format of the user's own has precedence.
LOG_FORMAT = "{date_time_with_ms} {severity} {name}: {message}"
# DDS derives UDP ports from the domain id; above this one they exceed 65535.
HIGHEST_DOMAIN = 232
# Signals closer together count as one: a terminal and a launcher both pass a Ctrl-C on. Chosen by hand.
SAME_SIGNAL_S = 1.0


@contextlib.contextmanager
def ros(arguments: list[str] | None = None, images: bool = True) -> Iterator[None]:
    """Initialise rclpy for the block, without its signal handlers, which would shut it down before the nodes close.

    :param images: whether nodes may receive images of other processes, see :func:`.choose_transports`.
    :raises ConfigError: a ROS domain that does not exist, or arguments that ROS cannot read.
    """
    domain = os.environ.get("ROS_DOMAIN_ID") or "0"
    if not domain.isdigit() or int(domain) > HIGHEST_DOMAIN:
        # The middleware would end the process without a message.
        raise ConfigError(f"ROS_DOMAIN_ID is {domain}: give a whole number from 0 to {HIGHEST_DOMAIN}")
    mask_command_line()
    os.environ.setdefault("RCUTILS_CONSOLE_OUTPUT_FORMAT", LOG_FORMAT)
    choose_transports(os.environ, rclpy.get_rmw_implementation_identifier(), images)
    try:
        rclpy.init(args=arguments, signal_handler_options=SignalHandlerOptions.NO)
    except Exception as error:  # an unreadable parameter file or a wrong option: classes without a public base
        raise ConfigError(f"ROS cannot read what it is given: {str(error).split(', at ')[0]}") from error
    try:
        yield
    finally:
        rclpy.try_shutdown()


@contextlib.contextmanager
def spinning(nodes: Iterable[Node]) -> Iterator[SingleThreadedExecutor]:
    """Spin nodes on a thread of their own for the block.

    An error in a callback, or of a message that cannot be read, is logged with its traceback, once a minute for each
    place, and spinning continues, so that one malformed message of a peer does not stop a robot.
    """
    nodes = list(nodes)
    executor = SingleThreadedExecutor()
    for node in nodes:
        executor.add_node(node)
    over, errors = threading.Event(), ErrorLog()

    def spin() -> None:
        while not over.is_set():
            try:
                executor.spin()
                return
            except ExternalShutdownException:
                return
            except Exception:
                if not over.is_set():
                    with errors:
                        raise

    thread = threading.Thread(target=spin, name="executor", daemon=True)
    thread.start()
    try:
        yield executor
    finally:
        over.set()
        executor.shutdown(timeout_sec=2.0)
        thread.join(2.0)


class StopSignal:
    """Waits for SIGINT or SIGTERM; a second one, :data:`SAME_SIGNAL_S` later or more, ends the process at once."""

    def __init__(self):
        self._came_s: float | None = None
        # The kernel may deliver a signal to any thread while the main thread sleeps; the byte written here wakes it.
        # No lock is taken in the handler, which may have interrupted its holder.
        self._reader, self._writer = socket.socketpair()
        self._writer.setblocking(False)
        signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._on_signal)

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        if self._came_s is not None and time.monotonic() - self._came_s > SAME_SIGNAL_S:
            os._exit(128 + number)
        if self._came_s is None:
            self._came_s = time.monotonic()

    def wait(self) -> None:
        """Block until the signal; call it on the main thread."""
        while self._came_s is None:
            select.select([self._reader], [], [], 1.0)


def ignore_signals() -> None:
    """Ignore SIGINT and SIGTERM from now on: after everything is closed they must not change the exit code."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)


def run_node(make: "Callable[[], RobotMemberNode]") -> None:
    """Run one node until a stop signal; on a :class:`FacetrackError` print it and exit with code 2."""
    create_private_files()
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
