"""The event log: time of an event, with and without fsync, and events lost by SIGKILL at random moments.

    python benchmarks/event_log.py [--kills 100] [--json FILE] [--dir DIR]

A writer prints each event's number after :meth:`EventLog.append` has returned, and is killed; each printed event must
be complete in the log. Both formats take turns.
"""

import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from common import argument_parser, markdown_table, parse, write_json

from facetrack_ros.core.event import FACE_MATCHED, PERSON_IN, PERSON_OUT, PersonEvent
from facetrack_ros.history.events.format import read_events
from facetrack_ros.history.events.log import EventLog

NOON_NS = 1_795_348_800 * 10**9
FORMATS = ("jsonl", "csv")
#: The program of a writer; arguments: folder, format, first number, :data:`NOON_NS`.
WRITER = """
import sys
from facetrack_ros.history.events.log import EventLog
from facetrack_ros.core.event import PERSON_IN, PersonEvent
log, number, noon_ns = EventLog(sys.argv[1], sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
while True:
    place = (noon_ns + number * 1000, "robot1", "front", f"p_robot1_{number}", number)
    log.append(PersonEvent(PERSON_IN, *place, (1, 2, 3, 4), 0.5))
    print(number, flush=True)
    number += 1
"""


def events(count: int) -> list[PersonEvent]:
    """Events, all kinds in turn."""
    made = []
    for number in range(count):
        place = (NOON_NS + number * 10**6, "robot1", "front", f"p_robot1_{number // 3}", number)
        made.append(
            (
                PersonEvent(PERSON_IN, *place, bbox=(1.5, 2.5, 61.0, 180.0), confidence=0.8),
                PersonEvent(FACE_MATCHED, *place, reference_face_id="p_robot2_4", similarity=0.61),
                PersonEvent(
                    PERSON_OUT, *place, last_seen_ns=NOON_NS, duration_ns=10**9, last_bbox=(1.5, 2.5, 61.0, 180.0)
                ),
            )[number % 3]
        )
    return made


def time_log(folder: Path, format: str, fsync: bool, made: list[PersonEvent]) -> float:
    """Milliseconds to append all events to a new log."""
    log = EventLog(folder, format, fsync)
    started = time.perf_counter()
    for event in made:
        log.append(event)
    spent = (time.perf_counter() - started) * 1e3
    log.close()
    return spent


def kill_writers(folder: Path, format: str, kills: int, rng: random.Random) -> tuple[int, int, int]:
    """Acknowledged events, those of them that are missing, and lines that are damaged."""
    acknowledged: set[int] = set()
    number = 0
    for _ in range(kills):
        command = [sys.executable, "-c", WRITER, str(folder), format, str(number), str(NOON_NS)]
        writer = subprocess.Popen(command, stdout=subprocess.PIPE)
        writer.stdout.readline()  # from now on it writes at full speed
        acknowledged.add(number)
        time.sleep(rng.uniform(0, 0.05))
        writer.send_signal(signal.SIGKILL)
        # The last line may be cut short.
        acknowledged.update(int(line) for line in writer.stdout.read().split(b"\n")[:-1])
        writer.wait()
        number = max(acknowledged) + 10
    found = [event["frame_number"] for event in read_events(folder)]
    lines = sum(len(path.read_bytes().split(b"\n")) - 1 - (format == "csv") for path in folder.glob("events-*"))
    return len(acknowledged), len(acknowledged - set(found)), lines - len(found)


def main() -> None:
    parser = argument_parser(__doc__, data=False)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--events", type=int, default=1000)
    parser.add_argument("--dir", type=Path, help="on the disk to be measured")
    arguments = parse(parser)
    made, result, rows = events(arguments.events), {}, []
    with tempfile.TemporaryDirectory(dir=arguments.dir) as folder:
        spent: dict = {(format, fsync): [] for format in FORMATS for fsync in (False, True)}
        for turn in range(5):
            for format, fsync in spent:
                spent[format, fsync].append(time_log(Path(folder) / f"{format}{fsync}{turn}", format, fsync, made))
        for format in FORMATS:
            plain, synced = (float(np.median(spent[format, fsync])) for fsync in (False, True))
            result[format] = {"ms": plain, "fsync_ms": synced}
            rows.append((format, f"{plain:.1f}", f"{synced:.0f}"))
        print(markdown_table(("format", f"{arguments.events} events, ms", "with fsync: each, ms"), rows) + "\n")
        rng, kills, rows = random.Random(7), arguments.kills // 2, []
        for format in FORMATS:
            counted = kill_writers(Path(folder) / f"killed-{format}", format, kills, rng)
            result[format] |= dict(zip(("acknowledged", "lost", "damaged"), counted), kills=kills)
            rows.append((format, kills, *counted))
        print(markdown_table(("format", "SIGKILLs", "acknowledged events", "lost", "damaged lines"), rows))
    write_json(arguments.json, result)


if __name__ == "__main__":
    main()
