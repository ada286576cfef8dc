"""A whole robot, killed and stopped at random moments: is all it published logged, and all it held found again?

    python benchmarks/killed_robot.py DATA_DIR [--kills 100] [--stack models] [--longest 8] [--seed 1]
                                      [--keep DIR] [--json FILE]

One ``facetrack run`` process with a looping clip (mode ``continuous``, pruned at 300 frames) on one folder. Each life
ends with SIGKILL at a random moment from its start on, so that some die while they load, recover or seal; in one of
three the process is first stopped for some seconds (SIGSTOP) and goes on. A subscriber writes down each event that it
published. After each death: is every published event in the log, is SQLite whole, does each segment read with its
checksums? In the next life: does it start, does it hold the sightings that were committed, does a search for the first
face that was ever stored find that face? At the end it is ended in order: does each PERSON_IN have its PERSON_OUT?
"""

import argparse
import contextlib
import json
import os
import random
import re
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from common import argument_parser, load, parse, print_values, write_json
from mcap.reader import make_reader

CLIP = "head-pose-face-detection-female-and-male.gif"
SETTINGS = {
    "camera": {"loop": True},
    "tracking": {"exit_after_s": 0.5},
    "frame_history": {"mode": "continuous", "max_disk_frames": 300},
    "battery": {"topic": ""},
}
UP_S = 180.0
STOPPED_S = 3.0
_TORN = re.compile(r"(\d+) bytes after them are no whole message")


