"""``facetrack persons list`` over a fleet: complete lists out of a hundred, and how long each takes.

    python benchmarks/people_list.py [--robots 2 10 20] [--lists 100] [--json FILE]

Each robot is a process with a store of its own, in which every person has an id that is the same on all robots. A list
is complete if it names every person with every robot. Each list has a client of its own, as the command has: the time
from its start until every robot was heard and no other was discovered for a second is discovery; the list's own time is
counted from there on.
"""

import statistics
import time

from common import parse, print_values, write_json
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


def main() -> None:
    parser = fleet_parser(__doc__)
    parser.set_defaults(sightings=5000)
    parser.add_argument("--robots", type=int, nargs="+", default=[2, 10, 20])
    parser.add_argument("--lists", type=int, default=100)
    arguments = parse(parser)
    rows = []
    with stores_folder(arguments) as folder:
        for count in arguments.robots:
            robots = robot_ids(count)
            make_stores(folder, robots, arguments.sightings, 0, arguments.seed)
            with Fleet(folder, robots):
                rows.append(measure(robots, arguments.lists, arguments.seed))
            print_values(rows[-1])
    write_json(arguments.json, rows)


def measure(robots: list[str], lists: int, seed: int) -> dict:
    """Counts and times of ``lists`` lists of a running fleet."""
    from facetrack_ros.client.fleet_client import FleetClient
    from facetrack_ros.client.people_client import PeopleClient
    from facetrack_ros.errors import RequestError

    with FleetClient(robots[0]) as client:
        wait_for_all(client, robots, search_request(people(seed)[0]))
    complete, found_s, listed_s = 0, [], []
    for _ in range(lists):
        began = time.monotonic()
        with PeopleClient() as client:
            try:
                client.requester.discover()
            except RequestError as error:
                print(f"after {time.monotonic() - began:.1f} s: {error}", flush=True)
                continue
            found = time.monotonic()
            listed = client.people()
            listed_s.append(time.monotonic() - found)
            found_s.append(found - began)
        persons = listed.persons()
        whole = listed.complete and len(persons) > 0 and all(list(person.robots) == robots for person in persons)
        complete += whole
        if not whole:
            print(f"listed: {len(listed.robots)} robots, {len(persons)} persons; not: {listed.not_listed}", flush=True)
    return {
        "robots": len(robots),
        "persons": len(persons),
        "complete": f"{complete} of {lists}",
        "discovery_median_s": round(statistics.median(found_s), 3),
        "list_median_s": round(statistics.median(listed_s), 3),
        "list_max_s": round(max(listed_s), 3),
    }


if __name__ == "__main__":
    main()
