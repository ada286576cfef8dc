"""Two robots with real models on looping clips for an hour or more: is their memory bounded?

    python benchmarks/soak.py DATA_DIR [--minutes 75] [--speed 4] [--every 30] [--most-sightings 3000] [--stack models]
                              [--keep DIR] [--json FILE]

Each robot is a ``facetrack run`` process with two cameras that loop clips at ``--speed`` times their own; frames are
stored (mode ``continuous``, pruned at 2,000 frames), and once a minute a robot is searched and a clip is saved.
``robot1`` keeps every sighting, ``robot2`` at most ``--most-sightings``: what grows in the first alone is what it
keeps. A thread in each robot writes down what its allocators hold: resident memory, bytes malloc has handed out and
keeps free (``mallinfo2``), Python's blocks, and objects by type at the beginning and at the end.

``--stack pip``: the models of pip packages alone. ``--arenas N``: sets MALLOC_ARENA_MAX.
"""

import argparse
import contextlib
import ctypes
import gc
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

import av
import numpy as np
from common import argument_parser, load, markdown_table, open_files, parse, rss_mb, thread_count, write_json

from facetrack_ros.clips.mp4_writer import Mp4Writer

CLIPS = {
    "robot1": {"front": "head-pose-face-detection-female-and-male.gif", "rear": "classroom.gif"},
    "robot2": {"front": "face-demographics-walking-and-pause.gif", "rear": "head-pose-face-detection-male.gif"},
}
SETTINGS = {
    "camera": {"loop": True},
    "tracking": {"exit_after_s": 0.5},
    "frame_history": {"mode": "continuous", "max_disk_frames": 2000},
    "battery": {"topic": ""},
}
#: Empty room after each pass of a clip, seconds of the clip: persons leave.
PAUSE_S = 4.0


class _Mallinfo2(ctypes.Structure):
    _names = ("arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost")
    _fields_ = tuple((name, ctypes.c_size_t) for name in _names)


def allocated() -> dict:
    """What the allocators of this process hold, MiB; empty where the C library has no ``mallinfo2``."""
    try:
        mallinfo2 = ctypes.CDLL(None).mallinfo2
    except AttributeError:
        return {}
    mallinfo2.restype = _Mallinfo2
    found = mallinfo2()
    return {
        "malloc_used_mb": (found.uordblks + found.hblkhd) / 2**20,
        "malloc_free_mb": found.fordblks / 2**20,
        "python_blocks": sys.getallocatedblocks(),
    }


def note_memory(file: Path, every_s: float) -> None:
    """In a robot: a line of JSON each ``every_s``, with a count of objects by type each tenth line."""
    with file.open("w", buffering=1) as lines:
        for number in range(10**9):
            found = {"at": time.time(), "rss_mb": rss_mb(), "threads": thread_count(), "files": open_files()}
            if number % 10 == 0:
                types = Counter(type(each).__name__ for each in gc.get_objects())
                found["objects"] = dict(types.most_common(60))
            lines.write(json.dumps({**found, **allocated()}) + "\n")
            time.sleep(every_s)


def speed_up(clip: Path, to: Path, speed: float) -> Path:
    """Write a clip as mp4 at a multiple of its speed, with an empty room after it."""
    writer, last_ns = Mp4Writer(to), 0
    with av.open(str(clip)) as container:
        for frame in container.decode(video=0):
            last_ns = round(frame.time * 1e9 / speed)
            image = frame.to_ndarray(format="bgr24")
            writer.add(image, last_ns)
    empty = np.full_like(image, 90)
    for number in range(1, round(PAUSE_S * 10) + 1):
        writer.add(empty, last_ns + round(number * 1e8 / speed))
    writer.close()
    return to


