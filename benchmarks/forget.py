"""How long a robot takes to forget a person, whether a byte is left, and whether a killed process is finished right.

    python benchmarks/forget.py time [--sightings 1000000] [--of-person 1000] [--dimension 128] [--thumbnail 1500]
                                     [--encrypted] [--json FILE]
    python benchmarks/forget.py kills [--kills 50] [--seed 1] [--json FILE]

``time``: a store with a person's sightings evenly among those of 5,000 others is opened as a robot opens it, with its
index blocks on disk, and the person is forgotten. The embeddings and thumbnails of the person begin with bytes that
nothing else has; every file is searched for them before and after. Then a search, and the next start.

``kills``: a folder with frames, events and sightings; a process that forgets a person in it is killed at a random
moment after it began to delete, and the next one finishes; every file is searched for the person's embeddings,
thumbnails and frames.
"""

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import common
import numpy as np

from facetrack_ros.core.event import PERSON_IN, PersonEvent
from facetrack_ros.core.face import Face
from facetrack_ros.core.frame import Frame
from facetrack_ros.core.track import Track, TrackState
from facetrack_ros.history.forget.forgetter import Forgetter
from facetrack_ros.history.forget.order import ForgetTarget
from facetrack_ros.history.forget.places import ForgetPlaces, stored_places
from facetrack_ros.history.frames.retention import Limits
from facetrack_ros.history.frames.settings import FrameSettings
from facetrack_ros.history.layout import robot_folder
from facetrack_ros.history.robot_history import RobotHistory
from facetrack_ros.history.sightings.database import Database, database_path, index_path
from facetrack_ros.history.sightings.model_contract import save_contract
from facetrack_ros.history.sightings.store import SightingStore
from facetrack_ros.models.contract import ModelContract
from facetrack_ros.security.storage_key import StorageKey, use_storage_settings

PERSON = "p_robot1_1"
#: The first numbers of the person's embeddings, and the middle of the person's thumbnails and frames.
MARK = np.array([0.123456, -0.0654321, 0.0111213, -0.141516], np.float32)
JPEG_MARK = b"bytes of nobody else in this file"
SECOND = 10**9
BOX = np.array([1, 2, 3, 4], np.float32)


def contract_of(dimension: int) -> ModelContract:
    """A model's contract."""
    return ModelContract("net", "embedding", "onnx", "net.onnx", "", 1, "MIT", dimension=dimension, threshold=0.5)


