"""A fleet of robots with synthetic histories, for the benchmarks of the mesh.

A robot here is a history node and a search node with a real store on disk in one process: the two that take part in a
search. There is no camera and no model. The processes are forked from one that has imported everything, which saves
memory and seconds; each has a DDS participant, threads and an index of its own.
"""

import argparse
import contextlib
import ctypes
import multiprocessing
import os
import shutil
import signal
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from common import argument_parser, cpu_s

from facetrack_ros.config import Config
from facetrack_ros.errors import RequestError
from facetrack_ros.history.sightings.database import Database, database_path
from facetrack_ros.history.sightings.sighting import Sighting
from facetrack_ros.history.sightings.table import SightingTable
from facetrack_ros.models.contract import ModelContract
from facetrack_ros.vision.settings import contract_of

MODEL = "mobilefacenet_foamliu"
CAMERA = "front"
BEGIN_NS, STEP_NS = 1_700_000_000_000_000_000, 100_000_000
PEOPLE, VISITS = 40, 25  # faces searched for, and visits of each: more than the 20 matches of a response
BATCH = 20_000
HEARD_S = 120.0


def fleet_parser(description: str | None) -> argparse.ArgumentParser:
    """A parser with the options of every benchmark that runs a fleet."""
    parser = argument_parser(description, data=False)
    parser.add_argument("--sightings", type=int, default=100_000, help="of each robot")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", help="where to make the stores and keep them; default: a temporary folder")
    return parser


@contextlib.contextmanager
def stores_folder(arguments: argparse.Namespace, thumbnail_bytes: int = 0) -> Iterator[Path]:
    """The folder of the stores that match a benchmark's arguments; removed at the end unless ``--folder`` is given."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(arguments.folder or temporary)
        yield folder / f"{arguments.sightings}_{thumbnail_bytes}_{arguments.seed}"


def robot_ids(count: int) -> list[str]:
    """``robot01``, ``robot02`` and so on."""
    return [f"robot{number:02d}" for number in range(1, count + 1)]


def contract() -> ModelContract:
    """The default embedder's contract; 128 numbers an embedding."""
    return contract_of(MODEL, Config())


def unit(rows: np.ndarray) -> np.ndarray:
    """Rows of length 1."""
    return (rows / np.linalg.norm(rows, axis=-1, keepdims=True)).astype(np.float32)


def number_of(person_id: str) -> int:
    """The row of :func:`people` of a person id. Each visit has an id of its own, so that few matches are merged."""
    return int(person_id.split("_")[1])


def people(seed: int = 1) -> np.ndarray:
    """``(PEOPLE, dimension)`` faces that every robot has seen and that are searched for."""
    return unit(np.random.default_rng(seed).standard_normal((PEOPLE, contract().dimension)))


def make_stores(folder: Path, robots: list[str], sightings: int, thumbnail_bytes: int = 0, seed: int = 1) -> None:
    """Make a store a robot: strangers (random directions), and :data:`VISITS` visits of each of the :func:`people`.

    The first robot's is written, the others' are copies with their robot id.
    """
    model = contract()
    chance = np.random.default_rng(seed + 1)
    searched = people(seed)
    first = folder / robots[0]
    if not database_path(first, MODEL).exists():
        # Written to the table: writing needs no index.
        database = Database.for_writing(database_path(first, MODEL), model, robots[0])
        table = SightingTable(database, MODEL, model.dimension)
        box, thumbnail = np.zeros(4, np.float32), bytes(thumbnail_bytes)
        places = dict(zip(chance.choice(sightings, PEOPLE * VISITS, replace=False).tolist(), range(PEOPLE * VISITS)))
        for start in range(0, sightings, BATCH):
            faces = unit(chance.standard_normal((min(BATCH, sightings - start), model.dimension)))
            for row, face in enumerate(faces, start):
                track, person, picture = f"t_front_{row}", "p_stranger", b""
                if row in places:
                    number, visit = divmod(places[row], VISITS)
                    track, person, picture = f"t_{number}_{visit}", f"p_{number}_{visit}", thumbnail
                    # A cosine of about 0.8 to the face searched for.
                    face = unit(searched[number] + 0.75 * face)
                stamp = BEGIN_NS + row * STEP_NS
                place = robots[0], CAMERA, stamp, stamp, stamp, row, track, person
                table.insert(Sighting(*place, box, box, 0.5, face, MODEL, picture))
        database.commit()
        database.close()
    for robot in robots[1:]:
        path = database_path(folder / robot, MODEL)
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(database_path(first, MODEL), path)
            with contextlib.closing(sqlite3.connect(path)) as connection, connection:
                connection.execute("UPDATE about SET robot_id = ?", (robot,))


