"""What a message costs the thread that spins: rclpy's executor against this package's, the same node and messages.

    python benchmarks/executor.py [--subscriptions 4 16 64] [--messages 400] [--json FILE]

A node with so many subscriptions and half as many publishers, as a node of a robot has with its cameras; messages come one at a
time. Processor time of the spinning thread over the number of messages. Needs ROS 2.
"""

import argparse
import json
import threading
import time
from pathlib import Path

import rclpy
from rclpy.executors import SingleThreadedExecutor
from std_msgs.msg import String

from facetrack_ros.nodes.lean_executor import LeanExecutor
from facetrack_ros.nodes.process import ros

# Between two messages, so that each wakes the executor.
PAUSE_S = 0.005


def measure(kind: type, subscriptions: int, messages: int) -> float:
    """Milliseconds a message."""
    with ros([]):
        node, other = rclpy.create_node("heard"), rclpy.create_node("speaking")
        arrived = threading.Semaphore(0)
        for number in range(subscriptions):
            node.create_subscription(String, f"topic_{number}", lambda message: arrived.release(), 10)
        for number in range(subscriptions // 2):
            node.create_publisher(String, f"out_{number}", 10)
        publishers = [other.create_publisher(String, f"topic_{number}", 10) for number in range(subscriptions)]
        while not all(publisher.get_subscription_count() for publisher in publishers):
            time.sleep(0.01)
        executor, spent = kind(), []
        executor.add_node(node)

        def spin():
            executor.spin()
            spent.append(time.thread_time())

        thread = threading.Thread(target=spin, daemon=True)
        thread.start()
        for number in range(messages):
            publishers[number % subscriptions].publish(String(data="a word"))
            if not arrived.acquire(timeout=10.0):
                raise SystemExit("a message did not arrive")
            time.sleep(PAUSE_S)
        executor.shutdown()
        thread.join(5.0)
        node.destroy_node()
        other.destroy_node()
    return spent[0] / messages * 1e3


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--subscriptions", nargs="+", type=int, default=[4, 16, 64])
    parser.add_argument("--messages", type=int, default=400)
    parser.add_argument("--json", type=Path, metavar="FILE")
    arguments = parser.parse_args()
    rows = []
    print(f"{'subscriptions':>13}{'rclpy, ms':>12}{'here, ms':>12}{'ratio':>8}")
    for count in arguments.subscriptions:
        theirs, ours = (measure(kind, count, arguments.messages) for kind in (SingleThreadedExecutor, LeanExecutor))
        rows.append({"subscriptions": count, "rclpy_ms": theirs, "ours_ms": ours})
        print(f"{count:>13}{theirs:>12.2f}{ours:>12.2f}{theirs / ours:>8.1f}")
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
