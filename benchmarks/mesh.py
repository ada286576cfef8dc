"""What the mesh adds to a search: 2, 10 and 50 robots as processes on one machine, 100,000 sightings each.

    python benchmarks/mesh.py [--robots 2 10 50] [--sightings 100000] [--searches 60] [--thumbnails 0] [--settle 300] [--udp]
                              [--json FILE]

Each search is a call of one robot's ``face_search`` from another process, with an embedding. What the mesh adds is the time of the
whole call less the ``elapsed_ms`` of the robot whose own search took longest in that call. Every robot has 25 visits of the face
asked for and sends the best 20. ``--udp`` turns shared memory off, so that what the robots say crosses the loopback device and is
counted there; robots on machines of their own have no shared memory either. With ROS_AUTOMATIC_DISCOVERY_RANGE=LOCALHOST not all of
fifty participants on a machine find each other (an asker heard of thirty robots): these want SUBNET, best in a network namespace of
their own (unshare -n, with lo up and a route for 224.0.0.0/4).
"""

import argparse
import json
import os
import tempfile
import time
from pathlib import Path

import numpy as np
from common import open_files, thread_count
from synthetic_fleet import Fleet, load, make_stores, number_of, people, search_request, wait_for_all

IDLE_S = 8.0
LISTED_S = 120.0
QUIET_WINDOW_S = 5.0


def loopback() -> tuple[int, int]:
    """Bytes and packets the loopback device has carried."""
    for line in Path("/proc/net/dev").read_text().splitlines():
        name, _, rest = line.partition(":")
        if name.strip() == "lo":
            return int(rest.split()[0]), int(rest.split()[1])
    return 0, 0


def wait_until_quiet(at_most_s: float) -> None:
    """Wait until the loopback device carries as much as in the 5 s before, within a tenth, twice: the fleet has found itself.

    Participants that all start at once tell each other of their endpoints long after the first line of everybody's roster is heard,
    fifty of them on two cores for a minute; until then what is measured is this. It wants a loopback device of their own.

    :param at_most_s: 0: it is not waited for.
    """
    deadline = time.monotonic() + at_most_s
    counts = [loopback()[1]]
    while time.monotonic() < deadline:
        time.sleep(QUIET_WINDOW_S)
        counts.append(loopback()[1])
        steps = np.diff(counts[-4:])
        if len(steps) == 3 and steps.max() <= 1.1 * steps.min():
            return
    if at_most_s:
        raise SystemExit(f"the loopback device is not quiet within {at_most_s:.0f} s")


def measure(count: int, arguments: argparse.Namespace, folder: Path) -> dict:
    """One fleet."""
    from facetrack_ros.client.fleet_client import FleetClient

    robots = [f"robot{number:02d}" for number in range(1, count + 1)]
    make_stores(folder, robots, arguments.sightings, arguments.thumbnails, arguments.seed)
    environment = {"FASTDDS_BUILTIN_TRANSPORTS": "UDPv4"} if arguments.udp else {}
    os.environ.update(environment)
    asked = people(arguments.seed)
    started = time.monotonic()
    with Fleet(folder, robots, environment) as fleet, FleetClient(robots[0]) as asker:
        if not asker.wait_for(lambda roster: len(roster) == count, LISTED_S):
            raise SystemExit(f"only {', '.join(asker.roster())} within {LISTED_S:.0f} s")
        listed_s = time.monotonic() - started
        wait_until_quiet(arguments.settle)
        quiet_s = time.monotonic() - started

        cpu, wire, began = fleet.cpu_s(), loopback(), time.monotonic()
        time.sleep(IDLE_S)
        idle_s = time.monotonic() - began
        idle_cpu = (fleet.cpu_s() - cpu) / idle_s / count
        idle_wire = [(now - then) / idle_s for now, then in zip(loopback(), wire)]

        first, first_s = asker.search(search_request(asked[0]), 5.0)
        wait_for_all(asker, robots, search_request(asked[0]))
        whole, slowest, incomplete = [], [], 0
        cpu, wire, began = fleet.cpu_s(), loopback(), time.monotonic()
        for number in range(arguments.searches):
            response, seconds = asker.search(search_request(asked[number % len(asked)]), 5.0)
            incomplete += any(line.status != "answered" for line in response.robots) or len(response.robots) != count
            assert {number_of(match.person_id) for match in response.matches} == {number % len(asked)}, (
                "somebody else's answer"
            )
            whole.append(seconds * 1e3)
            slowest.append(max(line.elapsed_ms for line in response.robots))
            time.sleep(arguments.pause)
        took = time.monotonic() - began
        busy_cpu = fleet.cpu_s() - cpu - idle_cpu * count * took
        busy_wire = (loopback()[0] - wire[0] - idle_wire[0] * took) / arguments.searches
        resident, private = np.median([fleet.memory_mb(robot) for robot in robots], axis=0)
        threads, handles = thread_count(fleet.pid(robots[0])), open_files(fleet.pid(robots[0]))
        sizes = wire_sizes(asker, robots, asked[0])
    added = np.array(whole) - np.array(slowest)
    return {
        "robots": count,
        "whole call, median ms": _median(whole),
        "whole call, p95 ms": _p95(whole),
        "slowest robot's search, median ms": _median(slowest),
        "slowest robot's search, p95 ms": _p95(slowest),
        "the mesh adds, median ms": _median(added),
        "the mesh adds, p95 ms": _p95(added),
        "searches not answered by all": incomplete,
        "the first search, ms": round(first_s * 1e3, 1),
        "robots that answered it": sum(line.status == "answered" for line in first.robots),
        "CPU of all robots for a search, ms": round(busy_cpu * 1e3 / arguments.searches, 1),
        "CPU of an idle robot, %": round(idle_cpu * 100, 2),
        "loopback of the idle fleet, kB/s": round(idle_wire[0] / 1e3, 1),
        "loopback of the idle fleet, packets/s": round(idle_wire[1]),
        "loopback for a search, kB": round(busy_wire / 1e3, 1),
        "all listed after, s": round(listed_s, 1),
        "quiet after, s": round(quiet_s, 1),
        "memory of a robot, MB": round(float(resident)),
        "of it its own, MB": round(float(private)),
        "threads of a robot": threads,
        "open files of a robot": handles,
        **sizes,
        "machine": load(),
    }


