"""One of ten robots killed and one stopped in mid-search: does the answer come in time, and does it name both?

    python benchmarks/mesh_killed.py [--robots 10] [--rounds 10] [--timeout 1.0] [--udp] [--json FILE]

A search takes a robot some milliseconds, so that chance alone would rarely hit one in its middle. SIGSTOP goes to one robot just
before the question, which it therefore hears and does not answer, and SIGKILL to another a random part of 10 ms after the
question went out; a robot that was quicker than its death has answered, and the round tells so. Then a second question: of the
one killed, silent for longer than a live robot is, and the one still stopped. At the end of a round the stopped one goes on and
the killed one is started again. ``--udp`` turns shared memory off: robots on machines of their own have none between them.
"""

import argparse
import json
import os
import random
import signal
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
from synthetic_fleet import Fleet, load, make_stores, people, search_request, wait_for_all

SILENT_S = 4.0
BACK_S = 20.0


def ask(asker, face, timeout_s: float) -> tuple[dict[str, str], float]:
    """What became of each robot, and how many milliseconds past its deadline the answer came (negative: before)."""
    response, seconds = asker.search(search_request(face, timeout_s), timeout_s)
    return {line.robot_id: line.status for line in response.robots}, (seconds - timeout_s) * 1e3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--robots", type=int, default=10)
    parser.add_argument("--sightings", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--timeout", type=float, default=1.0, help="the searches' deadline, seconds")
    parser.add_argument("--udp", action="store_true", help="no shared memory")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--folder", help="where the stores are made, and kept for the next run; default: a temporary folder"
    )
    parser.add_argument("--json", metavar="FILE")
    arguments = parser.parse_args()
    from facetrack_ros.client.fleet_client import FleetClient

    environment = {"FASTDDS_BUILTIN_TRANSPORTS": "UDPv4"} if arguments.udp else {}
    os.environ.update(environment)
    chance = random.Random(arguments.seed)
    robots = [f"robot{number:02d}" for number in range(1, arguments.robots + 1)]
    faces = people(arguments.seed)
    lives = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(arguments.folder or temporary) / f"{arguments.sightings}_0_{arguments.seed}"
        make_stores(folder, robots, arguments.sightings, 0, arguments.seed)
        with Fleet(folder, robots, environment) as fleet, FleetClient(robots[0]) as asker:
            asker.wait_for(lambda roster: len(roster) == len(robots), 120.0)
            wait_for_all(asker, robots, search_request(faces[0]))
            for number in range(arguments.rounds):
                killed, stopped = chance.sample(robots[1:], 2)
                after_ms = chance.uniform(0.0, 10.0)
                fleet.signal(stopped, signal.SIGSTOP)
                kill = threading.Timer(after_ms / 1e3, fleet.signal, (killed, signal.SIGKILL))
                kill.start()
                first, past_ms = ask(asker, faces[number], arguments.timeout)
                kill.join()
                time.sleep(SILENT_S)
                second, second_past_ms = ask(asker, faces[number], arguments.timeout)
                fleet.signal(stopped, signal.SIGCONT)
                fleet.join(killed)
                fleet.start(killed)
                began = time.monotonic()
                wait_for_all(asker, robots, search_request(faces[number], arguments.timeout), BACK_S)
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
    for name, value in found.items():
        print(f"{name:<42} {value}")
    if arguments.json:
        Path(arguments.json).write_text(
            json.dumps({"arguments": vars(arguments), "found": found, "rounds": lives}, indent=1)
        )


if __name__ == "__main__":
    main()
