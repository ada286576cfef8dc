"""A thousand searches in a row from four askers at once: is one lost, mixed up, or left behind in memory?

    python benchmarks/mesh_row.py [--robots 6] [--searches 1000] [--askers 4] [--json FILE]

Each asker is a process of its own with a front door of its own (the first robots) and faces of its own. Every match must be of a
visit of the face asked for, every robot must have answered, and two answers never have one search id. After every hundredth
search of the first asker come the resident sets, open files and threads of all robots and askers.
"""

import argparse
import json
import multiprocessing
import os
import tempfile
from pathlib import Path

from synthetic_fleet import PEOPLE, Fleet, load, make_stores, number_of, people, search_request, wait_for_all


def ask_in_a_row(door: str, own: list[int], searches: int, robots: list[str], seed: int, results, go) -> None:
    """One asker's life: ``searches`` calls, each checked; reports every hundredth."""
    from facetrack_ros.client.fleet_client import FleetClient

    faces = people(seed)
    count = {"lost": 0, "mixed up": 0, "incomplete": 0}
    ids = set()
    with FleetClient(door) as asker:
        wait_for_all(asker, robots, search_request(faces[own[0]]))
        go.wait()
        for number in range(searches):
            if number % 100 == 0:
                results.put((door, "at", number, os.getpid()))
            person = own[number % len(own)]
            try:
                response, _ = asker.search(search_request(faces[person], 10.0), 10.0)
            except Exception as error:  # whatever it was, a search is lost
                print(f"{door}: {error}", flush=True)
                count["lost"] += 1
                continue
            count["lost"] += not response.matches
            count["mixed up"] += (
                {number_of(match.person_id) for match in response.matches} != {person}
                or len(response.matches) != 20
                or response.search_id in ids
            )
            count["incomplete"] += {line.robot_id: line.status for line in response.robots} != dict.fromkeys(
                robots, "answered"
            )
            ids.add(response.search_id)
        results.put((door, "at", searches, os.getpid()))
        results.put((door, "end", count, sorted(ids)))
        go.wait()


def sizes(pid: int) -> tuple[float, int, int]:
    """Resident MB, open files, threads of a process."""
    resident = int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
    return round(resident, 1), len(os.listdir(f"/proc/{pid}/fd")), len(os.listdir(f"/proc/{pid}/task"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--robots", type=int, default=6)
    parser.add_argument("--askers", type=int, default=4)
    parser.add_argument("--sightings", type=int, default=100_000)
    parser.add_argument("--searches", type=int, default=1000, help="of all askers together")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--folder", help="where the stores are made, and kept for the next run; default: a temporary folder"
    )
    parser.add_argument("--json", metavar="FILE")
    arguments = parser.parse_args()
    robots = [f"robot{number:02d}" for number in range(1, arguments.robots + 1)]
    each = arguments.searches // arguments.askers
    seen, ends = [], {}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(arguments.folder or temporary) / f"{arguments.sightings}_0_{arguments.seed}"
        make_stores(folder, robots, arguments.sightings, 0, arguments.seed)
        with Fleet(folder, robots) as fleet:
            context = multiprocessing.get_context("spawn")
            results, go = context.Queue(), context.Barrier(arguments.askers)
            askers = [
                context.Process(
                    target=ask_in_a_row,
                    daemon=True,
                    args=(
                        robots[number],
                        list(range(number, PEOPLE, arguments.askers)),
                        each,
                        robots,
                        arguments.seed,
                        results,
                        go,
                    ),
                )
                for number in range(arguments.askers)
            ]
            for asker in askers:
                asker.start()
            pids = {}
            while len(ends) < arguments.askers:
                door, kind, value, more = results.get(timeout=300)
                if kind == "end":
                    ends[door] = (value, more)
                    continue
                pids[door] = more
                if door == robots[0] or value in (0, each):
                    row = {
                        "asker": door,
                        "searches": value,
                        "asker's MB, files, threads": sizes(more),
                        **{robot: sizes(fleet.pid(robot)) for robot in robots},
                    }
                    seen.append(row)
                    print(*(f"{name} {value}" for name, value in row.items()), sep="  ", flush=True)
            for asker in askers:
                asker.join(20)
    ids = [one for _, own in ends.values() for one in own]
    found = {
        "searches": each * arguments.askers,
        **{name: sum(count[name] for count, _ in ends.values()) for name in ("lost", "mixed up", "incomplete")},
        "search ids used twice": len(ids) - len(set(ids)),
        "machine": load(),
    }
    for name, value in found.items():
        print(f"{name:<42} {value}")
    if arguments.json:
        Path(arguments.json).write_text(
            json.dumps({"arguments": vars(arguments), "found": found, "sizes": seen}, indent=1)
        )


if __name__ == "__main__":
    main()
