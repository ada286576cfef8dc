"""Two robots at the ends of a bad cable that is cut and mended: are the answers right, and how soon does the roster know?

    python benchmarks/cut_cable.py [--loss 0.05] [--delay 0.1] [--cuts 10 40] [--whole 20] [--profile FILE] [--json FILE]

Each robot lives in a network namespace of its own; between them is a cable in user space (benchmarks/cable.py) that loses 5 % of all
frames and takes 100 ms each way. Once a second someone at each end asks the robot there for a face that both have seen, and hears the roster. While the
cable is whole, the right answer is of both robots. While it is cut, it is of the one and names the other as timed out. For as long
after a cut or a mending as the robots cannot know yet (5 s are allowed), both are right. Cuts shorter and longer than DDS remembers
a silent participant (20 s) are told apart. ``--discovery peers`` is without multicast, by addresses (ROS_STATIC_PEERS);
``--discovery server`` through a Fast DDS discovery server at the first robot. ``--profile`` is a Fast DDS profile for both robots. Needs root and /dev/net/tun.
"""

import argparse
import json
import multiprocessing
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from cable import Cable, possible
from synthetic_fleet import VISITS, Fleet, enter_namespace, make_stores, people, search_request

ROBOTS = ("robot01", "robot02")
ALLOWED_S = 5.0
SERVER = Path(sys.prefix) / "bin" / "fast-discovery-server"
DISCOVERY = {
    "multicast": {"ROS_AUTOMATIC_DISCOVERY_RANGE": "SUBNET"},
    "peers": {"ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST", "ROS_STATIC_PEERS": "10.99.0.1;10.99.0.2"},
    "server": {"ROS_DISCOVERY_SERVER": "10.99.0.1:11811"},
}
ASK_EVERY_S = 1.0
LOOK_EVERY_S = 0.05


def watch(namespace: str, robot: str, environment: dict[str, str], seed: int, timeout_s: float, results, over) -> None:
    """One end: asks its robot once a second, and tells whenever the roster changes."""
    enter_namespace(namespace)
    os.environ.update(environment)
    from facetrack_ros.client.fleet_client import FleetClient
    from facetrack_ros.errors import FacetrackError

    asked = search_request(people(seed)[0], timeout_s, 2 * VISITS)

    def ask_on(asker) -> None:
        while not over.is_set():
            began = time.monotonic()
            try:
                response, seconds = asker.search(asked, timeout_s)
            except FacetrackError as error:
                results.put((began, robot, "answer", {"": str(error)}, time.monotonic() - began, {}))
                continue
            matches = {
                line.robot_id: sum(match.robot_id == line.robot_id for match in response.matches)
                for line in response.robots
            }
            results.put(
                (began, robot, "answer", {line.robot_id: line.status for line in response.robots}, seconds, matches)
            )
            over.wait(max(0.0, began + ASK_EVERY_S - time.monotonic()))

    with FleetClient(robot) as asker:
        asking = threading.Thread(target=ask_on, args=(asker,))
        asking.start()
        seen = None
        while not over.wait(LOOK_EVERY_S):
            roster = {entry.robot_id: "silent" if entry.stale else "there" for entry in asker.entries()}
            if roster != seen:
                seen = roster
                results.put((time.monotonic(), robot, "roster", roster))
        asking.join()


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
    """What was done and said, in order, and what of it was right."""

    def __init__(self, began: float, timeout_s: float) -> None:
        self.began, self.timeout_s = began, timeout_s
        self.lines: list[str] = []
        self.done: list[tuple[float, bool]] = []  # when the cable was mended (True) or cut
        self.wrong, self.answers, self.within = 0, 0, 0
        self.slowest_s = 0.0
        self.noticed: dict[tuple[int, str], float] = {}  # seconds until an end's roster knew of a change of the cable

    def say(self, at: float, text: str) -> None:
        """Note and print a line."""
        self.lines.append(f"{at - self.began:7.2f} s  {text}")
        print(self.lines[-1], flush=True)

    def change(self, whole: bool, text: str) -> None:
        """The cable was cut or mended."""
        self.done.append((time.monotonic(), whole))
        self.say(self.done[-1][0], text)

    def take(
        self,
        at: float,
        end: str,
        kind: str,
        states: dict[str, str],
        seconds: float = 0.0,
        matches: dict[str, int] | None = None,
    ) -> None:
        """What an end said, judged."""
        other = ROBOTS[1 - ROBOTS.index(end)]
        number = sum(when <= at for when, _ in self.done) - 1
        since, whole = at - self.done[number][0], self.done[number][1]
        if kind == "roster":
            self.say(at, f"{end}: roster {_words(states)}")
            if (states.get(other) == "there") == whole:
                self.noticed.setdefault((number, end), since)
            return
        right = {ROBOTS[0]: "answered", ROBOTS[1]: "answered"}
        cut = {**right, other: "timed_out"}
        fitting = [right if whole else cut]
        # It began, or ended, while nobody could know.
        if (number and since < ALLOWED_S) or any(at < when < at + seconds for when, _ in self.done):
            fitting = [right, cut]
        found = all(matches.get(robot, 0) == VISITS * (status == "answered") for robot, status in states.items())
        good = states in fitting and found and seconds < self.timeout_s + 0.1
        self.answers += 1
        self.wrong += not good
        self.within += states != ([right] if whole else [cut])[0]
        self.slowest_s = max(self.slowest_s, seconds)
        self.say(
            at,
            f"{end}: answer after {seconds:.2f} s, {_words(states)}, matches {_words(matches)}{'' if good else '  WRONG'}",
        )


