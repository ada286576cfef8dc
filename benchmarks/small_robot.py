"""Footprint of one robot with one camera: memory, time until its nodes are ready, time of ``facetrack --help``.

    python benchmarks/small_robot.py DATA_DIR [--rounds 5] [--small] [--json FILE]

Targets: 400 MB, 3 s, 0.3 s; and torch must not be imported unless a model needs it. A node is ready when it is in the
ROS graph and serves, a robot when it logs that it is up. Each start is one process, medians over rounds.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from common import argument_parser, has_library, parse, rss_mb, write_json
from pipeline import NODES, node_command, part

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
        log = Path(folder) / "output.txt"
        camera = f"front={data / 'clips' / CLIP}"
        options = ["--robot", "small", "--data", folder, "--config", settings, "--camera", camera]
        began = time.perf_counter()
        with log.open("w") as output:
            process = subprocess.Popen([FACETRACK, "run", *options], stdout=output, stderr=output)
        try:
            while "is up with" not in log.read_text():
                if process.poll() is not None:
                    sys.exit(log.read_text())
                time.sleep(0.01)
            ready_s = time.perf_counter() - began
            time.sleep(seconds)
            return ready_s, rss_mb(process.pid), has_library(process.pid, "libtorch")
        finally:
            process.terminate()
            process.wait(20)


def node_s(name: str) -> float:
    """Seconds from a node's start until it is in the graph with its parameter services: its models are open then."""
    import rclpy

    context = rclpy.Context()
    rclpy.init(context=context)
    watcher = rclpy.create_node("watcher", context=context)
    with tempfile.TemporaryDirectory() as folder:
        command = node_command(name, "/small", folder)
        began = time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
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


def main() -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=10.0, help="from ready to the reading of the robot's memory")
    parser.add_argument("--small", action="store_true", help="one round, one node: a test of the script")
    arguments = parse(parser)
    if arguments.small:
        arguments.rounds, arguments.seconds = 1, 1.0
    robots = [robot(arguments.data, arguments.seconds) for _ in range(max(1, arguments.rounds // 2))]
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
        full = part("composed", data=str(arguments.data), size=(1280, 720), cameras=1, fps=10, seconds=40.0)
        result["robot_720p_full_memory_mb"] = full["rss_mb"]
    rows = [
        ("facetrack --help, s", f"{result['help_s']:.2f}", 0.3),
        ("one robot, one camera, up after, s", f"{result['robot_ready_s']:.2f}", 3),
        *((f"node {name} ready after, s", f"{seconds:.2f}", 3) for name, seconds in result["node_ready_s"].items()),
        ("one robot, one camera, memory, MB", f"{result['robot_mb']:.0f}", 400),
    ]
    if not arguments.small:
        rows.append(("  at 1280x720, 300 frames in its memory, MB", f"{result['robot_720p_full_memory_mb']:.0f}", 400))
    for row in (("", "here", "limit"), *rows):
        print("{:<44}{:>8}{:>8}".format(*row))
    print(f"torch {'is' if result['torch'] else 'is not'} loaded")
    write_json(arguments.json, result)


if __name__ == "__main__":
    main()