class Soak:
    """The robots and what is known of them."""

    def __init__(self, arguments: argparse.Namespace, folder: Path) -> None:
        self._arguments, self._folder = arguments, folder
        self._robots: dict[str, subprocess.Popen] = {}
        environment = dict(os.environ, ROS_LOG_DIR=str(folder / "log"), FACETRACK_DOWNLOAD="0")
        if arguments.stack == "pip":
            environment["FACETRACK_MODELS"] = ""
            environment["XDG_CACHE_HOME"] = str(folder / "no_cache")
        if arguments.arenas:
            environment["MALLOC_ARENA_MAX"] = str(arguments.arenas)
        self._environment = environment
        for robot, clips in CLIPS.items():
            settings = dict(SETTINGS, sightings={"max_count": arguments.most_sightings if robot == "robot2" else 0})
            config = folder / f"{robot}.yaml"
            config.write_text(json.dumps(settings))  # JSON is YAML
            command = [sys.executable, __file__, "--inside", str(folder / f"{robot}.jsonl"), str(arguments.every)]
            command += ["run", "--robot", robot, "--data", str(folder / "data"), "--config", str(config)]
            for camera, clip in clips.items():
                made = speed_up(arguments.data / "clips" / clip, folder / f"{robot}_{camera}.mp4", arguments.speed)
                command += ["--camera", f"{camera}={made}"]
            with (folder / f"{robot}.log").open("w") as log:
                self._robots[robot] = subprocess.Popen(command, stdout=log, stderr=log, env=environment)

    def run(self) -> list[dict]:
        """Work for the time that is asked for; one sample of each robot each ``--every`` seconds."""
        from facetrack_ros import srv
        from facetrack_ros.client.fleet_client import FleetClient
        from facetrack_ros.errors import FacetrackError
        from facetrack_ros.nodes.conversion.time import to_ns, to_time

        samples, began, next_minute, turn = [], time.monotonic(), 60.0, 0
        with FleetClient() as client:
            while time.monotonic() - began < self._arguments.minutes * 60:
                time.sleep(self._arguments.every)
                minutes = (time.monotonic() - began) / 60
                samples.append({"minutes": round(minutes, 2), **{robot: self.sample(robot) for robot in self._robots}})
                print(json.dumps(samples[-1]), flush=True)
                if minutes * 60 < next_minute:
                    continue
                next_minute, turn = next_minute + 60.0, turn + 1
                robot = sorted(CLIPS)[turn % 2]
                with contextlib.suppress(FacetrackError):
                    newest_ns = to_ns(client.roster()[robot].cameras[0].newest)
                    times = {"start": to_time(newest_ns - 3 * 10**9), "end": to_time(newest_ns)}
                    request = srv.SaveClip.Request(**times, formats=["jpg"], name=f"soak{turn % 5}")
                    client.call(srv.SaveClip, "save_clip", request, 30.0, robot)
                with contextlib.suppress(FacetrackError):
                    client.search(self._question(), 10.0)
        return samples

    def _question(self):
        """A search for a face that was seen, by its embedding."""
        from facetrack_ros import srv
        from facetrack_ros.nodes.conversion.fields import float_array

        path = next((self._folder / "data" / "robot1").glob("sightings-*.sqlite"))
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
            (data,) = database.execute("SELECT embedding FROM sightings ORDER BY rowid DESC LIMIT 1").fetchone()
        model = path.stem.removeprefix("sightings-")
        return srv.FaceSearch.Request(embedding=float_array(np.frombuffer(data, np.float32)), model_id=model)

    def sample(self, robot: str) -> dict:
        """Memory and what was stored so far."""
        process = self._robots[robot]
        if process.poll() is not None:
            raise SystemExit(f"{robot} has ended with {process.returncode}")
        inside = (self._folder / f"{robot}.jsonl").read_text().splitlines()
        found = {"rss_mb": round(rss_mb(process.pid), 1), "threads": thread_count(process.pid)}
        if inside:
            last = json.loads(inside[-1])
            found |= {key: round(last[key], 1) for key in ("malloc_used_mb", "malloc_free_mb") if key in last}
            found["python_blocks"] = last.get("python_blocks")
        folder = self._folder / "data" / robot
        found["events"] = sum(log.read_bytes().count(b"\n") for log in folder.glob("events-*.jsonl"))
        with contextlib.suppress(sqlite3.Error, StopIteration):
            path = next(folder.glob("sightings-*.sqlite"))
            with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5)) as database:
                found["sightings"], found["most_id"] = database.execute(
                    "SELECT COUNT(*), MAX(rowid) FROM sightings"
                ).fetchone()
        return found

    def end(self) -> None:
        """Stop the robots."""
        for process in self._robots.values():
            process.terminate()
        for process in self._robots.values():
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(30)
            process.kill()


def table(samples: list[dict], rows: int = 12) -> str:
    """Some of the samples, evenly spaced."""
    chosen = [samples[round(place)] for place in np.linspace(0, len(samples) - 1, min(rows, len(samples)))]
    keys = ("rss_mb", "malloc_used_mb", "sightings", "events")
    head = ["minutes", *(f"{robot} {key}" for robot in CLIPS for key in keys)]
    return markdown_table(
        head, [[each["minutes"], *(each[robot].get(key, "") for robot in CLIPS for key in keys)] for each in chosen]
    )


def main() -> None:
    if sys.argv[1:2] == ["--inside"]:
        file, every, *words = sys.argv[2:]
        threading.Thread(target=note_memory, args=(Path(file), float(every)), daemon=True).start()
        from facetrack_ros.cli import main as cli

        sys.argv = ["facetrack", *words]
        sys.exit(cli.main())
    parser = argument_parser(__doc__)
    parser.add_argument("--minutes", type=float, default=75.0)
    parser.add_argument("--speed", type=float, default=4.0, help="of the clips")
    parser.add_argument("--every", type=float, default=30.0, help="seconds between samples")
    parser.add_argument("--most-sightings", type=int, default=3000, metavar="N", help="that robot2 keeps")
    parser.add_argument("--stack", choices=("models", "pip"), default="models")
    parser.add_argument("--arenas", type=int, default=0, help="MALLOC_ARENA_MAX; 0: not set")
    parser.add_argument("--keep", type=Path, help="folder for data and logs, kept")
    arguments = parse(parser)
    with tempfile.TemporaryDirectory() as scratch:
        folder = arguments.keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        soak = Soak(arguments, folder)
        try:
            samples = soak.run()
        finally:
            soak.end()
    print(f"\n{table(samples)}\n\n{load()}")
    write_json(arguments.json, samples)


if __name__ == "__main__":
    main()
