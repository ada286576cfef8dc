"""Cost of storing frames, and time to find one among many.

    python benchmarks/frames_on_disk.py write [--cameras 4] [--hz 30] [--kilobytes 120] [--seconds 30] [--json FILE]
    python benchmarks/frames_on_disk.py find [--frames 100000] [--kilobytes 120] [--lookups 1000] [--json FILE]
    python benchmarks/frames_on_disk.py ring --clip FILE [--frames 300] [--json FILE]

``write`` adds frames to a history in mode ``continuous`` at the rate of real cameras, and reports the CPU time of the
process, of the same loop in mode ``off``, and the time of each call. ``find`` fills an archive, drops it from the
system's cache where it may, opens it and reads frames at random stamps. ``ring`` fills the memory of one camera with
the frames of a clip, scaled to 1280x720. ``--folder`` chooses the disk.
"""

import argparse
import os
import tempfile
import time
from pathlib import Path

import common
import numpy as np
from datasets import video_frames

from facetrack_ros.core.frame import Frame, encode_jpeg
from facetrack_ros.history.frames.archive import FrameArchive
from facetrack_ros.history.frames.retention import Limits
from facetrack_ros.history.frames.ring_buffer import FrameRing
from facetrack_ros.history.frames.settings import FrameSettings
from facetrack_ros.history.robot_history import RobotHistory
from facetrack_ros.models.contract import ModelContract

CONTRACT = ModelContract("net", "embedding", "onnx", "net.onnx", "", 1, "MIT", dimension=128, threshold=0.5)
START_NS = 1_700_000_000 * 10**9


def write(arguments: argparse.Namespace) -> dict:
    """CPU share with and without storage, in the same run."""
    found = {}
    for mode in ("off", "continuous"):
        with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
            history = RobotHistory(
                folder, "robot1", CONTRACT, FrameSettings(mode=mode, limits=Limits(frames=5000, free_bytes=500_000_000))
            )
            picture = bytes([255, 216]) + np.random.default_rng(0).bytes(arguments.kilobytes * 1000 - 2)
            took = []
            started, cpu, flushed = time.monotonic(), time.process_time(), time.monotonic()
            ticks = round(arguments.seconds * arguments.hz)
            for tick in range(ticks):
                time.sleep(max(0.0, started + tick / arguments.hz - time.monotonic()))
                for camera in range(arguments.cameras):
                    own = picture[:-1] + bytes([camera])  # a copy of its own, as of a camera
                    frame = Frame(f"c{camera}", START_NS + round(tick * 1e9 / arguments.hz), tick, own)
                    before = time.perf_counter()
                    history.add_frame(frame)
                    took.append(time.perf_counter() - before)
                if time.monotonic() - flushed >= 1.0:
                    flushed = time.monotonic()
                    history.flush()
            share = (time.process_time() - cpu) / (time.monotonic() - started)
            if history.recorder is not None:
                assert history.recorder.drain(60)
                found["frames handed in"] = ticks * arguments.cameras
                found["frames stored"] = history.recorder.stored
                found["frames lost"] = history.recorder.lost
            history.close()
            found[f"share of a core, mode {mode}"] = round(share, 4)
            found[f"handing in, median ms, mode {mode}"] = round(float(np.median(took)) * 1e3, 4)
            found[f"handing in, 99.9 % ms, mode {mode}"] = round(float(np.quantile(took, 0.999)) * 1e3, 3)
    return found


def find(arguments: argparse.Namespace) -> dict:
    """Time to open an archive and to read frames at random stamps."""
    chance = np.random.default_rng(1)
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        archive = FrameArchive(folder, "robot1", Limits(frames=0))
        body = chance.bytes(arguments.kilobytes * 1000)
        for i in range(arguments.frames):
            archive.append(Frame("front", START_NS + i * 33_333_333, i, body))
        archive.close()
        files = sorted(Path(folder).iterdir())
        for path in files:
            with path.open("rb") as file:
                os.fsync(file.fileno())
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        before = time.perf_counter()
        archive = FrameArchive(folder, "robot1", Limits(frames=0))
        opened = time.perf_counter() - before
        took = []
        for i in chance.integers(0, arguments.frames, arguments.lookups):
            before = time.perf_counter()
            frame = archive.reader.near("front", START_NS + int(i) * 33_333_333 + 5_000_000, 16_000_000)
            took.append(time.perf_counter() - before)
            assert frame is not None
            assert frame.number == i
        return {
            "frames": arguments.frames,
            "segments": len(files),
            "opening, seconds": round(opened, 3),
            "a frame by stamp, median ms": round(float(np.median(took)) * 1e3, 3),
            "99 % ms": round(float(np.quantile(took, 0.99)) * 1e3, 3),
            "longest ms": round(max(took) * 1e3, 3),
        }


def ring(arguments: argparse.Namespace) -> dict:
    """Size of a camera's frames in memory, and time to append one."""
    kept, took = FrameRing(arguments.frames), []
    pictures = [encode_jpeg(picture) for picture in video_frames(arguments.clip, (1280, 720))]
    for i in range(3 * arguments.frames):
        frame = Frame("front", START_NS + i * 33_333_333, i, bytes(bytearray(pictures[i % len(pictures)])))
        before = time.perf_counter()
        kept.append(frame)
        took.append(time.perf_counter() - before)
    stats = kept.stats()
    return {
        "frames": stats.frames,
        "megabytes": round(stats.bytes / 1e6, 1),
        "kilobytes a frame": round(stats.bytes / stats.frames / 1e3, 1),
        "appending, median ms": round(float(np.median(took)) * 1e3, 5),
        "appending, 99 % ms": round(float(np.quantile(took, 0.99)) * 1e3, 5),
    }


def main() -> None:
    parser = common.argument_parser(__doc__, data=False)
    parser.add_argument("what", choices=("write", "find", "ring"))
    parser.add_argument("--cameras", type=int, default=4)
    parser.add_argument("--hz", type=float, default=30.0)
    parser.add_argument("--kilobytes", type=int, default=120)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--frames", type=int)
    parser.add_argument("--lookups", type=int, default=1000)
    parser.add_argument("--clip", default="", help="a video file, for ring")
    parser.add_argument("--folder", help="where to write; default: the temporary folder")
    arguments = common.parse(parser)
    arguments.frames = arguments.frames or (300 if arguments.what == "ring" else 100_000)
    found = {"write": write, "find": find, "ring": ring}[arguments.what](arguments)
    common.print_values(found, 40)
    common.write_json(arguments.json, {"arguments": vars(arguments), "found": found})


if __name__ == "__main__":
    main()