class _NoVision:
    """Takes the place of the models: these robots have a history and no cameras."""

    batches = True

    def __init__(self):
        self.contract = contract()

    def describe(self) -> dict[str, dict[str, str]]:
        return {role: {"model": "none"} for role in ("person", "face", "embedder")}


def enter_namespace(name: str) -> None:
    """Move this process into a network namespace."""
    with open(f"/run/netns/{name}", "rb") as file:
        if ctypes.CDLL(None).setns(file.fileno(), 0x40000000):  # CLONE_NEWNET; os.setns is in Python 3.12 only
            raise OSError(f"cannot enter the network namespace {name}")


def _run_robot(robot: str, folder: str, environment: dict[str, str], namespace: str) -> None:
    """Run a robot in this process until it is stopped."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: ends with the benchmark's process
    if namespace:
        enter_namespace(namespace)
    os.environ.update(environment)
    from facetrack_ros.nodes.base.process import StopSignal, ignore_signals, ros, spinning
    from facetrack_ros.nodes.history_node import HistoryNode
    from facetrack_ros.nodes.search_node import SearchNode
    from facetrack_ros.vision.pipeline_pool import PipelinePool
    from facetrack_ros.vision.settings import VisionSettings

    stop = StopSignal()
    member = {
        "robot_id": robot,
        "cameras": (CAMERA,),
        "config": Config({"data_dir": folder, "frame_history.mode": "off"}),
    }
    with ros([], images=False):
        models = PipelinePool(VisionSettings(), build=lambda settings: _NoVision())
        nodes = [HistoryNode(models=models, subscribe=False, **member), SearchNode(**member)]
        with spinning(nodes):
            for node in nodes:
                node.start_up()
            stop.wait()
            for node in nodes:
                node.end()
    ignore_signals()


class Fleet:
    """Robots as processes; a context manager that ends them all.

    :param environment: environment variables of each process, such as DDS settings.
    :param namespaces: by robot, the network namespace it runs in; absent: the benchmark's.
    """

    def __init__(
        self,
        folder: Path,
        robots: list[str],
        environment: dict[str, str] | None = None,
        namespaces: dict[str, str] | None = None,
    ) -> None:
        self._folder = folder
        self._environment = dict(environment or {})
        self._namespaces = dict(namespaces or {})
        self.robots = list(robots)
        self._processes: dict[str, multiprocessing.Process] = {}
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(
            ["synthetic_fleet", "rclpy", "facetrack_ros.nodes.history_node", "facetrack_ros.nodes.search_node", "faiss"]
        )

    def __enter__(self) -> "Fleet":
        for robot in self.robots:
            self.start(robot)
        return self

    def __exit__(self, *error) -> None:
        for robot in list(self._processes):
            self.signal(robot, signal.SIGKILL)
        for process in self._processes.values():
            process.join(10.0)

    def start(self, robot: str) -> None:
        """Start or restart a robot."""
        self._processes[robot] = self._context.Process(
            target=_run_robot,
            daemon=True,
            args=(robot, str(self._folder), self._environment, self._namespaces.get(robot, "")),
        )
        self._processes[robot].start()

    def signal(self, robot: str, number: int) -> None:
        """Send a robot's process a signal."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid(robot), number)

    def pid(self, robot: str) -> int:
        """The id of a robot's process."""
        return self._processes[robot].pid

    def join(self, robot: str, timeout_s: float = 10.0) -> None:
        """Wait for a robot's process to end."""
        self._processes[robot].join(timeout_s)

    def cpu_s(self) -> float:
        """CPU seconds all robots' processes have used so far."""
        return sum(cpu_s(self.pid(robot)) for robot in self.robots)


def wait_for_all(client, robots: list[str], request, timeout_s: float = HEARD_S) -> float:
    """Repeat a search until all robots respond; how long that took, seconds.

    :param client: an open :class:`facetrack_ros.client.fleet_client.FleetClient`.
    """
    started = time.monotonic()
    while True:
        try:
            answered = {line.robot_id for line in client.search(request, 10.0)[0].robots if line.status == "answered"}
        except RequestError:  # its service is not active yet
            answered = set()
        if answered >= set(robots):
            return time.monotonic() - started
        if time.monotonic() - started > timeout_s:
            raise SystemExit(f"no response within {timeout_s:.0f} s from {', '.join(sorted(set(robots) - answered))}")
        time.sleep(0.2)


def search_request(face: np.ndarray, timeout_s: float = 5.0, max_results: int = 20):
    """A ``face_search`` request with an embedding."""
    from facetrack_ros import srv
    from facetrack_ros.nodes.conversion.fields import float_array
    from facetrack_ros.nodes.conversion.time import to_duration

    return srv.FaceSearch.Request(
        embedding=float_array(face),
        model_id=MODEL,
        max_results=max_results,
        timeout=to_duration(round(timeout_s * 1e9)),
    )
