"""What a fleet file adds to a search: two robots as processes on one machine, open and with signed and sealed messages.

    python benchmarks/signed_search.py [--robots 2] [--sightings 10000] [--searches 60] [--rounds 2] [--thumbnails 4000]
                                       [--json FILE]

Each search is a call of one robot's ``face_search`` from another process, with an embedding; each robot sends its best
20 matches with their thumbnails. The whole call is signed and sealed, and so are the request to the robots and each
answer. Open and signed fleets take turns. The steps alone are measured on a message of an answer's size.
"""

import argparse
import os
import tempfile
import time
from pathlib import Path

import numpy as np
from common import load, parse, print_values, write_json
from synthetic_fleet import (
    Fleet,
    fleet_parser,
    make_stores,
    people,
    robot_ids,
    search_request,
    stores_folder,
    wait_for_all,
)

from facetrack_ros.security.fleet_file import OPERATOR, ROBOT, FleetFile
from facetrack_ros.security.keys import Identity
from facetrack_ros.security.keys_folder import KEYS_VARIABLE
from facetrack_ros.security.membership import ROBOTS_ONLY, Membership
from facetrack_ros.security.permissions import PERMISSIONS
from facetrack_ros.security.signing import ReplayGuard

TOPIC = "/facetrack/search/result"
STEPS = 300


def make_fleet(folder: Path, robots: list[str]) -> None:
    """A fleet file of the robots and one operator, and all keys."""
    founder = Identity.new("founder")
    fleet = FleetFile.new("fleet", founder)
    for name in (*robots, "operator"):
        identity = Identity.new(name)
        identity.write(folder / f"{name}.key")
        kind = ROBOT if name in robots else OPERATOR
        fleet = fleet.with_member(founder, name, kind, identity.public, PERMISSIONS)
    fleet.write(folder / "fleet.yaml", founder, time.time_ns())


def search_ms(keys: str, folder: Path, arguments: argparse.Namespace) -> tuple[list[float], float]:
    """Duration of each search less the longest search of a robot's store in it, and processor time of a search, ms.

    The latter is that of all processes together, with what they do between searches; it depends less on other programs.
    """
    from facetrack_ros.client.fleet_client import FleetClient

    robots, faces = robot_ids(arguments.robots), people(arguments.seed)
    os.environ[KEYS_VARIABLE] = keys
    with Fleet(folder, robots, {KEYS_VARIABLE: keys}) as fleet, FleetClient(robots[0]) as client:
        assert (client.node.fleet is None) == (not (Path(keys) / "fleet.yaml").exists())
        wait_for_all(client, fleet.robots, search_request(faces[0]))
        added, cpu = [], fleet.cpu_s() + time.process_time()
        for number in range(arguments.searches):
            response, seconds = client.search(search_request(faces[number % len(faces)]), 5.0)
            added.append(seconds * 1e3 - max(line.elapsed_ms for line in response.robots))
            time.sleep(0.05)
        return added, (fleet.cpu_s() + time.process_time() - cpu) * 1e3 / arguments.searches


def step_ms(folder: Path, kilobytes: int) -> dict[str, float]:
    """Median duration of wrapping and of unwrapping a message for one reader, ms."""
    robot, operator = (Membership(folder / "fleet.yaml", Identity.read(folder / f"{name}.key")) for name in NAMES)
    content, guard, wrapping, opening = os.urandom(kilobytes * 1000), ReplayGuard(), [], []
    for _ in range(STEPS):
        began = time.perf_counter()
        envelope = robot.wrap(TOPIC, content, "operator", time.time_ns())
        wrapped = time.perf_counter()
        operator.unwrap(TOPIC, envelope, ROBOTS_ONLY, time.time_ns(), guard)
        wrapping.append((wrapped - began) * 1e3)
        opening.append((time.perf_counter() - wrapped) * 1e3)
    return {
        f"sign and seal {kilobytes} kB, ms": round(float(np.median(wrapping)), 3),
        f"check and open {kilobytes} kB, ms": round(float(np.median(opening)), 3),
    }


NAMES = (robot_ids(1)[0], "operator")


def main() -> None:
    parser = fleet_parser(__doc__)
    parser.set_defaults(sightings=10_000)
    parser.add_argument("--robots", type=int, default=2)
    parser.add_argument("--searches", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--thumbnails", type=int, default=4000, help="bytes of each match's thumbnail")
    arguments = parse(parser)
    with stores_folder(arguments, arguments.thumbnails) as stores, tempfile.TemporaryDirectory() as temporary:
        closed, none = Path(temporary) / "keys", Path(temporary) / "none"
        make_fleet(closed, robot_ids(arguments.robots))
        make_stores(stores, robot_ids(arguments.robots), arguments.sightings, arguments.thumbnails, arguments.seed)
        found: dict[str, list[float]] = {"open": [], "signed and sealed": []}
        cpu: dict[str, list[float]] = {name: [] for name in found}
        for _ in range(arguments.rounds):
            for name, keys in (("open", none), ("signed and sealed", closed)):
                added, each_ms = search_ms(str(keys), stores, arguments)
                found[name] += added
                cpu[name].append(each_ms)
        median = {name: float(np.median(values)) for name, values in found.items()}
        values = {
            **{f"{name}, median ms": round(value, 2) for name, value in median.items()},
            **{f"{name}, p95 ms": round(float(np.percentile(each, 95)), 2) for name, each in found.items()},
            "signing and sealing adds, median ms": round(median["signed and sealed"] - median["open"], 2),
            **{f"{name}, processor time of a search, ms": round(min(each), 2) for name, each in cpu.items()},
            **step_ms(closed, 1),
            **step_ms(closed, 100),
            "machine": load(),
        }
    print_values(values)
    write_json(arguments.json, {"arguments": vars(arguments), "found": values})


if __name__ == "__main__":
    main()
