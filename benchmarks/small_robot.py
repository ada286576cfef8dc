"""How little a robot takes: memory of one robot with one camera, how soon its nodes are ready, how quick ``--help`` is.

    python benchmarks/small_robot.py DATA_DIR [--rounds 5] [--json FILE]

Limits set beforehand: 400 MB, 3 s, 0.3 s; and torch must not be imported unless a model asks for it. A node is ready when it
stands in the ROS graph and serves, a robot when it says that it is up. Each start is one process, medians over rounds.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from pipeline import NODES, part, rss_mb

FACETRACK = Path(sys.executable).parent / "facetrack"
CLIP = "head-pose-face-detection-female-and-male.gif"


def help_s() -> float:
    """Seconds of ``facetrack --help``."""
    began = time.perf_counter()
    subprocess.run([FACETRACK, "--help"], check=True, capture_output=True)
    return time.perf_counter() - began


def robot(data: Path, seconds: float) -> tuple[float, float, bool]:
    """Seconds until a robot of one camera is up, its memory later, and whether it has torch loaded."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Path(folder) / "loop.yaml"
        settings.write_text("camera: {loop: true}")
        log = Path(folder) / "said.txt"
        began = time.perf_counter()
        with log.open("w") as said:
            process = subprocess.Popen(
                [
                    FACETRACK,
                    "run",
                    "--robot",
                    "small",
                    "--data",
                    folder,
                    "--config",
                    settings,
                    "--camera",
                    f"front={data / 'clips' / CLIP}",
                ],
                stdout=said,
                stderr=said,
            )
        try:
            while "is up with" not in log.read_text():
                if process.poll() is not None:
                    sys.exit(log.read_text())
                time.sleep(0.01)
            ready_s = time.perf_counter() - began
            time.sleep(seconds)
            torch = "libtorch" in Path(f"/proc/{process.pid}/maps").read_text()
            return ready_s, rss_mb(process.pid), torch
        finally:
            process.terminate()
            process.wait(20)


def node_s(name: str) -> float:
    """Seconds from a node's start until the graph knows it: it is made by then, its models are open."""
    import rclpy

    context = rclpy.Context()
    rclpy.init(context=context)
    watcher = rclpy.create_node("watcher", context=context)
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        process = subprocess.Popen(
            [
                sys.executable,
                "-c",
                f"from facetrack_ros.nodes.{name}_node import main; main()",
                "--ros-args",
                "-r",
                "__ns:=/small",
                "-p",
                f"data_dir:={folder}",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            while (name, "/small") not in watcher.get_node_names_and_namespaces():
                if process.poll() is not None:
                    sys.exit(f"the node {name} ended with {process.returncode}")
                time.sleep(0.01)
            while not any(
                topic.startswith(f"/small/{name}/get_parameters") for topic, _ in watcher.get_service_names_and_types()
            ):
                time.sleep(0.01)
            return time.perf_counter() - began
        finally:
            process.terminate()
            process.wait(20)
            watcher.destroy_node()
            rclpy.shutdown(context=context)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--seconds", type=float, default=10.0, help="how long the robot runs before its memory is looked at"
    )
    parser.add_argument("--small", action="store_true", help="one round, one node: does it run at all")
    parser.add_argument("--json", type=Path, metavar="FILE")
    arguments = parser.parse_args()
    if arguments.small:
        arguments.rounds, arguments.seconds = 1, 1.0
    os.environ.setdefault("FACETRACK_MODELS", str((arguments.data / "models").resolve()))
    robots = [robot(arguments.data.resolve(), arguments.seconds) for _ in range(max(1, arguments.rounds // 2))]
    result = {
        "help_s": float(np.median([help_s() for _ in range(arguments.rounds)])),
        "robot_ready_s": float(np.median([ready for ready, _, _ in robots])),
        "robot_mb": max(size for _, size, _ in robots),
        "torch": any(torch for _, _, torch in robots),
        "node_ready_s": {
            name: float(np.median([node_s(name) for _ in range(arguments.rounds)]))
            for name in (("detector",) if arguments.small else NODES)
        },
    }
    if not arguments.small:
        full = part("composed", data=str(arguments.data.resolve()), size=(1280, 720), cameras=1, fps=10, seconds=40.0)
        result["robot_720p_full_memory_mb"] = full["rss_mb"]
    print(f"{'':<44}{'here':>8}{'limit':>8}")
    print(f"{'facetrack --help, s':<44}{result['help_s']:>8.2f}{0.3:>8}")
    print(f"{'one robot, one camera, up after, s':<44}{result['robot_ready_s']:>8.2f}{3:>8}")
    for name, seconds in result["node_ready_s"].items():
        print(f"{f'node {name} ready after, s':<44}{seconds:>8.2f}{3:>8}")
    print(f"{'one robot, one camera, memory, MB':<44}{result['robot_mb']:>8.0f}{400:>8}")
    if "robot_720p_full_memory_mb" in result:
        print(f"{'  at 1280x720, 300 frames in its memory, MB':<44}{result['robot_720p_full_memory_mb']:>8.0f}{400:>8}")
    print(f"torch {'is' if result['torch'] else 'is not'} loaded")
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
