"""How long an exact search over many sightings takes, beside what reading memory takes and beside other ways to do it.

    python benchmarks/search_memory.py search [--sightings 1000000] [--dimension 512] [--rounds 15] [--json FILE]
    python benchmarks/search_memory.py open [--sightings 1000000] [--dimension 512] [--folder DIR] [--json FILE]

``search`` fills an index with faces of a tenth as many people as there are sightings (each face its person's and noise, in
random order), asks for the best 20 and takes all times in turns in one run: medians. "reading the codes once" reads as many
bytes as there are one-byte codes, with two threads; the ratio is the median of the rounds' own. Blocks are frozen, as all but
the last of a history are: codes in memory, vectors in files in the system's cache. ``open`` writes a history of as many
sightings, opens it once without blocks on disk and waits until they are written, and then opens it from them, each in a process of its own
and the files in the system's cache. Memory is the growth of that process's resident set, what FAISS itself takes not counted;
nothing is mapped, so that what lies in the system's cache is not in it.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from facetrack_ros.history.index.block import ROWS, VectorBlock
from facetrack_ros.history.index.block_file import BlockFile, write_block
from facetrack_ros.history.index.columns import IndexColumns
from facetrack_ros.history.index.vector_index import VectorIndex
from facetrack_ros.history.sightings.sighting import Sighting
from facetrack_ros.history.sightings.store import SightingStore
from facetrack_ros.models.contract import ModelContract

BEST = 20
STEP_NS = 100_000_000
BATCH = 20_000


def unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def faces(chance: np.random.Generator, people: np.ndarray, count: int) -> np.ndarray:
    """Faces as unlike each other as those of one person in one room: a cosine of about 0.7."""
    noise = chance.standard_normal((count, people.shape[1]), np.float32) / np.sqrt(np.float32(people.shape[1]))
    return unit(people[chance.integers(0, len(people), count)] + np.float32(0.65) * noise)


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def search(arguments: argparse.Namespace) -> dict:
    count, dimension = arguments.sightings, arguments.dimension
    chance = np.random.default_rng(1)
    people = unit(chance.standard_normal((max(count // 10, 1), dimension), np.float32))
    index, matrix = VectorIndex(dimension), np.empty((count, dimension), np.float32)
    folder = tempfile.TemporaryDirectory(dir=arguments.folder)
    for start in range(0, count, ROWS):
        n = min(ROWS, count - start)
        matrix[start : start + n] = faces(chance, people, n)
        stamps, columns, path = np.arange(start, start + n) * STEP_NS, IndexColumns(), Path(folder.name) / str(start)
        columns.extend(
            list(range(start, start + n)), ["front"] * n, [f"t{i}" for i in range(start, start + n)], stamps, stamps
        )
        write_block(path, "", start - 1, columns, matrix[start : start + n])
        file = BlockFile(path)
        columns, codes = file.read()
        index.extend_frozen(VectorBlock.stored(codes, int(stamps[0]), int(stamps[-1]), FileVectors(file)), columns)
    queries = faces(chance, people, arguments.rounds)
    pool = ThreadPoolExecutor(2)
    halves = np.array_split(np.frombuffer(chance.bytes(count * dimension // 8 * 8), np.int64), 2)
    lock, end_ns = threading.Lock(), count * STEP_NS
    slice_ns = (end_ns // 2, end_ns // 2 + end_ns // 100)

    def ours(query):
        with lock:
            return index.search(query, 0, end_ns, (), -1.0, BEST).rows

    def numpy_brute(query):
        similarity = matrix @ query
        best = np.argpartition(-similarity, BEST)[:BEST]
        return best[np.argsort(-similarity[best])]

    ways = {
        "reading the codes once": lambda query: list(pool.map(np.bitwise_or.reduce, halves)),
        "this index, best 20 of all": ours,
        "this index, best 20 of a 1 % slice of time": lambda query: index.search(query, *slice_ns, (), -1.0, BEST),
        "this index, all above 0.5": lambda query: index.search(query, 0, end_ns, (), 0.5),
        "numpy float32": numpy_brute,
    }
    try:
        import faiss

        flat = faiss.IndexFlatIP(dimension)
        flat.add(matrix)
        ways["FAISS flat float32"] = lambda query: flat.search(query[None], BEST)
    except ImportError:
        pass
    took = {name: [] for name in ways}
    right = 0
    for query in queries:
        answers = {}
        for name, way in ways.items():
            started = time.perf_counter()
            answers[name] = way(query)
            took[name].append(time.perf_counter() - started)
        right += len(set(answers["this index, best 20 of all"].tolist()) & set(answers["numpy float32"].tolist()))
    found = {"sightings": count, "dimension": dimension}
    found.update({f"{name}, ms": round(float(np.median(times)) * 1e3, 3) for name, times in took.items()})
    found["best 20 of all / reading the codes once"] = round(
        float(np.median(np.divide(took["this index, best 20 of all"], took["reading the codes once"]))), 3
    )
    found["load"] = round(os.getloadavg()[0], 1)
    found["recall of the best 20"] = right / (BEST * len(queries))

    # Appends at 100 a second: rounds with and without in turns, since the machine's own pace changes.
    stop, going, added = threading.Event(), threading.Event(), [0]
    extra = faces(chance, people, 20_000)

    def append():
        while not stop.is_set():
            going.wait()
            time.sleep(0.01)
            i = added[0]
            with lock:
                index.extend([count + i], ["front"], [f"n{i}"], [0], [0], extra[i : i + 1])
            added[0] += 1

    thread = threading.Thread(target=append, daemon=True)
    thread.start()
    quiet, busy = [], []
    for _ in range(6):
        for times, on in ((quiet, False), (busy, True)):
            going.set() if on else going.clear()
            time.sleep(0.05)
            for query in queries:
                started = time.perf_counter()
                ours(query)
                times.append(time.perf_counter() - started)
    going.set()
    stop.set()
    thread.join()
    found["best 20 of all while nothing is added, ms"] = round(float(np.median(quiet)) * 1e3, 3)
    found["best 20 of all while 100 a second are added, ms"] = round(float(np.median(busy)) * 1e3, 3)
    return found


def contract(dimension: int) -> ModelContract:
    return ModelContract("net", "embedding", "onnx", "net.onnx", "", 1, "MIT", dimension=dimension, threshold=0.5)


OPENER = """
import json, os, sys, time
from pathlib import Path
from facetrack_ros.history.sightings.store import SightingStore
from benchmarks_search_memory import contract, resident
model = contract(int(sys.argv[2]))
with __import__("tempfile").TemporaryDirectory() as empty:  # what the libraries take themselves is there before
    SightingStore(empty, model, "robot1").close()