def wire_sizes(asker, robots: list[str], face: np.ndarray) -> dict:
    """Serialized sizes of a request, of an answer as heard, and of a line of the roster; bytes."""
    from rclpy.serialization import serialize_message

    from facetrack_ros import msg
    from facetrack_ros.nodes.base.qos import RELIABLE

    heard = {"request": [], "answer": []}
    node = asker.node
    node.create_subscription(
        msg.FaceSearchRequest,
        "/facetrack/search/request",
        lambda data: heard["request"].append(len(data)),
        RELIABLE,
        raw=True,
    )
    node.create_subscription(
        msg.FaceSearchResult,
        "/facetrack/search/result",
        lambda data: heard["answer"].append(len(data)),
        RELIABLE,
        raw=True,
    )
    deadline = time.monotonic() + 20.0
    while (len(heard["answer"]) < len(robots) or not heard["request"]) and time.monotonic() < deadline:
        asker.search(search_request(face), 5.0)
        time.sleep(0.3)
    line = max(len(serialize_message(line)) for line in asker.roster().values())
    return {
        "request, bytes": max(heard["request"], default=0),
        "answer of a robot, bytes": max(heard["answer"], default=0),
        "line of the roster, bytes": line,
    }


def _median(values) -> float:
    return round(float(np.median(values)), 1)


def _p95(values) -> float:
    return round(float(np.percentile(values, 95)), 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--robots", type=int, nargs="+", default=[2, 10, 50])
    parser.add_argument("--sightings", type=int, default=100_000)
    parser.add_argument("--searches", type=int, default=60)
    parser.add_argument("--pause", type=float, default=0.2, help="seconds between searches")
    parser.add_argument("--thumbnails", type=int, default=0, help="bytes of each match's thumbnail")
    parser.add_argument(
        "--settle", type=float, default=300.0, help="how long the robots may take to find each other, seconds"
    )
    parser.add_argument("--udp", action="store_true", help="no shared memory")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--folder", help="where the stores are made, and kept for the next run; default: a temporary folder"
    )
    parser.add_argument("--json", metavar="FILE")
    arguments = parser.parse_args()
    found = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(arguments.folder or temporary) / f"{arguments.sightings}_{arguments.thumbnails}_{arguments.seed}"
        for count in arguments.robots:
            found.append(measure(count, arguments, folder))
            print(*(f"{name:<42} {value}" for name, value in found[-1].items()), sep="\n", end="\n\n", flush=True)
    if arguments.json:
        Path(arguments.json).write_text(json.dumps({"arguments": vars(arguments), "found": found}, indent=1))


if __name__ == "__main__":
    main()
