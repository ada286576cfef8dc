"""A thousand searches in a row from four clients at once: responses lost or mixed up, and growth of memory.

    python benchmarks/mesh_row.py [--robots 6] [--searches 1000] [--askers 4] [--json FILE]

Each client is a process that calls the ``face_search`` of one of the first robots, with faces of its own. Every match
must be a visit of the face searched for, every robot must have answered, and no two responses have one search id. After
every hundredth search of the first client, resident memory, open files and threads of all robots and clients are read.
"""

import multiprocessing
import os

from common import load, open_files, parse, print_values, rss_bytes, thread_count, write_json
from synthetic_fleet import (
    PEOPLE,
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


def search_in_a_row(robot: str, own: list[int], searches: int, robots: list[str], seed: int, results, go) -> None:
    """Search ``searches`` times through a robot and check each response; report every hundredth.

    :param own: rows of :func:`people` to search for.
    :param results: queue of ``(robot, "at", searches, process id)`` and ``(robot, "end", counts, search ids)``.
    :param go: barrier that all clients reach before the first search.
    """
    from facetrack_ros.client.fleet_client import FleetClient

    faces = people(seed)
    count = {"lost": 0, "mixed up": 0, "incomplete": 0}
    ids = set()
    with FleetClient(robot) as client:
        wait_for_all(client, robots, search_request(faces[own[0]]))
        go.wait()
        for number in range(searches):
            if number % 100 == 0:
                results.put((robot, "at", number, os.getpid()))
            person = own[number % len(own)]
            try:
                response, _ = client.search(search_request(faces[person], 10.0), 10.0)
            except Exception as error:  # any error counts as a lost search
                print(f"{robot}: {error}", flush=True)
                count["lost"] += 1
                continue
            found = {number_of(match.person_id) for match in response.matches}
            statuses = {line.robot_id: line.status for line in response.robots}
            count["lost"] += not response.matches
            count["mixed up"] += found != {person} or len(response.matches) != 20 or response.search_id in ids
            count["incomplete"] += statuses != dict.fromkeys(robots, "answered")
            ids.add(response.search_id)
        results.put((robot, "at", searches, os.getpid()))
        results.put((robot, "end", count, sorted(ids)))
        go.wait()


def sizes(pid: int) -> tuple[float, int, int]:
    """Resident MB, open files, threads of a process."""
    return round(rss_bytes(pid) / 1e6, 1), open_files(pid), thread_count(pid)


def main() -> None:
    parser = fleet_parser(__doc__)
    parser.add_argument("--robots", type=int, default=6)
    parser.add_argument("--askers", type=int, default=4, help="clients")
    parser.add_argument("--searches", type=int, default=1000, help="of all clients together")
    arguments = parse(parser)
    robots = robot_ids(arguments.robots)
    each = arguments.searches // arguments.askers
    seen, ends = [], {}
    with stores_folder(arguments) as folder:
        make_stores(folder, robots, arguments.sightings, 0, arguments.seed)
        with Fleet(folder, robots) as fleet:
            context = multiprocessing.get_context("spawn")
            results, go = context.Queue(), context.Barrier(arguments.askers)
            clients = []
            for number in range(arguments.askers):
                own = list(range(number, PEOPLE, arguments.askers))
                work = (robots[number], own, each, robots, arguments.seed, results, go)
                clients.append(context.Process(target=search_in_a_row, daemon=True, args=work))
                clients[-1].start()
            while len(ends) < arguments.askers:
                robot, kind, value, more = results.get(timeout=300)
                if kind == "end":
                    ends[robot] = (value, more)
                elif robot == robots[0] or value in (0, each):
                    row = {
                        "asker": robot,
                        "searches": value,
                        "asker's MB, files, threads": sizes(more),
                        **{name: sizes(fleet.pid(name)) for name in robots},
                    }
                    seen.append(row)
                    print(*(f"{name} {value}" for name, value in row.items()), sep="  ", flush=True)
            for client in clients:
                client.join(20)
    ids = [search_id for _, own in ends.values() for search_id in own]
    found = {
        "searches": each * arguments.askers,
        **{name: sum(count[name] for count, _ in ends.values()) for name in ("lost", "mixed up", "incomplete")},
        "search ids used twice": len(ids) - len(set(ids)),
        "machine": load(),
    }
    print_values(found)
    write_json(arguments.json, {"arguments": vars(arguments), "found": found, "sizes": seen})


if __name__ == "__main__":
    main()