class Lives:
    """The lives of one robot on one folder.

    :ivar found: what was counted.
    """

    def __init__(self, arguments: argparse.Namespace, folder: Path, client) -> None:
        self._client, self._chance, self._longest = client, random.Random(arguments.seed), arguments.longest
        self._folder, self.data = folder, folder / "data"
        config = folder / "robot.yaml"
        config.write_text(json.dumps(SETTINGS))  # JSON is YAML
        self._command = [sys.executable, "-c", "from facetrack_ros.cli.main import main; main()", "run"]
        self._command += ["--robot", "robot1", "--data", str(self.data), "--config", str(config)]
        self._command += ["--camera", f"front={arguments.data / 'clips' / CLIP}"]
        self._environment = dict(os.environ, FACETRACK_DOWNLOAD="0", ROS_LOG_DIR=str(folder / "log"))
        if arguments.stack == "pip":
            self._environment |= {"FACETRACK_MODELS": "", "XDG_CACHE_HOME": str(folder / "no_cache")}
        self._events: list = []
        client.on_event("robot1", self._events.append)
        self._committed = 0
        self.found = dict.fromkeys(
            (
                "kills",
                "of them before it was up",
                "stops",
                "starts that failed",
                "searches",
                "searches not answered",
                "wrong answers",
                "events published",
                "events published, not in the log",
                "lines of the log that are damaged",
                "committed sightings lost",
                "stores damaged",
                "segments unreadable",
                "bytes of torn messages cut off",
                "tracebacks",
            ),
            0,
        )

    @property
    def own(self) -> Path:
        """The robot's folder."""
        return self.data / "robot1"

    def start(self, number: int) -> tuple[subprocess.Popen, Path]:
        """Start the robot; its process and its log."""
        log = self._folder / f"life{number}.log"
        with log.open("w") as output:
            return subprocess.Popen(self._command, stdout=output, stderr=output, env=self._environment), log

    def wait_until_up(self, process: subprocess.Popen, log: Path, seconds: float) -> bool:
        """Wait until its camera is read, or until the time is over."""
        deadline = time.monotonic() + seconds
        while "is up with" not in log.read_text(errors="replace"):
            if process.poll() is not None:
                self.found["starts that failed"] += 1
                return False
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        return True

    def live_and_die(self, number: int) -> None:
        """One life: start, work, perhaps stop and go on, die."""
        process, log = self.start(number)
        # One of five dies while it starts: models, recovery, sealing.
        if self._chance.random() < 0.2:
            up = self.wait_until_up(process, log, self._chance.uniform(0.5, 6.0))
        else:
            up = self.wait_until_up(process, log, UP_S)
            if up:
                self.check_life()
            time.sleep(self._chance.uniform(0.0, self._longest))
            if self._chance.random() < 1 / 3:
                self.found["stops"] += 1
                process.send_signal(signal.SIGSTOP)
                time.sleep(self._chance.uniform(0.2, STOPPED_S))
                process.send_signal(signal.SIGCONT)
                time.sleep(self._chance.uniform(0.0, 1.0))
        self.found["of them before it was up"] += not up
        process.kill()
        process.wait()
        self.found["kills"] += 1
        self.check_death(log)

    def check_life(self) -> None:
        """A robot that is up holds what was committed before, and finds the first face."""
        count, face, model = self._first_face()
        self.found["committed sightings lost"] += max(0, self._committed - count)
        if face is None:
            return
        from facetrack_ros import srv
        from facetrack_ros.errors import FacetrackError
        from facetrack_ros.nodes.conversion.fields import float_array

        self.found["searches"] += 1
        request = srv.FaceSearch.Request(embedding=float_array(face), model_id=model)
        try:
            response, _ = self._client.search(request, 20.0)
        except FacetrackError:
            self.found["searches not answered"] += 1
            return
        if not any(line.status == "answered" for line in response.robots):
            self.found["searches not answered"] += 1
        elif not response.matches or response.matches[0].similarity < 0.999:
            self.found["wrong answers"] += 1

    def check_death(self, log: Path) -> None:
        """What a dead robot left on disk."""
        said = log.read_text(errors="replace")
        self.found["tracebacks"] += said.count("Traceback")
        self.found["bytes of torn messages cut off"] += sum(map(int, _TORN.findall(said)))
        logged = self._logged()
        published = {(event.event, event.person_id, _ms(event.header.stamp)) for event in self._events}
        self._events.clear()
        self.found["events published"] += len(published)
        self.found["events published, not in the log"] += len(published - logged)
        for path in self.own.glob("sightings-*.sqlite"):
            with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
                if database.execute("PRAGMA integrity_check").fetchall() != [("ok",)]:
                    self.found["stores damaged"] += 1
        self._committed = self._first_face()[0]
        segments = sorted((self.own / "frames").glob("*.mcap"))
        for path in segments[:-1]:  # the last one has no end yet
            try:
                with path.open("rb") as file:
                    for _ in make_reader(file, validate_crcs=True).iter_messages():
                        pass
            except Exception as error:  # any fault of any file counts
                print(f"{path}: {error!r}", file=sys.stderr)
                self.found["segments unreadable"] += 1

    def end_in_order(self, number: int) -> None:
        """A last life that ends in order; then each visit has its end."""
        process, log = self.start(number)
        if self.wait_until_up(process, log, UP_S):
            self.check_life()
            time.sleep(3.0)
            process.send_signal(signal.SIGINT)
        self.found["exit code at last"] = process.wait(60.0)
        kinds = [event for event, _, _ in self._logged(every=True)]
        self.found["PERSON_IN, PERSON_OUT"] = f"{kinds.count('PERSON_IN')}, {kinds.count('PERSON_OUT')}"

    def _first_face(self) -> tuple[int, np.ndarray | None, str]:
        """How many sightings are committed, the first one's face, and its model."""
        for path in self.own.glob("sightings-*.sqlite"):
            with (
                contextlib.suppress(sqlite3.Error),
                contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)) as database,
            ):
                ((count,),) = database.execute("SELECT COUNT(*) FROM sightings").fetchall()
                rows = database.execute("SELECT embedding FROM sightings ORDER BY id LIMIT 1").fetchall()
                face = np.frombuffer(rows[0][0], np.float32) if rows else None
                return count, face, path.stem.removeprefix("sightings-")
        return 0, None, ""

    def _logged(self, every: bool = False):
        """Kind, person and stamp (milliseconds) of the events in the log."""
        from facetrack_ros.history.events.format import event_logs, read_log

        found = []
        for path in event_logs(self.own) if self.own.exists() else ():
            events, _, damaged = read_log(path)
            found += [(event["event"], event["person_id"], round(event["timestamp"] * 1e3)) for event in events]
            self.found["lines of the log that are damaged"] += damaged
        return found if every else set(found)


def _ms(stamp) -> int:
    # As the log rounds: to the microsecond, then to the millisecond.
    return round(round((stamp.sec * 10**9 + stamp.nanosec) / 1e9, 6) * 1e3)


def main() -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--stack", choices=("models", "pip"), default="models")
    parser.add_argument(
        "--longest", type=float, default=8.0, help="seconds that a robot is up until it is killed, at most"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="folder for data and logs, kept")
    arguments = parse(parser)
    from facetrack_ros.client.fleet_client import FleetClient

    with tempfile.TemporaryDirectory() as scratch, FleetClient("robot1") as client:
        folder = arguments.keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        lives = Lives(arguments, folder, client)
        for number in range(arguments.kills):
            lives.live_and_die(number)
            print(number + 1, json.dumps(lives.found), flush=True)
        lives.end_in_order(arguments.kills)
    print_values({"stack": arguments.stack, **lives.found, "machine": load()}, 46)
    write_json(arguments.json, {"arguments": vars(arguments), "found": lives.found})


if __name__ == "__main__":
    main()
