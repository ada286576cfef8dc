"""A whole robot on a disk that is full, read-only, slow or gone: what it tells and keeps, and whether it answers.

    python benchmarks/disk_faults.py DATA_DIR [--faults full readonly slow error vanish] [--stack models] [--seconds 15]
                                     [--keep DIR] [--json FILE]

One robot loops a clip with two people (mode ``continuous``). A subscriber writes down its events. After some seconds
the disk fails for ``--seconds``, then it is whole again; where it vanished, the robot is started again on what is left.
Full is a tmpfs; the others are a folder through FUSE (``failing_disk.py``), whose faults a process cannot tell from
those of a disk. Needs ROS 2 and the right to mount (``unshare -m`` where it is run by root).
"""

import contextlib
import errno
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from common import argument_parser, load, parse, print_values, write_json
from failing_disk import FuseFolder, Tmpfs

FAULTS = ("full", "readonly", "slow", "error", "vanish")
CLIP = "head-pose-face-detection-female-and-male.gif"
SETTINGS = {
    "camera": {"loop": True},
    "tracking": {"exit_after_s": 0.5},
    "frame_history": {"mode": "continuous", "max_disk_frames": 400, "min_free_mb": 4},
    "battery": {"topic": ""},
}
UP_S = 120.0


class Robot:
    """A ``facetrack run`` process."""

    def __init__(self, folder: Path, data: Path, clip: Path, environment: dict[str, str]) -> None:
        self.log = folder / f"robot-{time.monotonic_ns()}.log"
        config = folder / "robot.yaml"
        config.write_text(json.dumps(SETTINGS))  # JSON is YAML
        command = [
            sys.executable,
            "-c",
            "from facetrack_ros.cli.main import main; main()",
            "run",
            "--robot",
            "robot1",
            "--data",
            str(data),
        ]
        command += ["--config", str(config), "--camera", f"front={clip}"]
        with self.log.open("w") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)

    def wait_until_up(self) -> None:
        """Wait until its cameras are read."""
        deadline = time.monotonic() + UP_S
        while "is up with" not in self.said():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"the robot did not come up:\n{self.said()}")
            time.sleep(0.1)

    def said(self) -> str:
        """Its output so far."""
        return self.log.read_text(errors="replace")

    def end(self) -> int:
        """Stop it; its exit code."""
        self.process.send_signal(signal.SIGINT)
        try:
            return self.process.wait(40.0)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()


def answered(client, folder: Path) -> str:
    """The robot's line of a search: answered, or what is wrong."""
    from facetrack_ros import srv
    from facetrack_ros.errors import FacetrackError
    from facetrack_ros.nodes.conversion.fields import float_array

    face = [1.0] + [0.0] * 127
    models = [file.name.removesuffix(".contract.json") for file in folder.glob("*.contract.json")]
    request = srv.FaceSearch.Request(embedding=float_array(face), model_id=models[0])
    try:
        response, _ = client.search(request, 10.0)
    except FacetrackError as error:
        return str(error)
    return "; ".join(f"{line.status} {line.error}".strip() for line in response.robots) or response.message


def logged(folder: Path) -> set[tuple[str, str, int]]:
    """Kind, person and stamp (milliseconds) of the events in a robot's log."""
    from facetrack_ros.history.events.format import read_events

    return {(event["event"], event["person_id"], round(event["timestamp"] * 1e3)) for event in read_events(folder)}


def run(fault: str, clip: Path, seconds: float, folder: Path, environment: dict[str, str]) -> dict:
    """One fault: what was seen before, during and after it."""
    from facetrack_ros.client.fleet_client import FleetClient
    from facetrack_ros.nodes.conversion.time import to_ns

    folder.mkdir(parents=True)
    real = folder / "real"
    disk = Tmpfs(folder / "disk", 48) if fault == "full" else FuseFolder(real, folder / "disk", folder / "control")
    with disk, FleetClient() as client:
        data, events, found = disk.path / "data", [], {"fault": fault}
        client.on_event("robot1", events.append)
        robot = Robot(folder, data, clip, environment)
        robot.wait_until_up()
        own = (data if fault == "full" else real / "data") / "robot1"
        time.sleep(8.0)
        found["answered before"] = answered(client, own)
        before = robot.said()
        begin(fault, disk)
        time.sleep(seconds)
        found["answered during"] = answered(client, own)
        during = robot.said()[len(before) :]
        end(fault, disk)
        time.sleep(8.0)
        found["alive"] = robot.process.poll() is None
        found["answered after"] = answered(client, own)
        sent = {(each.event, each.person_id, round(to_ns(each.header.stamp) / 1e6)) for each in events}
        found["exit code"] = robot.end()
        said = robot.said()
        after = said[len(before) + len(during) :]
        found |= {
            "lines of errors during": count(during, "[ERROR]", "[WARN]"),
            "lines of errors after": count(after, "[ERROR]", "[WARN]"),
            "tracebacks": said.count("Traceback"),
            "events published": len(sent),
            "events published, not in the log": len(sent - logged(own)),
        }
        again = Robot(folder, data if fault != "vanish" else real / "data", clip, environment)
        again.wait_until_up()
        time.sleep(3.0)
        found["restarted, answered"] = answered(client, own)
        found["exit code after the restart"] = again.end()
        found["tracebacks after the restart"] = again.said().count("Traceback")
        found["said"] = [line for line in said.splitlines() if "[ERROR]" in line or "[WARN]" in line]
    return found


def count(text: str, *words: str) -> int:
    """Number of lines with any of some words."""
    return sum(any(word in line for word in words) for line in text.splitlines())


def begin(fault: str, disk) -> None:
    """Let the disk fail."""
    if fault == "full":
        disk.fill()
    elif fault == "slow":
        disk.slow(0.5)
    elif fault == "vanish":
        disk.vanish()
    else:
        disk.fail({"readonly": errno.EROFS, "error": errno.EIO}[fault])


def end(fault: str, disk) -> None:
    """Make it whole again; one that is gone stays gone."""
    if fault == "full":
        disk.empty()
    elif fault == "slow":
        disk.slow(0.0)
    elif fault != "vanish":
        disk.fail(0)


def main() -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("--faults", nargs="+", choices=FAULTS, default=FAULTS)
    parser.add_argument("--stack", choices=("models", "pip"), default="models")
    parser.add_argument("--seconds", type=float, default=15.0, help="of the fault")
    parser.add_argument("--keep", type=Path, help="folder for logs, kept")
    arguments = parse(parser)
    environment = dict(os.environ, FACETRACK_DOWNLOAD="0")
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        folder = arguments.keep or Path(scratch)
        if arguments.stack == "pip":
            environment |= {"FACETRACK_MODELS": "", "XDG_CACHE_HOME": str(folder / "no_cache")}
        for fault in arguments.faults:
            with contextlib.suppress(KeyboardInterrupt):
                rows.append(run(fault, arguments.data / "clips" / CLIP, arguments.seconds, folder / fault, environment))
            print_values({key: value for key, value in rows[-1].items() if key != "said"})
            print("\n".join(rows[-1]["said"][:40]), "\n", flush=True)
    print(load())
    write_json(arguments.json, rows)


if __name__ == "__main__":
    main()