def unit_rows(count: int, dimension: int, rng: np.random.Generator) -> np.ndarray:
    """Random ``(count, dimension)`` float32 unit rows."""
    rows = rng.standard_normal((count, dimension)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def marked(rows: np.ndarray) -> np.ndarray:
    """Unit rows near the first one that begin with :data:`MARK`."""
    rows = 0.3 * rows + rows[0]
    rows[:, : len(MARK)] = 0
    rows *= np.sqrt(1 - (MARK @ MARK)) / np.linalg.norm(rows, axis=1, keepdims=True)
    rows[:, : len(MARK)] = MARK
    return rows


def marks_in(folder: Path) -> int:
    """How often the marks are in the files of a folder."""
    count = 0
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                rest = b""
                while part := file.read(1 << 26):
                    part = rest + part
                    count += sum(part.count(mark) for mark in (MARK.tobytes(), JPEG_MARK))
                    rest = part[-63:]
                    count -= sum(rest.count(mark) for mark in (MARK.tobytes(), JPEG_MARK))
                count += sum(rest.count(mark) for mark in (MARK.tobytes(), JPEG_MARK))
    return count


def fill(folder: Path, arguments: argparse.Namespace) -> np.ndarray:
    """Write the store; the mean face of the person."""
    rng = np.random.default_rng(1)
    contract, every = contract_of(arguments.dimension), arguments.sightings // arguments.of_person
    own = marked(unit_rows(arguments.of_person, arguments.dimension, rng))
    database = Database.for_writing(database_path(folder, "net"), contract, "robot1")
    save_contract(folder, contract)
    database.run("PRAGMA synchronous=OFF")
    connection = database._connection
    noise = rng.bytes(1 << 20)
    for start in range(0, arguments.sightings, 50_000):
        count = min(50_000, arguments.sightings - start)
        faces = unit_rows(count, arguments.dimension, rng)
        connection.execute("BEGIN")
        rows, jpegs = [], []
        for place in range(count):
            row = start + place
            mine = row % every == 0 and row // every < arguments.of_person
            person, face = (PERSON, own[row // every]) if mine else (f"p_robot1_{2 + row % 5000}", faces[place])
            stamp, size = row * SECOND, arguments.thumbnail // 2 + int(rng.integers(arguments.thumbnail))
            at = (row * 977) % (len(noise) - size - 1)
            jpegs.append((row + 1, (JPEG_MARK if mine else b"") + noise[at : at + size]))
            box = BOX.tobytes()
            values = ("front", stamp, stamp, stamp + SECOND, row, f"t_{row // 5}_{person}", person, box, box, 0.5)
            rows.append((row + 1, *values, face.tobytes()))
        connection.executemany(f"INSERT INTO sightings VALUES ({', '.join('?' * 12)})", rows)
        connection.executemany("INSERT INTO thumbnails VALUES (?, ?)", jpegs)
        connection.execute("COMMIT")
    database.empty_log()
    database.close()
    return own.mean(0) / np.linalg.norm(own.mean(0))


def measure_time(arguments: argparse.Namespace, folder: Path) -> dict:
    """Forget one person of many; the times in seconds, and the marks before and after."""
    if arguments.encrypted:
        use_storage_settings("key", str(StorageKey.create(folder / "keys" / "storage.key").path))
        folder = robot_folder(folder / "data", "robot1")
    face = fill(folder, arguments)
    store = SightingStore(folder, contract_of(arguments.dimension), "robot1")
    store.wait_for_index()
    before = marks_in(folder)
    places = ForgetPlaces(folder, "robot1", (store,), None, folder)
    forgetter = Forgetter(places, time.time_ns)
    began = time.perf_counter()
    found = forgetter.look(ForgetTarget("f_1", person_id=PERSON))
    looked = time.perf_counter()
    done = forgetter.forget(found)
    forgot = time.perf_counter()
    after = marks_in(folder)
    hits = store.search(face.astype(np.float32), -(2**62), 2**62, threshold=0.5)[0]
    began_search = time.perf_counter()
    for _ in range(20):
        store.search(face.astype(np.float32), -(2**62), 2**62)
    search_s = (time.perf_counter() - began_search) / 20
    count = store.count
    store.close()
    began_open = time.perf_counter()
    store = SightingStore(folder, contract_of(arguments.dimension), "robot1")
    open_s = time.perf_counter() - began_open
    assert store.count == count == arguments.sightings - arguments.of_person, (store.count, count)
    store.close()
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return {
        "sightings": arguments.sightings,
        "of the person": arguments.of_person,
        "MB of the folder": round(size / 1e6),
        "index blocks": len(list(index_path(store.path).glob("*"))),
        "seconds to find": round(looked - began, 3),
        "seconds to forget": round(forgot - looked, 3),
        "seconds together": round(forgot - began, 3),
        "marks before": before,
        "marks after": after,
        "matches after": len(hits),
        "found, as in the receipt": done.receipt["found"]["sightings"]["net"],
        "ms of a search after": round(search_s * 1e3, 2),
        "seconds to open after": round(open_s, 2),
    }


def fill_small(data: Path) -> None:
    """A robot's folder with frames, events and sightings of three persons."""
    rng = np.random.default_rng(2)
    contract = contract_of(32)
    own = marked(unit_rows(200, 32, rng))
    settings = FrameSettings(200, "continuous", limits=Limits(frames=0))
    history = RobotHistory(data, "robot1", contract, settings)
    for number in range(600):
        mine = number % 3 == 0
        person = PERSON if mine else f"p_robot1_{2 + number % 3}"
        stamp = number * SECOND * 3
        jpeg = b"\xff\xd8" + rng.bytes(3000) + (JPEG_MARK if mine else b"") + rng.bytes(3000)
        history.add_frame(Frame("front", stamp, number, jpeg))
        face = Face(
            BOX,
            np.zeros((5, 2), np.float32),
            0.9,
            0.5,
            embedding=own[number // 3] if mine else unit_rows(1, 32, rng)[0],
        )
        track = Track(f"t_{number}", person, TrackState.TRACKING, BOX, 0.8, face)
        history.add_tracks("front", stamp, number, (track,))
        event = PersonEvent(PERSON_IN, stamp, "robot1", "front", person, number, (1, 2, 3, 4), 0.9)
        history.add_event(event)
    history.flush()
    history.recorder.drain()
    history.close()


def forget_small(path: Path) -> None:
    """Forget the person, or finish it; prints when it begins and ends."""
    with stored_places(path, "robot1", path, path / "frames") as places:
        forgetter = Forgetter(places, time.time_ns)
        print("up", flush=True)
        if forgetter.finish() is None:
            found = forgetter.look(ForgetTarget("f_1", person_id=PERSON))
            if not found.preview.empty:
                forgetter.forget(found)
    print("done", flush=True)


def measure_kills(arguments: argparse.Namespace, folder: Path) -> dict:
    """Kill and finish again and again; in how many rounds what was left."""
    fill_small(folder / "whole")
    assert marks_in(folder / "whole")
    command = [sys.executable, __file__, "forget"]
    began = time.perf_counter()
    copy = folder / "copy"
    shutil.copytree(folder / "whole", copy)
    child = subprocess.Popen([*command, str(copy / "robot1")], stdout=subprocess.PIPE, text=True)
    intent = copy / "robot1" / "forgetting.json"
    while not intent.exists():
        time.sleep(0.0005)
    began = time.perf_counter()
    while intent.exists():
        time.sleep(0.0005)
    whole_s = time.perf_counter() - began
    child.wait()
    shutil.rmtree(copy)
    rng, left, in_midst, finish_s = random.Random(arguments.seed), 0, 0, []
    for _ in range(arguments.kills):
        shutil.copytree(folder / "whole", copy)
        child = subprocess.Popen([*command, str(copy / "robot1")], stdout=subprocess.PIPE, text=True)
        child.stdout.readline()
        intent = copy / "robot1" / "forgetting.json"
        while not intent.exists() and child.poll() is None:
            time.sleep(0.0005)
        time.sleep(rng.uniform(0, whole_s))
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
        in_midst += intent.exists()
        began = time.perf_counter()
        forget_small(copy / "robot1")
        finish_s.append(time.perf_counter() - began)
        left += bool(marks_in(copy))
        receipts = sum(len(path.read_text().splitlines()) for path in (copy / "robot1").glob("receipts-2*.jsonl"))
        assert receipts == 1, receipts
        shutil.rmtree(copy)
    return {
        "kills": arguments.kills,
        "in the midst": in_midst,
        "seconds of deletion, undisturbed": round(whole_s, 2),
        "seconds to finish, worst": round(max(finish_s), 2),
        "rounds with a byte left": left,
    }


def main() -> int:
    parser = common.argument_parser(__doc__, data=False)
    parser.add_argument("what", choices=("time", "kills", "forget"))
    parser.add_argument("folder", nargs="?", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--sightings", type=int, default=1_000_000)
    parser.add_argument("--of-person", type=int, default=1_000)
    parser.add_argument("--dimension", type=int, default=128)
    parser.add_argument("--thumbnail", type=int, default=1_500, help="bytes of a thumbnail, on average")
    parser.add_argument("--encrypted", action="store_true", help="in an encrypted folder")
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    arguments = common.parse(parser)
    if arguments.what == "forget":
        forget_small(arguments.folder)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        measure = measure_time if arguments.what == "time" else measure_kills
        results = measure(arguments, Path(folder))
    results |= {"processor": common.processor(), "load": common.load()}
    common.print_values(results)
    common.write_json(arguments.json, results)
    return int(any(results.get(name) for name in ("marks after", "matches after", "rounds with a byte left")))


if __name__ == "__main__":
    sys.exit(main())
