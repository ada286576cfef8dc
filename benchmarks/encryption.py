"""What encrypted storage costs: append, open, search, reading frames, with ``storage.encryption`` off and key.

    python benchmarks/encryption.py [--sightings N] [--dimension N] [--rounds N] [--json FILE]

Both kinds take turns within each round; told is the median of the rounds, and the cost of ``key`` on top of ``off`` as
the median of the rounds' own ratios. Sightings have a random unit vector and a thumbnail of 2 kB, frames are random
bytes of 100 kB, so that nothing is compressed. Files stay in the page cache of the system.
"""

import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import common
import numpy as np
from event_log import events
from forget import contract_of, unit_rows

from facetrack_ros.core.frame import Frame
from facetrack_ros.history.audit.audit_log import SEARCH, AuditLog
from facetrack_ros.history.events.log import EventLog
from facetrack_ros.history.frames.archive import FrameArchive
from facetrack_ros.history.frames.retention import Limits
from facetrack_ros.history.layout import robot_folder
from facetrack_ros.history.sightings.store import SightingStore
from facetrack_ros.security.storage_key import StorageKey, use_storage_settings

SECOND = 10**9
ALWAYS = -(2**62), 2**62
BOX = np.array([1, 2, 3, 4], np.float32)
FRAMES, EVENTS, RECORDS, QUERIES, ADDED = 1000, 3000, 2000, 50, 5000
NO_LIMIT = Limits(frames=0, bytes=0, age_ns=0, free_bytes=0)


class Robot:
    """A robot's folder, encrypted or not, with sightings in index blocks.

    :param kind: ``off`` or ``key``.
    """

    def __init__(self, folder: Path, kind: str, key: Path, sightings: int, dimension: int) -> None:
        self.kind, self._key, self._dimension = kind, key, dimension
        self.select()
        self.path = robot_folder(folder / kind, "robot1")
        store, self.added = self._open(), 0
        rows = unit_rows(sightings, dimension, np.random.default_rng(1))
        self.add(store, rows)
        store.wait_for_index()
        store.close()
        self._archives = 0

    def select(self) -> None:
        """Store as this robot does from now on."""
        use_storage_settings(self.kind, str(self._key) if self.kind == "key" else "")

    def _open(self) -> SightingStore:
        return SightingStore(self.path, contract_of(self._dimension), "robot1")

    def add(self, store: SightingStore, rows: np.ndarray) -> None:
        """Add a sighting for each ``(n, dimension)`` row, committed every 30, as at one second of a crowd."""
        jpeg = np.random.default_rng(2).bytes(2000)
        for row in rows:
            self.added += 1
            place = "front", self.added * SECOND, self.added, f"t_{self.added}", f"p_{self.added // 50}"
            store.add(*place, BOX, BOX, 0.5, row, lambda: jpeg)
            if self.added % 30 == 0:
                store.flush()
        store.flush()

    def measure(self, note: Callable[[str, float], None], number: int) -> None:
        """One round; ``note`` takes a name and seconds."""
        self.select()
        rng = np.random.default_rng(10 + number)
        store = _timed(note, "open sightings, ms", self._open, 1e3)
        rows = unit_rows(ADDED, self._dimension, rng)
        _timed(note, "append a sighting, µs", lambda: self.add(store, rows), 1e6 / ADDED)
        store.wait_for_index()
        queries = unit_rows(QUERIES, self._dimension, rng)
        store.search(queries[0], *ALWAYS)
        _timed(note, "search, ms", lambda: [store.search(each, *ALWAYS) for each in queries], 1e3 / QUERIES)
        store.close()
        self._measure_frames(note, rng)
        made = events(EVENTS)
        log = EventLog(self.path / f"events{number}")
        _timed(note, "append an event, µs", lambda: [log.append(each) for each in made], 1e6 / EVENTS)
        log.close()
        audit, fields = AuditLog(self.path, "robot1"), {"operator": "dana", "reason": "a lost child", "results": 20}
        now_ns = 1_795_348_800 * SECOND
        write = lambda: [audit.append(SEARCH, fields, now_ns) for _ in range(RECORDS)]  # noqa: E731
        _timed(note, "append an audit record, µs", write, 1e6 / RECORDS)

    def _measure_frames(self, note: Callable[[str, float], None], rng: np.random.Generator) -> None:
        self._archives += 1
        jpegs = [b"\xff\xd8" + rng.bytes(100_000) for _ in range(50)]
        folder = self.path / f"frames{self._archives}"
        archive = FrameArchive(folder, "robot1", NO_LIMIT)

        def append() -> None:
            for number in range(FRAMES):
                archive.append(Frame("front", number * SECOND // 15, number, jpegs[number % 50]))

        _timed(note, "append a frame of 100 kB, µs", append, 1e6 / FRAMES)
        archive.close()
        opened = _timed(note, "open 1,000 frames, ms", lambda: FrameArchive.open_readonly(folder, "robot1"), 1e3)
        stamps = [int(each) * SECOND // 15 for each in rng.integers(0, FRAMES, 500)]
        read = lambda: [opened.reader.near("front", stamp, 0) for stamp in stamps]  # noqa: E731
        _timed(note, "read a frame of 100 kB at random, µs", read, 1e6 / 500)


def _timed(note: Callable[[str, float], None], name: str, do: Callable, scale: float):
    began = time.process_time()
    result = do()
    note(name, (time.process_time() - began) * scale)
    return result


def main() -> int:
    parser = common.argument_parser(__doc__, data=False)
    parser.add_argument("--sightings", type=int, default=200_000)
    parser.add_argument("--dimension", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = common.parse(parser)
    found: dict[str, dict[str, list[float]]] = defaultdict(lambda: {"off": [], "key": []})
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        key = StorageKey.create(folder / "keys" / "storage.key").path
        robots = [
            Robot(folder / "data", kind, key, arguments.sightings, arguments.dimension) for kind in ("off", "key")
        ]
        for number in range(arguments.rounds):
            for robot in robots if number % 2 else robots[::-1]:
                robot.measure(lambda what, value: found[what][robot.kind].append(value), number)  # noqa: B023 - at once
        sizes = {
            robot.kind: sum(path.stat().st_size for path in robot.path.rglob("*") if path.is_file()) for robot in robots
        }
    rows = []
    for what, both in found.items():
        ratios = np.array(both["key"]) / np.array(both["off"])
        cost = f"{100 * (np.median(ratios) - 1):+.0f} %"
        rows.append((what, *(f"{np.median(both[kind]):.3g}" for kind in ("off", "key")), cost))
    cost = f"{100 * (sizes['key'] / sizes['off'] - 1):+.1f} %"
    rows.append(("MB on disk", *(f"{sizes[kind] / 1e6:.0f}" for kind in ("off", "key")), cost))
    print(common.markdown_table(("", "`off`", "`key`", "cost"), rows))
    print(
        f"{arguments.sightings} sightings of {arguments.dimension} numbers; {common.processor()}; load {common.load()}"
    )
    common.write_json(arguments.json, {"found": found, "bytes": sizes})
    return 0


if __name__ == "__main__":
    sys.exit(main())
