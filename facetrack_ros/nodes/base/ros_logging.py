"""Python logging in a process of nodes: records of ``facetrack_ros`` go to the ROS log."""

import logging

from rclpy.logging import LoggingSeverity, get_logger
from rclpy.node import Node

from facetrack_ros.core.masking import mask_passwords
from facetrack_ros.core.printable import escaped


class RosLogHandler(logging.Handler):
    """Writes each record to the log of a node of this process, at the same severity (ROS uses Python's numbers).

    A worker thread is named after its node (``"history frame services"``). Records of other threads go to the node
    created first.

    :ivar nodes: names of the ROS loggers, by node name, in the order of creation.
    """

    def __init__(self):
        super().__init__()
        self.nodes: dict[str, str] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record, printable, with its traceback if it has one."""
        first = next(iter(self.nodes.values()), "facetrack_ros")
        name = self.nodes.get((record.threadName or "").partition(" ")[0], first)
        severity = LoggingSeverity(min(max(record.levelno // 10 * 10, logging.DEBUG), logging.CRITICAL))
        # A new logger each time: rclpy refuses a second severity from one source line of the same logger.
        get_logger(name).log(escaped(mask_passwords(self.format(record))), severity)


def attach(node: Node) -> None:
    """Route the records of ``facetrack_ros`` to the log of this node, in place of any other handler."""
    logger = logging.getLogger("facetrack_ros")
    handler = next((handler for handler in logger.handlers if isinstance(handler, RosLogHandler)), RosLogHandler())
    handler.nodes[node.get_name()] = node.get_logger().name
    logger.handlers = [handler]
    logger.setLevel(logging.DEBUG)  # the level of the ROS logger decides


def detach(node: Node) -> None:
    """Route nothing to this node any more; the handler goes with the last node."""
    logger = logging.getLogger("facetrack_ros")
    for handler in logger.handlers[:]:
        if isinstance(handler, RosLogHandler):
            handler.nodes.pop(node.get_name(), None)
            if not handler.nodes:
                logger.removeHandler(handler)
