"""A robot's process while active and while inactive: resident memory over some rounds, and how long each step takes.

    python benchmarks/lifecycle_memory.py [--rounds 3] [--json FILE]

All nodes in one process, the models that `facetrack models list` names, no camera. Needs ROS 2.
"""

import os
import tempfile
import time

import numpy as np
from common import argument_parser, parse, rss_bytes, write_json

from facetrack_ros.config import Config
from facetrack_ros.core.frame import Frame, encode_jpeg
from facetrack_ros.nodes.base.process import ros, spinning
from facetrack_ros.nodes.robot_node import RobotComposition, RobotNode


def main() -> None:
    parser = argument_parser(__doc__, data=False)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parse(parser)
    rows = []

    def note(what: str, took_s: float) -> None:
        rows.append({"state": what, "resident_mb": round(rss_bytes() / 1e6, 1), "took_s": round(took_s, 3)})
        print(f"| {what} | {rows[-1]['resident_mb']:.1f} | {took_s:.3f} |", flush=True)

    picture = encode_jpeg(np.random.default_rng(0).integers(0, 255, (720, 1280, 3), np.uint8), 90)
    print(f"load {os.getloadavg()[0]:.1f}\n\n| | resident, MB | took, s |\n|---|---:|---:|")
    with tempfile.TemporaryDirectory() as folder, ros([]):
        began = time.perf_counter()
        config = Config({"data_dir": folder, "autostart": False})
        robot = RobotComposition(RobotNode(robot_id="robot1", config=config), config)
        with spinning(robot.nodes):
            note("unconfigured", time.perf_counter() - began)
            robot.head.transition("configure", quiet=True)
            number = 0
            for each in range(1, arguments.rounds + 1):
                began = time.perf_counter()
                robot.head.transition("activate", quiet=True)
                took_s = time.perf_counter() - began
                for _ in range(20):
                    number += 1
                    robot.pipeline.add_frame(Frame("front", number * 100_000_000, number, picture))
                    robot.detector.stage.drain()
                note(f"active {each}, after 20 frames", took_s)
                began = time.perf_counter()
                robot.head.transition("deactivate", quiet=True)
                note(f"inactive {each}", time.perf_counter() - began)
            robot.close()
    write_json(arguments.json, rows)


if __name__ == "__main__":
    main()
