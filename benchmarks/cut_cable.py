"""Two robots at the ends of a bad cable that is cut and mended: are responses right, and how soon is the roster?

    python benchmarks/cut_cable.py [--loss 0.05] [--delay 0.1] [--cuts 10 40] [--whole 20] [--profile FILE]
                                   [--discovery multicast] [--json FILE]

Each robot is in a network namespace; between them is a cable in user space (benchmarks/cable.py) that loses 5 % of all
frames and takes 100 ms each way. Once a second a client at each end searches for a face that both robots have seen,
and it reads the roster. While the cable is whole, the right response is from both robots; while it is cut, from the
robot of that end, with the other one timed out. For 5 s after a cut or a mending both are right, since the robots
cannot have noticed it. Cuts are shorter and longer than DDS keeps a silent participant (20 s).

``--discovery peers`` is without multicast, by addresses (ROS_STATIC_PEERS); ``--discovery server`` uses a Fast DDS
discovery server at the first robot. ``--profile`` is a Fast DDS profile for robots and clients. Needs root and
/dev/net/tun.
"""

import argparse
import multiprocessing
import os
import queue
import subprocess
import sys
import threading
import time
from pathlib import Path

from cable import Cable, possible
from common import parse, print_values, write_json
from synthetic_fleet import (
    VISITS,
    Fleet,
    enter_namespace,
    fleet_parser,
    make_stores,
    people,
    search_request,
    stores_folder,
)

ROBOTS = ("robot01", "robot02")
ALLOWED_S = 5.0
SERVER = Path(sys.prefix) / "bin" / "fast-discovery-server"
DISCOVERY = {
    "multicast": {"ROS_AUTOMATIC_DISCOVERY_RANGE": "SUBNET"},
    "peers": {"ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST", "ROS_STATIC_PEERS": "10.99.0.1;10.99.0.2"},
    "server": {"ROS_DISCOVERY_SERVER": "10.99.0.1:11811"},
}
SEARCH_EVERY_S = 1.0
READ_EVERY_S = 0.05


def watch(namespace: str, robot: str, environment: dict[str, str], seed: int, timeout_s: float, results, over) -> None:
    """The client at one end: search through its robot once a second, and report each change of the roster."""
    enter_namespace(namespace)
    os.environ.update(environment)
    from facetrack_ros.client.fleet_client import FleetClient
    from facetrack_ros.errors import FacetrackError

    request = search_request(people(seed)[0], timeout_s, 2 * VISITS)

    def search_on(client) -> None:
        while not over.is_set():
            began = time.monotonic()
            try:
                response, seconds = client.search(request, timeout_s)
            except FacetrackError as error:
                results.put((began, robot, "answer", {"": str(error)}, time.monotonic() - began, {}))
            else:
                statuses = {line.robot_id: line.status for line in response.robots}
                matches = {name: sum(match.robot_id == name for match in response.matches) for name in statuses}
                results.put((began, robot, "answer", statuses, seconds, matches))
            over.wait(max(0.0, began + SEARCH_EVERY_S - time.monotonic()))

    with FleetClient(robot) as client:
        searching = threading.Thread(target=search_on, args=(client,))
        searching.start()
        seen = None
        while not over.wait(READ_EVERY_S):
            roster = {entry.robot_id: "silent" if entry.stale else "there" for entry in client.entries()}
            if roster != seen:
                seen = roster
                results.put((time.monotonic(), robot, "roster", roster))
        searching.join()


class Server:
    """A Fast DDS discovery server at the first end of a cable; none without a cable."""

    def __init__(self, cable: Cable | None) -> None:
        self._cable = cable
        self._process: subprocess.Popen | None = None

    def __enter__(self) -> "Server":
        if self._cable is not None:
            self._process = subprocess.Popen(
                self._cable.inside(0, [str(SERVER), "-i", "0", "-l", "10.99.0.1", "-p", "11811"]),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        return self

    def __exit__(self, *error) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()


class Log:
    """Changes of the cable and what the ends reported, in order, with a verdict on each response."""

    def __init__(self, began: float, timeout_s: float) -> None:
        self.began, self.timeout_s = began, timeout_s
        self.lines: list[str] = []
        self.changes: list[tuple[float, bool]] = []  # when the cable was mended (True) or cut
        self.wrong = self.late = self.answers = 0
        self.slowest_s = 0.0
        self.noticed: dict[tuple[int, str], float] = {}  # by change and end, seconds until the roster was right

    def add(self, at: float, text: str) -> None:
        """Keep and print a line."""
        self.lines.append(f"{at - self.began:7.2f} s  {text}")
        print(self.lines[-1], flush=True)

    def change(self, whole: bool, text: str) -> None:
        """The cable was cut or mended."""
        self.changes.append((time.monotonic(), whole))
        self.add(self.changes[-1][0], text)

    def take(
        self,
        at: float,
        end: str,
        kind: str,
        states: dict[str, str],
        seconds: float = 0.0,
        matches: dict[str, int] | None = None,
    ) -> None:
        """Judge a response or a roster that an end reported."""
        other = ROBOTS[1 - ROBOTS.index(end)]
        number = sum(when <= at for when, _ in self.changes) - 1
        since, whole = at - self.changes[number][0], self.changes[number][1]
        if kind == "roster":
            self.add(at, f"{end}: roster {_words(states)}")
            if (states.get(other) == "there") == whole:
                self.noticed.setdefault((number, end), since)
            return
        both = {ROBOTS[0]: "answered", ROBOTS[1]: "answered"}
        alone = {**both, other: "timed_out"}
        right = [both if whole else alone]
        if (number and since < ALLOWED_S) or any(at < when < at + seconds for when, _ in self.changes):
            right = [both, alone]  # the change could not have been noticed yet
        complete = all(matches.get(robot, 0) == VISITS * (status == "answered") for robot, status in states.items())
        good, late = states in right and complete, seconds >= self.timeout_s + 0.1
        self.answers += 1
        self.wrong += not good
        self.late += late
        self.slowest_s = max(self.slowest_s, seconds)
        verdict = ("" if good else "  WRONG") + ("  LATE" if late else "")
        self.add(at, f"{end}: answer after {seconds:.2f} s, {_words(states)}, matches {_words(matches)}{verdict}")


def _words(values: dict) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items()) or "none"


