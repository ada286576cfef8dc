"""Time of an exact search over many sightings, compared with reading the memory once and with other ways to search.

    python benchmarks/search_memory.py search [--sightings 1000000] [--dimension 512] [--rounds 15] [--json FILE]
    python benchmarks/search_memory.py open [--sightings 1000000] [--dimension 512] [--folder DIR] [--json FILE]

``search`` fills an index with faces of a tenth as many people as there are sightings (each face its person's and noise,
in random order), searches for the best 20 and takes all times in turns in one run: medians. "reading the codes once"
reads as many bytes as there are one-byte codes, with two threads; the ratio is the median of the ratios of each round.
Blocks are frozen, as all but the last of a history are: codes in memory, vectors in files in the system's cache.

``open`` writes a history of as many sightings, opens it once without blocks on disk, waits until they are written, and
opens it from them, each in a process of its own and with the files in the system's cache. Memory is the growth of that
process's resident set without what FAISS itself takes; nothing is mapped, so the system's cache is not counted.
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
from common import argument_parser, parse, print_values, rss_bytes, write_json

from facetrack_ros.history.index.block import ROWS, VectorBlock
from facetrack_ros.history.index.block_file import BlockFile, write_block
from facetrack_ros.history.index.columns import IndexColumns
from facetrack_ros.history.index.faiss_scan import faiss_available
from facetrack_ros.history.index.vector_index import VectorIndex
from facetrack_ros.history.sightings.database import Database, database_path
from facetrack_ros.history.sightings.sighting import Sighting
from facetrack_ros.history.sightings.store import SightingStore
from facetrack_ros.history.sightings.table import SightingTable
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


class FileVectors:
    """Vectors of a block, read from its file alone."""

    def __init__(self, file: BlockFile) -> None:
        self.read = file.vectors

    def report_damaged(self) -> None:
        raise SystemExit("the block file returned other vectors than were written")


def frozen_index(matrix: np.ndarray, folder: Path) -> VectorIndex:
    """An index of all rows, in frozen blocks with files."""
    index = VectorIndex(matrix.shape[1])
    for start in range(0, len(matrix), ROWS):
        part, path = matrix[start : start + ROWS], folder / str(start)
        rows, columns = np.arange(start, start + len(part)), IndexColumns()
        stamps = rows * STEP_NS
        columns.extend(rows.tolist(), ["front"] * len(part), [f"t{row}" for row in rows], stamps, stamps)
        write_block(path, "", start - 1, columns, part)
        file = BlockFile(path)
        columns, codes = file.read()
        block = VectorBlock.stored(codes, int(stamps[0]), int(stamps[-1]), FileVectors(file))
        index.extend_frozen(block, columns)
    return index


def search(arguments: argparse.Namespace) -> dict:
    count, dimension = arguments.sightings, arguments.dimension
    chance = np.random.default_rng(1)
    people = unit(chance.standard_normal((max(count // 10, 1), dimension), np.float32))
    matrix = np.empty((count, dimension), np.float32)
    for start in range(0, count, ROWS):
        matrix[start : start + ROWS] = faces(chance, people, min(ROWS, count - start))
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        index = frozen_index(matrix, Path(folder))
        queries = faces(chance, people, arguments.rounds)
        found = {"sightings": count, "dimension": dimension, **compare(index, matrix, queries, chance)}
        return {**found, **while_adding(index, queries, faces(chance, people, 20_000))}


def compare(index: VectorIndex, matrix: np.ndarray, queries: np.ndarray, chance: np.random.Generator) -> dict:
    """Time each way to search in turns; medians."""
    count, dimension = matrix.shape
    pool, end_ns = ThreadPoolExecutor(2), count * STEP_NS
    halves = np.array_split(np.frombuffer(chance.bytes(count * dimension // 8 * 8), np.int64), 2)
    slice_ns = (end_ns // 2, end_ns // 2 + end_ns // 100)

    def brute_force(query):
        similarity = matrix @ query
        best = np.argpartition(-similarity, BEST)[:BEST]
        return best[np.argsort(-similarity[best])]

    ways = {
        "reading the codes once": lambda query: list(pool.map(np.bitwise_or.reduce, halves)),
        "this index, best 20 of all": lambda query: index.search(query, 0, end_ns, (), -1.0, BEST).rows,
        "this index, best 20 of a 1 % slice of time": lambda query: index.search(query, *slice_ns, (), -1.0, BEST),
        "this index, all above 0.5": lambda query: index.search(query, 0, end_ns, (), 0.5),
        "numpy float32": brute_force,
    }
    if faiss_available():
        import faiss

        flat = faiss.IndexFlatIP(dimension)
        flat.add(matrix)
        ways["FAISS flat float32"] = lambda query: flat.search(query[None], BEST)
    took: dict[str, list[float]] = {name: [] for name in ways}
    right = 0
    for query in queries:
        answers = {}
        for name, way in ways.items():
            started = time.perf_counter()
            answers[name] = way(query)
            took[name].append(time.perf_counter() - started)
        right += len(set(answers["this index, best 20 of all"].tolist()) & set(answers["numpy float32"].tolist()))
    ratio = np.divide(took["this index, best 20 of all"], took["reading the codes once"])
    return {
        **{f"{name}, ms": round(float(np.median(times)) * 1e3, 3) for name, times in took.items()},
        "best 20 of all / reading the codes once": round(float(np.median(ratio)), 3),
        "load": round(os.getloadavg()[0], 1),
        "recall of the best 20": right / (BEST * len(queries)),
    }


def while_adding(index: VectorIndex, queries: np.ndarray, extra: np.ndarray) -> dict:
    """Search while 100 rows a second are added, and while none is, in turns: the machine's own speed changes."""
    lock, stop, adding, count = threading.Lock(), threading.Event(), threading.Event(), len(index)

    def add() -> None:
        for i, face in enumerate(extra):
            adding.wait()
            if stop.is_set():
                return
            time.sleep(0.01)
            with lock:
                index.extend([count + i], ["front"], [f"n{i}"], [0], [0], face[None])

    thread = threading.Thread(target=add, daemon=True)
    thread.start()
    quiet: list[float] = []
    busy: list[float] = []
    for _ in range(6):
        for times in (quiet, busy):
            if times is busy:
                adding.set()
            else:
                adding.clear()
            time.sleep(0.05)
            for query in queries:
                started = time.perf_counter()
                with lock:
                    index.search(query, 0, count * STEP_NS, (), -1.0, BEST)
                times.append(time.perf_counter() - started)
    stop.set()
    adding.set()
    thread.join()
    return {
        "best 20 of all while nothing is added, ms": round(float(np.median(quiet)) * 1e3, 3),
        "best 20 of all while 100 a second are added, ms": round(float(np.median(busy)) * 1e3, 3),
    }


