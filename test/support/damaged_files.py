"""Files of every kind that this package reads, damaged, and read in a process with bounded memory.

``damaged_files.py KIND FOLDER SEED FIRST COUNT`` reads damaged copies number FIRST and up, and prints a line for each:
``read``, ``refused SENTENCE`` or ``fault TRACEBACK``. The parent learns from the last line where the process ended.
"""

import contextlib
import json
import logging
import os
import resource
import shutil
import signal
import socket
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from mutations import Mutator

from facetrack_ros.config import Config
from facetrack_ros.core.event import PERSON_IN, PERSON_OUT, PersonEvent
from facetrack_ros.core.frame import Frame
from facetrack_ros.errors import FacetrackError
from facetrack_ros.history.events.format import read_events
from facetrack_ros.history.frames.settings import FrameSettings
from facetrack_ros.history.layout import RobotFolder, history_folders
from facetrack_ros.history.people.gallery_store import GalleryStore
from facetrack_ros.history.people.merge_log import MergeLog
from facetrack_ros.history.people.recall import load_people_tracker
from facetrack_ros.history.robot_history import RobotHistory
from facetrack_ros.history.sightings.store import SightingStore
from facetrack_ros.models.contract import ModelContract, read_contract, write_contract
from facetrack_ros.search.offline.open_history import OpenHistory
from facetrack_ros.search.reference_image import decode_reference, read_picture
from facetrack_ros.search.request import SearchRequest
from facetrack_ros.sources.bag_writer import BagWriter
from facetrack_ros.sources.factory import open_source
from facetrack_ros.tracking.id_allocator import IdAllocator
from facetrack_ros.tracking.identity.gallery import GalleryEntry
from facetrack_ros.tracking.identity_merges import MergeDecision

#: What one damaged file may cost at most, beyond what its reader needs for a good one, megabytes.
MEMORY_MB = 100
#: Address space beyond that of the process after a good file, megabytes: threads and mappings need some.
ADDRESS_SPACE_MB = 600
#: A file that takes longer hangs its reader.
SECONDS = 60
DIMENSION, START_NS = 16, 1_790_000_000_000_000_000
CONTRACT = ModelContract("net", "embedding", "onnx", "net.onnx", "", 1, "MIT", dimension=DIMENSION, threshold=0.5)


@dataclass(frozen=True)
class Kind:
    """A kind of file.

    :param make: makes good files in a folder; the paths of those to damage.
    :param read: reads the folder as the program does.
    :param refuses: whether it may refuse with an error for the user; else it must read on.
    """

    make: Callable[[Path], list[Path]]
    read: Callable[[Path], Any]
    refuses: bool = True


def _picture(number: int = 0, suffix: str = ".jpg") -> bytes:
    image = np.random.default_rng(number).integers(0, 255, (72, 96, 3), dtype=np.uint8)
    return cv2.imencode(suffix, cv2.GaussianBlur(image, (9, 9), 3))[1].tobytes()


def _unit(number: int) -> np.ndarray:
    row = np.random.default_rng(number).standard_normal(DIMENSION)
    return (row / np.linalg.norm(row)).astype(np.float32)


def _history(folder: Path) -> list[Path]:
    """A robot's folder with all that a robot writes."""
    box = np.array([10, 10, 60, 60], np.float32)
    with contextlib.closing(SightingStore(folder / "robot1", CONTRACT, "robot1", block_rows=16)) as store:
        for number in range(40):
            place = "front", START_NS + number * 2 * 10**9, number, f"t_{number}", f"p_robot1_{number % 4 + 1}"
            store.note_frame("front", place[1])
            store.add(*place, box, box, 0.8, _unit(number % 4), _picture)
    history = RobotHistory(folder, "robot1", CONTRACT, FrameSettings(mode="continuous"))
    for number in range(20):
        history.add_frame(Frame("front", START_NS + number * 10**8, number, _picture(number)))
    for event, extra in (
        (PERSON_IN, {"bbox": (0.0,) * 4, "confidence": 0.9}),
        (PERSON_OUT, {"last_seen_ns": START_NS, "duration_ns": 5, "last_bbox": (0.0,) * 4}),
    ):
        history.add_event(PersonEvent(event, START_NS, "robot1", "front", "p_robot1_1", 1, **extra))
    history.clock_offsets.note("front", START_NS, 5 * 10**9)
    history.flush()
    history.close()
    for _ in range(9):
        IdAllocator(folder / "robot1" / "ids.json").next("person")
    GalleryStore(folder / "robot1").add(GalleryEntry("g_robot1_1", "Ann", "net", _unit(1), 0.9, by="robot1"))
    decision = MergeDecision("a_1", "p_robot1_1", "p_robot1_2", True, "Ann", True, 1, START_NS, "one")
    MergeLog(folder / "robot1").append([decision] * 3)
    return sorted(path for path in (folder / "robot1").rglob("*") if path.is_file() and path.stat().st_size)