from facetrack_ros.history.index.vector_index import VectorIndex
VectorIndex(8).extend(range(70_000), ["a"] * 70_000, [""] * 70_000, range(70_000), range(70_000), __import__("numpy").ones((70_000, 8), "f4"))
before = resident()
started, cpu = time.perf_counter(), time.process_time()
store = SightingStore(sys.argv[1], model, "robot1")
took, cpu, grown = time.perf_counter() - started, time.process_time() - cpu, resident() - before
store.wait_for_index()
print(json.dumps({"sightings": store.count, "opening, seconds": round(took, 3), "opening, CPU seconds": round(cpu, 3),
                  "memory a sighting, bytes": round(grown / store.count, 1),
                  "memory / embedding as stored": round(grown / store.count / (4 * model.dimension), 3),
                  "files of the index, bytes a sighting": round(store.index_bytes() / store.count, 1)}))
store.close()
"""


def open_(arguments: argparse.Namespace) -> dict:
    count, dimension = arguments.sightings, arguments.dimension
    chance = np.random.default_rng(1)
    people = unit(chance.standard_normal((1000, dimension), np.float32))
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        store = SightingStore(folder, contract(dimension), "robot1")
        box = np.zeros(4, np.float32)
        started = time.perf_counter()
        for start in range(0, count, BATCH):
            for i, face in enumerate(faces(chance, people, min(BATCH, count - start)), start):
                # Straight to the rows: the index of this process is not what is measured.
                store._rows.insert(
                    Sighting(
                        "robot1",
                        "front",
                        i * STEP_NS,
                        i * STEP_NS,
                        i * STEP_NS,
                        i,
                        f"t_robot1_front_{i}",
                        "p_robot1_1",
                        box,
                        box,
                        0.5,
                        face,
                        "net",
                        b"",
                    )
                )
            store._database.commit()
        wrote = time.perf_counter() - started
        store.close()
        size = sum(file.stat().st_size for file in Path(folder).iterdir())
        program = OPENER.replace("benchmarks_search_memory", Path(__file__).stem)
        runs = []
        for _ in range(4):
            for file in filter(
                Path.is_file, Path(folder).rglob("*")
            ):  # from the system's cache: the disk's own speed is not what is measured
                with file.open("rb") as stream:
                    while stream.read(1 << 24):
                        pass
            done = subprocess.run(
                [sys.executable, "-c", program, folder, str(dimension)],
                capture_output=True,
                text=True,
                env={
                    **os.environ,
                    "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]),
                },
                check=True,
            )
            runs.append(json.loads(done.stdout))
    first = {
        f"{name}, without blocks": value for name, value in runs.pop(0).items() if "opening" in name or "memory" in name
    }
    return {
        "dimension": dimension,
        "load": round(os.getloadavg()[0], 1),
        **first,
        "file, bytes a sighting": round(size / count, 1),
        "writing, seconds": round(wrote, 1),
        **sorted(runs, key=lambda run: run["opening, seconds"])[1],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("search", "open"))
    parser.add_argument("--sightings", type=int, default=1_000_000)
    parser.add_argument("--dimension", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--folder", help="where to write; default: the temporary folder")
    parser.add_argument("--json", metavar="FILE")
    arguments = parser.parse_args()
    found = {"search": search, "open": open_}[arguments.what](arguments)
    for name, value in found.items():
        print(f"{name:<52} {value}")
    if arguments.json:
        Path(arguments.json).write_text(json.dumps({"arguments": vars(arguments), "found": found}, indent=1))


if __name__ == "__main__":
    main()