def run(arguments: argparse.Namespace, folder: Path) -> dict:
    """Cut and mend the cable as the arguments say; the numbers, and the lines of the log."""
    make_stores(folder, list(ROBOTS), arguments.sightings, 0, arguments.seed)
    environment = {"FASTDDS_BUILTIN_TRANSPORTS": "UDPv4", **DISCOVERY[arguments.discovery]}
    if arguments.profile:
        environment["FASTRTPS_DEFAULT_PROFILES_FILE"] = str(Path(arguments.profile).resolve())
    context = multiprocessing.get_context("spawn")
    results, over = context.Queue(), context.Event()
    with (
        Cable(f"ft{os.getpid()}x", arguments.loss, arguments.delay, arguments.seed) as cable,
        Server(cable if arguments.discovery == "server" else None),
        Fleet(folder, list(ROBOTS), environment, dict(zip(ROBOTS, cable.names))),
    ):
        log = Log(time.monotonic(), arguments.timeout)
        log.change(True, f"the cable is whole: {arguments.loss:.0%} loss, {arguments.delay * 1e3:.0f} ms each way")
        watchers = []
        for name, robot in zip(cable.names, ROBOTS):
            work = (name, robot, environment, arguments.seed, arguments.timeout, results, over)
            watchers.append(context.Process(target=watch, daemon=True, args=work))
            watchers[-1].start()
        try:
            _listen(results, log, 60.0, lambda: len(log.noticed) == 2 and log.answers > 3)
            log.answers = log.wrong = log.late = 0
            log.add(time.monotonic(), "from now on responses count")
            _listen(results, log, arguments.whole)
            for cut_s in arguments.cuts:
                cable.cut = True
                log.change(False, f"the cable is cut, for {cut_s:.0f} s")
                _listen(results, log, cut_s)
                cable.cut = False
                log.change(True, "the cable is mended")
                _listen(results, log, arguments.whole)
        finally:
            over.set()
            for watcher in watchers:
                watcher.join(10.0)
        _listen(results, log, 0.5)
        carried, lost = cable.carried, cable.lost
    known = [(number, end) for number in range(1, len(log.changes)) for end in ROBOTS]
    found = {"answers": log.answers, "wrong answers": log.wrong, "late answers": log.late}
    found["slowest answer, s"] = round(log.slowest_s, 2)
    for number, end in known:
        what = "mended" if log.changes[number][1] else "cut"
        took = log.noticed.get((number, end))
        found[f"{what} at {log.changes[number][0] - log.began:.0f} s, roster of {end} right after, s"] = (
            "never" if took is None else round(took, 2)
        )
    late = [log.noticed.get(key, float("inf")) for key in known]
    found["roster right after, most s"] = round(max(late), 2)
    found["frames carried"], found["frames lost"] = carried, lost
    return {**found, "log": log.lines}


def _listen(results, log: Log, for_s: float, enough=lambda: False) -> None:
    end = time.monotonic() + for_s
    while not enough():
        left = end - time.monotonic()
        if left <= 0:
            return
        try:
            log.take(*results.get(timeout=min(left, 0.2)))
        except queue.Empty:
            continue


def main() -> None:
    parser = fleet_parser(__doc__)
    parser.add_argument("--loss", type=float, default=0.05)
    parser.add_argument("--delay", type=float, default=0.1, help="seconds, each way")
    parser.add_argument("--cuts", type=float, nargs="+", default=[10.0, 40.0], help="seconds each")
    parser.add_argument("--whole", type=float, default=20.0, help="seconds before and between cuts, and at the end")
    parser.add_argument("--timeout", type=float, default=2.0, help="the searches' deadline, seconds")
    parser.add_argument("--discovery", choices=DISCOVERY, default="multicast", help="how the robots find each other")
    parser.add_argument("--profile", help="a Fast DDS profile for robots and clients")
    arguments = parse(parser)
    obstacle = possible()
    if obstacle:
        raise SystemExit(f"no cable to cut: {obstacle}")
    with stores_folder(arguments) as folder:
        found = run(arguments, folder)
    lines = found.pop("log")
    print()
    print_values(found, 52)
    write_json(arguments.json, {"arguments": vars(arguments), "found": found, "log": lines})


if __name__ == "__main__":
    main()
