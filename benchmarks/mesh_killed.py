"""Search responses while one of ten robots is killed and one is stopped: in time, and naming both?

    python benchmarks/mesh_killed.py [--robots 10] [--rounds 10] [--timeout 1.0] [--json FILE]

In each round SIGSTOP goes to one robot just before the search, so that it receives the request and does not respond,
and SIGKILL to another 0 to 10 ms after the request was sent; a robot that had responded before counts as answered. 4 s
later, when both have been silent for longer than a live robot is, comes a second search. At the end of a round the
stopped robot continues and the killed one is started again.
"""

import random
import signal
import threading
import time

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

SILENT_S = 4.0
BACK_S = 20.0


def search(client, face: np.ndarray, timeout_s: float) -> tuple[dict[str, str], float]:
    """Status of each robot, and milliseconds between the deadline and the response (negative: before)."""
    response, seconds = client.search(search_request(face, timeout_s), timeout_s)
    return {line.robot_id: line.status for line in response.robots}, (seconds - timeout_s) * 1e3


def main() -> None:
    parser = fleet_parser(__doc__)
    parser.add_argument("--robots", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--timeout", type=float, default=1.0, help="the searches' deadline, seconds")
    arguments = parse(parser)
    from facetrack_ros.client.fleet_client import FleetClient

    chance = random.Random(arguments.seed)
    robots = robot_ids(arguments.robots)
    faces = people(arguments.seed)
    lives = []
    with stores_folder(arguments) as folder:
        make_stores(folder, robots, arguments.sightings, 0, arguments.seed)
        with Fleet(folder, robots) as fleet, FleetClient(robots[0]) as client:
            client.wait_for(lambda roster: len(roster) == len(robots), 120.0)
            wait_for_all(client, robots, search_request(faces[0]))
            for number in range(arguments.rounds):
                killed, stopped = chance.sample(robots[1:], 2)
                after_ms = chance.uniform(0.0, 10.0)
                fleet.signal(stopped, signal.SIGSTOP)
                kill = threading.Timer(after_ms / 1e3, fleet.signal, (killed, signal.SIGKILL))
                kill.start()
                first, past_ms = search(client, faces[number], arguments.timeout)
                kill.join()
                time.sleep(SILENT_S)
                second, second_past_ms = search(client, faces[number], arguments.timeout)
                fleet.signal(stopped, signal.SIGCONT)
                fleet.join(killed)
                fleet.start(killed)
                began = time.monotonic()
                wait_for_all(client, robots, search_request(faces[number], arguments.timeout), BACK_S)
                others = set(robots) - {killed, stopped}
                lives.append(
                    {
                        "killed": first[killed],
                        "stopped": first[stopped],
                        "past the deadline, ms": round(past_ms, 1),
                        "others answered": all(first[robot] == "answered" for robot in others),
                        "then killed": second[killed],
                        "then stopped": second[stopped],
                        "then past the deadline, ms": round(second_past_ms, 1),
                        "then others answered": all(second[robot] == "answered" for robot in others),
                        "both back after, s": round(time.monotonic() - began, 1),
                    }
                )
                print(number + 1, lives[-1], flush=True)
    past = [life["past the deadline, ms"] for life in lives if life["stopped"] != "answered"]
    then = [life["then past the deadline, ms"] for life in lives]
    found = {
        "rounds": len(lives),
        "the stopped one named": sum(life["stopped"] == "timed_out" for life in lives),
        "the killed one named": sum(life["killed"] in ("timed_out", "left") for life in lives),
        "the killed one had answered before": sum(life["killed"] == "answered" for life in lives),
        "all others answered": sum(life["others answered"] and life["then others answered"] for life in lives),
        "answer after the deadline, median ms": round(float(np.median(past)), 1),
        "answer after the deadline, most ms": max(past),
        "4 s later: both named": sum(life["then killed"] == life["then stopped"] == "timed_out" for life in lives),
        "4 s later: before the deadline, least ms": round(-max(then), 1),
        "machine": load(),
    }
    print_values(found)
    write_json(arguments.json, {"arguments": vars(arguments), "found": found, "rounds": lives})


if __name__ == "__main__":
    main()