def _words(values: dict) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items()) or "nobody"


def run(arguments: argparse.Namespace, folder: Path) -> dict:
    """The whole story; its numbers."""
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
        watchers = [
            context.Process(
                target=watch,
                daemon=True,
                args=(name, robot, environment, arguments.seed, arguments.timeout, results, over),
            )
            for name, robot in zip(cable.names, ROBOTS)
        ]
        for watcher in watchers:
            watcher.start()
        try:
            _listen(results, log, 60.0, lambda: len(log.noticed) == 2 and log.answers > 3)
            log.answers = log.wrong = log.within = 0
            log.say(time.monotonic(), "from here on answers count")
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
    known = [(number, end) for number in range(1, len(log.done)) for end in ROBOTS]
    found = {"answers": log.answers, "wrong answers": log.wrong, "slowest answer, s": round(log.slowest_s, 2)}
    for number, end in known:
        what = "mended" if log.done[number][1] else "cut"
        took = log.noticed.get((number, end))
        found[f"{what} at {log.done[number][0] - log.began:.0f} s, roster of {end} right after, s"] = (
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
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--loss", type=float, default=0.05)
    parser.add_argument("--delay", type=float, default=0.1, help="seconds, each way")
    parser.add_argument("--cuts", type=float, nargs="+", default=[10.0, 40.0], help="seconds each")
    parser.add_argument("--whole", type=float, default=20.0, help="seconds before and between cuts, and at the end")
    parser.add_argument("--timeout", type=float, default=2.0, help="the searches' deadline, seconds")
    parser.add_argument("--discovery", choices=DISCOVERY, default="multicast", help="how the robots find each other")
    parser.add_argument("--sightings", type=int, default=100_000)
    parser.add_argument("--profile", help="a Fast DDS profile for robots and askers")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--folder", help="where the stores are made, and kept for the next run; default: a temporary folder"
    )
    parser.add_argument("--json", metavar="FILE")
    arguments = parser.parse_args()
    why = possible()
    if why:
        raise SystemExit(f"no cable to cut: {why}")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(arguments.folder or temporary) / f"{arguments.sightings}_0_{arguments.seed}"
        found = run(arguments, folder)
    lines = found.pop("log")
    print()
    for name, value in found.items():
        print(f"{name:<52} {value}")
    if arguments.json:
        Path(arguments.json).write_text(
            json.dumps({"arguments": vars(arguments), "found": found, "log": lines}, indent=1)
        )


if __name__ == "__main__":
    main()
