"""Data loss of a robot that is killed while it writes under full load, and the time of its next start.

    python benchmarks/killed.py [--kills 100] [--longest 2.0] [--cameras 4] [--hz 30] [--kilobytes 120] [--seed 1]
                                [--folder DIR] [--json FILE]

A process records frames and faces at the rate of real cameras, in mode ``continuous``, and prints what was
acknowledged: a frame when ``add_frame`` returned, a sighting when ``flush`` returned. It is killed by SIGKILL at a
random moment, the history is opened again, every frame of the run is read, and the last segments are checked by the
mcap library, checksums included. That repeats in the same folder.
"""

import argparse
import logging
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import common
import numpy as np
from mcap.reader import make_reader

from facetrack_ros.core.face import Face
from facetrack_ros.core.frame import Frame
from facetrack_ros.core.track import Track, TrackState
from facetrack_ros.history.frames.retention import Limits
from facetrack_ros.history.frames.settings import FrameSettings
from facetrack_ros.history.robot_history import RobotHistory
from facetrack_ros.models.contract import ModelContract

DIMENSION = 128
CONTRACT = ModelContract("net", "embedding", "onnx", "net.onnx", "", 1, "MIT", dimension=DIMENSION, threshold=0.5)
SETTINGS = FrameSettings(mode="continuous", limits=Limits(frames=5000, free_bytes=500_000_000))
#: Options that the writer gets, too.
RATES = ("cameras", "hz", "kilobytes")


class Warnings(logging.Handler):
    """Counts the package's log records of warnings and errors. A context manager."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.count = 0

    def emit(self, record: logging.LogRecord) -> None:
        self.count += 1

    def __enter__(self) -> "Warnings":
        logging.getLogger("facetrack_ros").addHandler(self)
        return self

    def __exit__(self, *error) -> None:
        logging.getLogger("facetrack_ros").removeHandler(self)


def write(folder: str, base_ns: int, cameras: int, hz: float, size: int) -> None:
    """The robot: frames, faces, and one flush a second as in the node, which has a thread for it."""
    history = RobotHistory(folder, "robot1", CONTRACT, SETTINGS)
    picture = bytes([255, 216]) + np.random.default_rng(0).bytes(size - 2)
    generator = np.random.default_rng(base_ns % 2**32)
    box, marks = np.zeros(4, np.float32), np.zeros((5, 2), np.float32)
    print("up", flush=True)
    started = flushed = time.monotonic()
    for tick in range(10**9):
        stamp = base_ns + round(tick * 1e9 / hz)
        time.sleep(max(0.0, started + tick / hz - time.monotonic()))
        for camera in range(cameras):
            history.add_frame(Frame(f"c{camera}", stamp, tick, picture))
        face = generator.standard_normal(DIMENSION).astype(np.float32)
        face = Face(box, marks, 0.9, 0.5, embedding=face / np.linalg.norm(face))
        track = Track(f"t{base_ns}_{tick}", "", TrackState.TRACKING, box, 0.8, face)
        history.add_tracks("c0", stamp, tick, [track])
        print(f"frames {tick}", flush=True)
        if time.monotonic() - flushed >= 1.0:
            flushed = time.monotonic()
            history.flush()
            print(f"faces {tick + 1}", flush=True)


def kill_once(folder: Path, base_ns: int, after_s: float, arguments: argparse.Namespace) -> dict:
    """Start the robot, kill it, open its history. Returns what was acknowledged and what was found."""
    options = {"write": folder, "base": base_ns, **{name: getattr(arguments, name) for name in RATES}}
    words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    writer = subprocess.Popen([sys.executable, __file__, *words], stdout=subprocess.PIPE, text=True)
    assert writer.stdout.readline() == "up\n", "the robot did not start"
    time.sleep(after_s)
    os.kill(writer.pid, signal.SIGKILL)
    printed = [line.split() for line in writer.stdout.read().splitlines(keepends=True) if line.endswith("\n")]
    writer.wait()
    frames = max((int(number) + 1 for kind, number in printed if kind == "frames"), default=0)
    faces = max((int(number) for kind, number in printed if kind == "faces"), default=0)

    started = time.perf_counter()
    with Warnings() as warnings:
        history = RobotHistory(folder, "robot1", CONTRACT, SETTINGS)
    restart_s = time.perf_counter() - started
    end_ns = base_ns + 3600 * 10**9
    missing, gaps = 0, 0
    for camera in range(arguments.cameras):
        numbers = [frame.number for frame in history.recorder.archive.reader.between(f"c{camera}", base_ns, end_ns)]
        missing = max(missing, frames - len(numbers), 0)
        gaps += numbers != list(range(len(numbers)))
    probe = np.eye(DIMENSION, dtype=np.float32)[0]
    kept = {hit.frame_number for hit, _ in history.sightings.search(probe, base_ns, end_ns, limit=10**6)[0]}
    history.close()
    unreadable = 0
    segments = sorted((folder / "robot1" / "frames").glob("*.mcap"))
    for path in segments[-3:]:
        try:
            with path.open("rb") as file:
                for _ in make_reader(file, validate_crcs=True).iter_messages():
                    pass
        except Exception as error:  # any fault of any file counts
            print(f"{path}: {error}", file=sys.stderr)
            unreadable += 1
    return {
        "frames": frames,
        "missing_s": missing / arguments.hz,
        "gaps": gaps,
        "faces": faces,
        "faces_missing": len(set(range(faces)) - kept),
        "unreadable": unreadable,
        "warnings": warnings.count,
        "restart_s": restart_s,
    }


def main() -> None:
    parser = common.argument_parser(__doc__, data=False)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--longest", type=float, default=2.0, help="seconds until the kill, at most")
    parser.add_argument("--cameras", type=int, default=4)
    parser.add_argument("--hz", type=float, default=30.0)
    parser.add_argument("--kilobytes", type=int, default=120)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", help="where to write; default: the temporary folder")
    parser.add_argument("--write", help=argparse.SUPPRESS)
    parser.add_argument("--base", type=int, help=argparse.SUPPRESS)
    arguments = common.parse(parser)
    if arguments.write:
        write(arguments.write, arguments.base, arguments.cameras, arguments.hz, arguments.kilobytes * 1000)
        return
    chance = random.Random(arguments.seed)
    lives = []
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        for kill in range(arguments.kills):
            base_ns = (1_700_000_000 + 3600 * kill) * 10**9
            lives.append(kill_once(Path(folder), base_ns, chance.uniform(0.0, arguments.longest), arguments))
    restarts = sorted(life["restart_s"] for life in lives)
    found = {
        "kills": len(lives),
        "frames handed in, each camera": sum(life["frames"] for life in lives),
        "most frames missing after a kill, seconds": round(max(life["missing_s"] for life in lives), 3),
        "kills after which a frame was missing": sum(life["missing_s"] > 0 for life in lives),
        "gaps within what was stored": sum(life["gaps"] for life in lives),
        "sightings acknowledged": sum(life["faces"] for life in lives),
        "acknowledged sightings missing": sum(life["faces_missing"] for life in lives),
        "unreadable segments": sum(life["unreadable"] for life in lives),
        "warnings at restart": sum(life["warnings"] for life in lives),
        "restart, median seconds": round(restarts[len(restarts) // 2], 3),
        "restart, longest seconds": round(restarts[-1], 3),
    }
    common.print_values(found, 46)
    common.write_json(arguments.json, {"arguments": vars(arguments), "found": found, "lives": lives})


if __name__ == "__main__":
    main()
