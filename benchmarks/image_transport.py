"""How many images of a driver reach a robot's process, and how late, by transport of Fast DDS and reliability.

    python benchmarks/image_transport.py [--seconds 4] [--json FILE]

Driver and robot are two processes. The robot's process has a queue of 10, as ``camera.qos: auto``; DEFAULT is UDP and
shared memory, UDPv4 is UDP alone. Best in a network namespace (``unshare -n`` with lo up and a route for 224.0.0.0/4).
"""

import argparse
import array
import json
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from itertools import product

import numpy as np
from common import argument_parser, markdown_table, parse, write_json

DOMAIN = "170"
#: Name, pixels (None: JPEG) or bytes, images a second.
IMAGES = (
    ("raw 320x240", (320, 240), 30),
    ("raw 640x480", (640, 480), 30),
    ("raw 1280x720", (1280, 720), 10),
    ("JPEG of 120 kB", 120_000, 30),
    ("JPEG of 400 kB", 400_000, 30),
)
#: Of the driver and of the robot.
TRANSPORTS = (("DEFAULT", "DEFAULT"), ("DEFAULT", "UDPv4"), ("LARGE_DATA", "LARGE_DATA"))


@contextmanager
def _node(name: str):
    import rclpy

    rclpy.init(args=[])
    try:
        yield rclpy.create_node(name)
    finally:
        rclpy.try_shutdown()


def _endpoint(case: dict) -> tuple:
    from rclpy.qos import QoSProfile, QoSReliabilityPolicy
    from sensor_msgs.msg import CompressedImage, Image

    policy = QoSReliabilityPolicy.RELIABLE if case["reliable"] else QoSReliabilityPolicy.BEST_EFFORT
    return (Image if isinstance(case["size"], list) else CompressedImage), QoSProfile(depth=10, reliability=policy)


def drive(case: dict) -> None:
    """Publish the images of a case, as a driver."""
    with _node("driver") as node:
        kind, qos = _endpoint(case)
        publisher = node.create_publisher(kind, "image", qos)
        while not publisher.get_subscription_count():
            time.sleep(0.02)
        time.sleep(0.5)
        message = kind()
        if isinstance(case["size"], list):
            message.width, message.height = case["size"]
            message.encoding, message.step = "bgr8", 3 * message.width
            message.data = array.array("B", bytes(message.step * message.height))
        else:
            message.format, message.data = "jpeg", array.array("B", bytes(case["size"]))
        start = time.monotonic()
        for number in range(case["number"]):
            message.header.stamp = node.get_clock().now().to_msg()
            publisher.publish(message)
            time.sleep(max(0.0, start + (number + 1) / case["rate"] - time.monotonic()))
        time.sleep(1.0)


def receive(case: dict) -> None:
    """Count the images that arrive from a driver in another process; print their delays, ns."""
    import rclpy

    delays = []
    with _node("robot") as node:
        kind, qos = _endpoint(case)

        def take(message) -> None:
            sent = message.header.stamp
            delays.append(time.time_ns() - sent.sec * 10**9 - sent.nanosec)

        node.create_subscription(kind, "image", take, qos)
        driver = subprocess.Popen(
            [sys.executable, __file__, "--drive", json.dumps(case)],
            env={**os.environ, "FASTDDS_BUILTIN_TRANSPORTS": case["driver"]},
        )
        while driver.poll() is None:
            rclpy.spin_once(node, timeout_sec=0.05)
    print(json.dumps(delays))


def main() -> None:
    parser = argument_parser(__doc__, data=False)
    parser.add_argument("--seconds", type=float, default=4.0, help="of each case")
    parser.add_argument("--drive", metavar="CASE", help=argparse.SUPPRESS)
    parser.add_argument("--receive", metavar="CASE", help=argparse.SUPPRESS)
    arguments = parse(parser)
    if arguments.drive:
        return drive(json.loads(arguments.drive))
    if arguments.receive:
        return receive(json.loads(arguments.receive))
    rows = []
    for (name, size, rate), reliable, (driver, robot) in product(IMAGES, (False, True), TRANSPORTS):
        number = max(1, round(rate * arguments.seconds))
        case = {"size": size, "rate": rate, "reliable": reliable, "driver": driver, "number": number}
        environment = {
            "ROS_DOMAIN_ID": DOMAIN,
            "ROS_AUTOMATIC_DISCOVERY_RANGE": "SUBNET",
            "FASTDDS_BUILTIN_TRANSPORTS": robot,
        }
        done = subprocess.run(
            [sys.executable, __file__, "--receive", json.dumps(case)],
            env=os.environ | environment,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        delays = np.array(json.loads(done.stdout)) / 1e6
        rows.append(
            {
                "images": f"{name}, {rate} Hz",
                "driver": f"{driver}, {'reliable' if reliable else 'best effort'}",
                "robot": robot,
                "lost": f"{number - len(delays)} of {number}",
                "median, ms": round(float(np.median(delays)), 1) if len(delays) else None,
            }
        )
        print(rows[-1], flush=True)
    print(markdown_table(list(rows[0]), [list(row.values()) for row in rows]))
    write_json(arguments.json, rows)


if __name__ == "__main__":
    main()