def contract(dimension: int) -> ModelContract:
    return ModelContract("net", "embedding", "onnx", "net.onnx", "", 1, "MIT", dimension=dimension, threshold=0.5)


def open_(arguments: argparse.Namespace) -> dict:
    count, dimension = arguments.sightings, arguments.dimension
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        started = time.perf_counter()
        write_history(folder, count, dimension)
        wrote = time.perf_counter() - started
        size = sum(file.stat().st_size for file in Path(folder).iterdir())
        runs = []
        for _ in range(4):
            for file in filter(Path.is_file, Path(folder).rglob("*")):
                with file.open("rb") as stream:  # into the system's cache: the disk's own speed is not measured
                    while stream.read(1 << 24):
                        pass
            program = [sys.executable, __file__, "opening", "--folder", folder, "--dimension", str(dimension)]
            runs.append(json.loads(subprocess.run(program, capture_output=True, text=True, check=True).stdout))
    without_blocks = {name: value for name, value in runs.pop(0).items() if "opening" in name or "memory" in name}
    return {
        "dimension": dimension,
        "load": round(os.getloadavg()[0], 1),
        **{f"{name}, without blocks": value for name, value in without_blocks.items()},
        "file, bytes a sighting": round(size / count, 1),
        "writing, seconds": round(wrote, 1),
        **sorted(runs, key=lambda run: run["opening, seconds"])[1],
    }


def write_history(folder: str, count: int, dimension: int) -> None:
    """Write a store; to its table only, as the index of this process is not what is measured."""
    chance, model = np.random.default_rng(1), contract(dimension)
    people = unit(chance.standard_normal((1000, dimension), np.float32))
    database = Database.for_writing(database_path(folder, model.id), model, "robot1")
    table, box = SightingTable(database, model.id, dimension), np.zeros(4, np.float32)
    for start in range(0, count, BATCH):
        for i, face in enumerate(faces(chance, people, min(BATCH, count - start)), start):
            place = "robot1", "front", i * STEP_NS, i * STEP_NS, i * STEP_NS, i, f"t_robot1_front_{i}", "p_robot1_1"
            table.insert(Sighting(*place, box, box, 0.5, face, model.id))
        database.commit()
    database.close()


def opening(arguments: argparse.Namespace) -> None:
    """Open a written history in this process and print what it took, as JSON."""
    model = contract(arguments.dimension)
    with tempfile.TemporaryDirectory() as empty:  # what the libraries themselves take is not counted
        SightingStore(empty, model, "robot1").close()
    rows = range(70_000)
    VectorIndex(8).extend(rows, ["a"] * len(rows), [""] * len(rows), rows, rows, np.ones((len(rows), 8), np.float32))
    before, started, cpu = rss_bytes(), time.perf_counter(), time.process_time()
    store = SightingStore(arguments.folder, model, "robot1")
    took, cpu, grown = time.perf_counter() - started, time.process_time() - cpu, (rss_bytes() - before) / store.count
    store.wait_for_index()
    found = {
        "sightings": store.count,
        "opening, seconds": round(took, 3),
        "opening, CPU seconds": round(cpu, 3),
        "memory a sighting, bytes": round(grown, 1),
        "memory / embedding as stored": round(grown / (4 * model.dimension), 3),
        "files of the index, bytes a sighting": round(store.index_size() / store.count, 1),
    }
    print(json.dumps(found))
    store.close()


def main() -> None:
    parser = argument_parser(__doc__, data=False)
    parser.add_argument("what", choices=("search", "open", "opening"), help="opening: used by open")
    parser.add_argument("--sightings", type=int, default=1_000_000)
    parser.add_argument("--dimension", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--folder", help="where to write; default: the temporary folder")
    arguments = parse(parser)
    if arguments.what == "opening":
        opening(arguments)
        return
    found = {"search": search, "open": open_}[arguments.what](arguments)
    print_values(found, 52)
    write_json(arguments.json, {"arguments": vars(arguments), "found": found})


if __name__ == "__main__":
    main()
