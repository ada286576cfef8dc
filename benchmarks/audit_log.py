"""Audit log: what a record costs, how long a check takes, and random edits, cuts and swaps of a log that are found.

    python benchmarks/audit_log.py [--records N] [--edits N] [--json FILE]

Records are those of searches with 20 matches. Each edit changes, deletes, adds, repeats or exchanges bytes, lines or
files of a log of three days, at random places; it is found if the check says that something is wrong.
"""

import json
import random
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from common import argument_parser, parse, write_json

from facetrack_ros.history.audit.audit_log import SEARCH, AuditLog
from facetrack_ros.history.audit.verification import verify_chain
from facetrack_ros.search.audit.records import search_record
from facetrack_ros.search.request import SearchRequest
from facetrack_ros.search.response import ANSWERED, Match, RobotResponse

NOW_NS = 1_700_000_000 * 10**9
DAY_NS = 86_400 * 10**9
_EDITS = (
    "byte",
    "cut out",
    "put in",
    "cut off",
    "line gone",
    "line twice",
    "lines exchanged",
    "field",
    "files exchanged",
)


def record(matches: int) -> dict:
    """The record of a search."""
    place = (np.zeros(4), np.zeros(4), 0.71, 0.6)
    found = tuple(
        Match("robot1", "front", f"p_robot1_{n}", f"t_robot1_front_{n}", n, NOW_NS + n, NOW_NS, NOW_NS, *place)
        for n in range(matches)
    )
    embedding = np.full(512, 512**-0.5, np.float32)
    who = {"operator": "ada", "reason": "a lost child", "requester": "robot2", "reference": "picture"}
    request = SearchRequest("0123456789ab", embedding, "mobilefacenet_webface", threshold=0.4, **who)
    return search_record(request, RobotResponse("robot1", ANSWERED, matches, 100_000), found)


def append_times(folder: Path, count: int) -> list[float]:
    """Milliseconds of each append."""
    log, fields, times = AuditLog(folder, "robot1"), record(20), []
    for number in range(count):
        began = time.perf_counter()
        log.append(SEARCH, fields, NOW_NS + number)
        times.append(1e3 * (time.perf_counter() - began))
    return times


def edit(generator: random.Random, files: list[Path], kind: str) -> None:
    """Change a log as someone would who has its files."""
    path, other = generator.choice(files), generator.choice(files)
    data = bytearray(path.read_bytes())
    lines = bytes(data).splitlines(True)
    place, line, second = generator.randrange(len(data)), *(generator.randrange(len(lines)) for _ in range(2))
    if kind == "byte":
        data[place] = generator.randrange(256)
    elif kind == "cut out":
        del data[place : place + generator.randrange(1, 2000)]
    elif kind == "put in":
        data[place:place] = generator.randbytes(generator.randrange(1, 200))
    elif kind == "cut off":
        del data[place:]
    elif kind == "line gone":
        del lines[line]
    elif kind == "line twice":
        lines.insert(line, lines[second])
    elif kind == "lines exchanged":
        lines[line], lines[second] = lines[second], lines[line]
    elif kind == "field":
        values = json.loads(lines[line])
        values[generator.choice(sorted(values))] = generator.choice([0, "", "robot9", None, 17.5])
        lines[line] = json.dumps(values, separators=(",", ":")).encode() + b"\n"
    else:
        path.write_bytes(other.read_bytes())
        other.write_bytes(bytes(data))
        return
    path.write_bytes(bytes(data) if kind in ("byte", "cut out", "put in", "cut off") else b"".join(lines))


def found_edits(folder: Path, count: int) -> dict[str, tuple[int, int]]:
    """By kind of edit, how many changed something, and how many of those were found."""
    log, fields = AuditLog(folder, "robot1"), record(3)
    for number in range(30):
        log.append(SEARCH, fields, NOW_NS + number // 10 * DAY_NS)
    files, generator = log.chain.files(), random.Random(21)
    before = {path: path.read_bytes() for path in files}
    counts = {kind: [0, 0] for kind in _EDITS}
    while sum(tried for tried, _ in counts.values()) < count:
        kind = generator.choice(_EDITS)
        edit(generator, files, kind)
        if any(path.read_bytes() != content for path, content in before.items()):
            counts[kind][0] += 1
            counts[kind][1] += not verify_chain(log.chain).intact
        for path, content in before.items():
            path.write_bytes(content)
    return {kind: (tried, found) for kind, (tried, found) in counts.items()}


def main() -> int:
    """Measure and print."""
    parser = argument_parser(__doc__, data=False)
    parser.add_argument("--records", type=int, default=20_000)
    parser.add_argument("--edits", type=int, default=10_000)
    arguments = parse(parser)
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory)
        (folder / "appended").mkdir()
        (folder / "edited").mkdir()
        times = append_times(folder / "appended", arguments.records)
        middle, high, worst = (float(np.percentile(times, share)) for share in (50, 99, 100))
        log = AuditLog(folder / "appended", "robot1")
        size = sum(path.stat().st_size for path in log.chain.files()) / arguments.records
        began = time.perf_counter()
        intact = verify_chain(log.chain).intact
        check_s = time.perf_counter() - began
        counts = found_edits(folder / "edited", arguments.edits)
    tried, found = (sum(column) for column in zip(*counts.values()))
    print(f"append, ms: median {middle:.3f}, 99 % {high:.3f}, longest {worst:.2f}; {size:.0f} bytes a record")
    print(f"check of {arguments.records} records: {check_s:.2f} s, {'unchanged' if intact else 'changed'}")
    for kind, (each, seen) in counts.items():
        print(f"  {kind:<16} {seen} of {each} found")
    print(f"edits found: {found} of {tried}")
    result = {"append_ms": {"median": middle, "p99": high, "longest": worst}, "bytes_a_record": size}
    write_json(arguments.json, {**result, "check_s": check_s, "edits": tried, "found": found})
    return 0 if intact and found == tried else 1


if __name__ == "__main__":
    sys.exit(main())