def _start_robot(folder: Path) -> None:
    """What a robot does with its folder at its start and in a search."""
    history = RobotHistory(folder, "robot1", CONTRACT, FrameSettings(mode="continuous"))
    try:
        load_people_tracker(folder, "robot1", Config(), CONTRACT)
        history.status()
        list(history.frames_between("front", 0, 2 * START_NS))
        history.add_frame(Frame("front", START_NS + 10**12, 99, _picture(99)))
        history.flush()
    finally:
        history.close()


def _search_offline(folder: Path) -> None:
    for found in history_folders(folder):
        history = OpenHistory(RobotFolder(found.robot_id, found.path, found.error), CONTRACT)
        try:
            history.search(SearchRequest("s", _unit(1), "net", max_results=5), START_NS + 10**13)
        finally:
            history.close()
    list(read_events(folder / "robot1"))


def _bag(storage: str) -> Callable[[Path], list[Path]]:
    def make(folder: Path) -> list[Path]:
        with BagWriter(folder / "bag", storage) as bag:
            for number in range(8):
                bag.write("/front/image", Frame("front", START_NS + number * 10**8, number, _picture(number)))
        return sorted(path for path in (folder / "bag").iterdir() if path.is_file())

    return make


def _film(suffix: str, codec: str, pixels: str) -> Callable[[Path], list[Path]]:
    def make(folder: Path) -> list[Path]:
        path = folder / f"film{suffix}"
        with av.open(str(path), "w") as container:
            stream = container.add_stream(codec, rate=10)
            stream.width, stream.height, stream.pix_fmt = 96, 72, pixels
            for number in range(8):
                image = cv2.imdecode(np.frombuffer(_picture(number), np.uint8), cv2.IMREAD_COLOR)
                frame = av.VideoFrame.from_ndarray(image, format="bgr24").reformat(format=pixels)
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        return [path]

    return make


def _read_source(text: str) -> None:
    source = open_source(text)
    try:
        for frame in source:
            _ = frame
    finally:
        source.close()


def _first(folder: Path, pattern: str) -> str:
    return str(next(folder.glob(pattern)))


def _config(folder: Path) -> list[Path]:
    path = folder / "robot.yaml"
    shutil.copyfile(Path(__file__).resolve().parents[2] / "config" / "default.yaml", path)
    return [path]


def _contract(folder: Path) -> list[Path]:
    return [write_contract(CONTRACT, folder)]


def _onnx(folder: Path) -> list[Path]:
    from onnx import TensorProto, helper, numpy_helper

    rows = numpy_helper.from_array(np.ones((3, DIMENSION), np.float32), "rows")
    nodes = [
        helper.make_node("ReduceMean", ["pictures"], ["means"], axes=[2, 3], keepdims=0),
        helper.make_node("MatMul", ["means", "rows"], ["vectors"]),
    ]
    shapes = [helper.make_tensor_value_info("pictures", TensorProto.FLOAT, (1, 3, 16, 16))]
    graph = helper.make_graph(nodes, "net", shapes, [helper.make_tensor_value_info("vectors", 1, None)], [rows])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    (folder / "net.onnx").write_bytes(model.SerializeToString())
    return [folder / "net.onnx"]


def _read_onnx(folder: Path) -> None:
    from facetrack_ros.vision.inference.onnx_session import OnnxSession

    OnnxSession(folder / "net.onnx").run(np.zeros((1, 3, 16, 16), np.float32))


def _pictures(folder: Path) -> list[Path]:
    for suffix in (".jpg", ".png", ".bmp", ".webp", ".tiff", ".ppm"):
        (folder / f"picture{suffix}").write_bytes(_picture(1, suffix))
    return sorted(folder.iterdir())


def _read_pictures(folder: Path) -> None:
    refused = None
    for path in sorted(folder.iterdir()):
        try:
            decode_reference(read_picture(str(path)))
        except FacetrackError as error:
            refused = error
    if refused:
        raise refused


