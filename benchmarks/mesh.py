"""What the mesh adds to a search: 2, 10 and 50 robots as processes on one machine, 100,000 sightings each.

    python benchmarks/mesh.py [--robots 2 10 50] [--sightings 100000] [--searches 60] [--thumbnails 0] [--settle 300]
                              [--json FILE]

Each search is a call of one robot's ``face_search`` from another process, with an embedding. What the mesh adds is the
duration of the whole call less the longest ``elapsed_ms`` of a robot in that call. Every robot has 25 visits of the
face searched for and sends the best 20. Messages cross the loopback device and are counted there. With
ROS_AUTOMATIC_DISCOVERY_RANGE=LOCALHOST not all of fifty participants on a machine find each other (a client discovered
thirty robots): use SUBNET, best in a network namespace (unshare -n, with lo up and a route for 224.0.0.0/4).
"""

import argparse
import time
from pathlib import Path

import numpy as np
from common import (
    load,
    loopback_traffic,
    open_files,
    parse,
    print_values,
    resident_and_private_mb,
    thread_count,
    write_json,
)
from synthetic_fleet import (
    Fleet,
    fleet_parser,
    make_stores,
    number_of,
    people,
    robot_ids,
    search_request,
    stores_folder,
    wait_for_all,
)

IDLE_S = 8.0
LISTED_S = 120.0
QUIET_WINDOW_S = 5.0


def wait_until_quiet(timeout_s: float) -> None:
    """Wait until discovery is over: three windows of 5 s with the same loopback traffic within a tenth.

    Participants that start together exchange their endpoints long after the first heartbeats, fifty of them on two
    cores for a minute. No other program may use the loopback device.

    :param timeout_s: 0: do not wait.
    """
    deadline = time.monotonic() + timeout_s
    counts = [loopback_traffic()[1]]
    while time.monotonic() < deadline:
        time.sleep(QUIET_WINDOW_S)
        counts.append(loopback_traffic()[1])
        steps = np.diff(counts[-4:])
        if len(steps) == 3 and steps.max() <= 1.1 * steps.min():
            return
    if timeout_s:
        raise SystemExit(f"the loopback device is not quiet within {timeout_s:.0f} s")


def measure(count: int, arguments: argparse.Namespace, folder: Path) -> dict:
    """Measure a fleet of ``count`` robots."""
    from facetrack_ros.client.fleet_client import FleetClient

    robots = robot_ids(count)
    make_stores(folder, robots, arguments.sightings, arguments.thumbnails, arguments.seed)
    faces = people(arguments.seed)
    started = time.monotonic()
    with Fleet(folder, robots) as fleet, FleetClient(robots[0]) as client:
        if not client.wait_for(lambda roster: len(roster) == count, LISTED_S):
            raise SystemExit(f"only {', '.join(client.roster())} within {LISTED_S:.0f} s")
        listed_s = time.monotonic() - started
        wait_until_quiet(arguments.settle)
        quiet_s = time.monotonic() - started

        cpu, wire, began = fleet.cpu_s(), loopback_traffic(), time.monotonic()
        time.sleep(IDLE_S)
        idle_s = time.monotonic() - began
        idle_cpu = (fleet.cpu_s() - cpu) / idle_s / count
        idle_wire = [(now - then) / idle_s for now, then in zip(loopback_traffic(), wire)]

        first, first_s = client.search(search_request(faces[0]), 5.0)
        wait_for_all(client, robots, search_request(faces[0]))
        whole, slowest, incomplete = [], [], 0
        cpu, wire, began = fleet.cpu_s(), loopback_traffic(), time.monotonic()
        for number in range(arguments.searches):
            response, seconds = client.search(search_request(faces[number % len(faces)]), 5.0)
            incomplete += any(line.status != "answered" for line in response.robots) or len(response.robots) != count
            found = {number_of(match.person_id) for match in response.matches}
            assert found == {number % len(faces)}, "matches of another face"
            whole.append(seconds * 1e3)
            slowest.append(max(line.elapsed_ms for line in response.robots))
            time.sleep(arguments.pause)
        took = time.monotonic() - began
        busy_cpu = fleet.cpu_s() - cpu - idle_cpu * count * took
        busy_wire = (loopback_traffic()[0] - wire[0] - idle_wire[0] * took) / arguments.searches
        resident, private = np.median([resident_and_private_mb(fleet.pid(robot)) for robot in robots], axis=0)
        threads, handles = thread_count(fleet.pid(robots[0])), open_files(fleet.pid(robots[0]))
        sizes = wire_sizes(client, robots, faces[0])
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


def wire_sizes(client, robots: list[str], face: np.ndarray) -> dict:
    """Serialized sizes of a request, a response and a heartbeat, the largest of each; bytes."""
    from rclpy.serialization import serialize_message

    from facetrack_ros import msg
    from facetrack_ros.nodes.base.qos import RELIABLE

    sizes = {"request": [], "result": []}
    for kind, name in ((msg.FaceSearchRequest, "request"), (msg.FaceSearchResult, "result")):
        received = sizes[name]
        client.node.create_subscription(
            kind,
            f"/facetrack/search/{name}",
            lambda data, received=received: received.append(len(data)),
            RELIABLE,
            raw=True,
        )
    deadline = time.monotonic() + 20.0
    while (len(sizes["result"]) < len(robots) or not sizes["request"]) and time.monotonic() < deadline:
        client.search(search_request(face), 5.0)
        time.sleep(0.3)
    line = max(len(serialize_message(line)) for line in client.roster().values())
    return {
        "request, bytes": max(sizes["request"], default=0),
        "answer of a robot, bytes": max(sizes["result"], default=0),
        "line of the roster, bytes": line,
    }


def _median(values) -> float:
    return round(float(np.median(values)), 1)


def _p95(values) -> float:
    return round(float(np.percentile(values, 95)), 1)


def main() -> None:
    parser = fleet_parser(__doc__)
    parser.add_argument("--robots", type=int, nargs="+", default=[2, 10, 50])
    parser.add_argument("--searches", type=int, default=60)
    parser.add_argument("--pause", type=float, default=0.2, help="seconds between searches")
    parser.add_argument("--thumbnails", type=int, default=0, help="bytes of each match's thumbnail")
    parser.add_argument("--settle", type=float, default=300.0, help="timeout of the discovery, seconds; 0: do not wait")
    arguments = parse(parser)
    found = []
    with stores_folder(arguments, arguments.thumbnails) as folder:
        for count in arguments.robots:
            found.append(measure(count, arguments, folder))
            print_values(found[-1])
            print(flush=True)
    write_json(arguments.json, {"arguments": vars(arguments), "found": found})


if __name__ == "__main__":
    main()