KINDS = {
    "data folder, by a robot": Kind(_history, _start_robot, refuses=False),
    "data folder, offline": Kind(_history, _search_offline),
    "bag (mcap)": Kind(_bag("mcap"), lambda folder: _read_source(f"bag:{folder / 'bag'}:/front/image")),
    "bag (sqlite3)": Kind(_bag("sqlite3"), lambda folder: _read_source(f"bag:{folder / 'bag'}:/front/image")),
    "film (mp4)": Kind(_film(".mp4", "libx264", "yuv420p"), lambda folder: _read_source(_first(folder, "film.*"))),
    "film (gif)": Kind(_film(".gif", "gif", "rgb8"), lambda folder: _read_source(_first(folder, "film.*"))),
    "film (avi)": Kind(_film(".avi", "mjpeg", "yuvj420p"), lambda folder: _read_source(_first(folder, "film.*"))),
    "settings": Kind(_config, lambda folder: Config.load(folder / "robot.yaml")),
    "contract": Kind(_contract, lambda folder: read_contract(next(folder.iterdir()))),
    "model": Kind(_onnx, _read_onnx),
    "picture": Kind(_pictures, _read_pictures),
}


class Hangs(BaseException):
    """A file takes longer than :data:`SECONDS`; no handler of the package catches it."""


def _too_long(number: int, frame: Any) -> None:
    raise Hangs


def damage(good: Path, files: list[str], folder: Path, seed: int, number: int) -> str:
    """Make damaged copy ``number`` of a folder; the name of the damaged file."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(good, folder)
    mutator = Mutator(seed * 1_000_003 + number)
    name = mutator.chance.choice(files)
    if mutator.chance.random() < ODD_SHARE:
        (folder / name).unlink()
        mutator.chance.choice(ODD)(folder / name)
    else:
        (folder / name).write_bytes(mutator.damaged((good / name).read_bytes()))
    return name


def _sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(10 * 2**30)


def _listening(path: Path) -> None:
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as server:
        here = os.getcwd()
        os.chdir(path.parent)  # the path of a socket is short
        server.bind(path.name)
        os.chdir(here)


#: What may stand in a file's place, made at its path, and how often.
ODD = (
    os.mkfifo,
    Path.mkdir,
    _listening,
    _sparse,
    lambda path: path.symlink_to("/dev/zero"),
    lambda path: path.symlink_to("/dev/null"),
    lambda path: path.symlink_to(path.name),
    lambda path: path.symlink_to("nowhere"),
)
ODD_SHARE = 0.15


def read_all(kind: Kind, folder: Path, seed: int, first: int, count: int) -> None:
    """Read damaged copies and print an outcome a line."""
    good, work = folder / "good", folder / f"work{first}"
    files = json.loads((folder / "files.json").read_text())
    logging.disable(logging.CRITICAL)
    signal.signal(signal.SIGALRM, _too_long)
    shutil.copytree(good, work)
    kind.read(work)  # what a good one needs
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    address_space = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (address_space + ADDRESS_SPACE_MB * 10**6, resource.RLIM_INFINITY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for number in range(first, first + count):
        name = damage(good, files, work, seed, number)
        print(json.dumps({"number": number, "file": name, "outcome": "begun"}), flush=True)
        signal.alarm(SECONDS)
        outcome = _outcome(kind, work)
        signal.alarm(0)
        grown_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 - peak_mb
        print(json.dumps({"number": number, "file": name, "mb": round(grown_mb), **outcome}), flush=True)
    shutil.rmtree(work, ignore_errors=True)


def _outcome(kind: Kind, work: Path) -> dict[str, str]:
    try:
        kind.read(work)
    except FacetrackError as error:
        return {"outcome": "refused", "said": str(error)[:300]}
    except Hangs:
        return {"outcome": "fault", "said": f"hangs: {traceback.format_exc()[-1500:]}"}
    except Exception:
        return {"outcome": "fault", "said": traceback.format_exc()[-1500:]}
    return {"outcome": "read", "said": ""}


def prepare(kind: Kind, folder: Path) -> None:
    """Make the good files of a kind."""
    good = folder / "good"
    good.mkdir(parents=True)
    files = [str(path.relative_to(good)) for path in kind.make(good)]
    (folder / "files.json").write_text(json.dumps(files))


if __name__ == "__main__":
    os.environ["FACETRACK_DOWNLOAD"] = "0"
    name, folder, seed, first, count = sys.argv[1:]
    if not (Path(folder) / "good").exists():
        prepare(KINDS[name], Path(folder))
    read_all(KINDS[name], Path(folder), int(seed), int(first), int(count))
