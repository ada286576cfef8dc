"""No file of the data folder keeps a robot from starting: what is unusable is set aside and told, the rest is kept."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from facetrack_ros.config import Config
from facetrack_ros.core.frame import Frame, encode_jpeg
from facetrack_ros.errors import StoreError
from facetrack_ros.history.frames.settings import FrameSettings
from facetrack_ros.history.people.gallery_store import GalleryStore
from facetrack_ros.history.people.merge_log import MergeLog
from facetrack_ros.history.people.recall import load_people_tracker
from facetrack_ros.history.robot_history import RobotHistory
from facetrack_ros.history.set_aside import files_set_aside
from facetrack_ros.history.stored_ids import highest_numbers, open_ids
from facetrack_ros.models.contract import ModelContract
from facetrack_ros.search.people import people_of_robot
from facetrack_ros.tracking.id_allocator import IdAllocator
from facetrack_ros.tracking.identity.gallery import GalleryEntry
from facetrack_ros.tracking.identity_merges import MergeDecision

CONTRACT = ModelContract("net", "embedding", "onnx", "net.onnx", "", 1, "MIT", dimension=4, threshold=0.5)
START_NS = 1_777_636_800_000_000_000
FACES = np.eye(4, dtype=np.float32)
BOX = np.array([0, 0, 20, 20], np.float32)


def jpeg():
    return encode_jpeg(np.full((48, 64, 3), 90, np.uint8), 80)


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """A robot's data folder with every kind of file."""
    data = tmp_path_factory.mktemp("good")
    history = RobotHistory(data, "robot1", CONTRACT, FrameSettings(mode="continuous"))
    ids = IdAllocator(data / "robot1" / "ids.json")
    for number, face in enumerate(FACES[:3]):
        stamp, person = START_NS + number * 3 * 10**9, f"p_robot1_{ids.next('person')}"
        history.add_frame(Frame("front", stamp, number, jpeg()))
        place = ("front", stamp, number, f"t_robot1_front_2_{ids.next('track')}", person)
        history.sightings.add(*place, BOX, BOX, 0.8, face, jpeg)
    for _ in range(10):
        history.clock_offsets.note("front", START_NS, 5 * 10**9)
    history.flush()
    history.close()
    GalleryStore(data / "robot1").add(GalleryEntry("g_robot1_1", "Ann", "net", FACES[3], 0.9, by="robot1"))
    decision = MergeDecision("a_robot1_7", "p_robot1_1", "p_robot1_2", False, "ann", True, 1, START_NS, "by eye")
    MergeLog(data / "robot1").append([decision])
    return data


@pytest.fixture
def data(good, tmp_path):
    return shutil.copytree(good, tmp_path / "data", symlinks=True)


def names(folder: Path) -> list[str]:
    files = (path.relative_to(folder) for path in sorted(folder.rglob("*")) if path.is_file())
    return [str(path) for path in files if path.name != ".lock"]


def start(data: Path):
    """What a robot reads of its folder when it starts, and writes first; persons, decisions and entries it knows."""
    history = RobotHistory(data, "robot1", CONTRACT, FrameSettings(mode="continuous"))
    try:
        people = load_people_tracker(data, "robot1", Config(), CONTRACT)
        open_ids(data / "robot1" / "gallery_ids.json", "robot1").next("entry")
        people._ids.next("person")
        history.add_frame(Frame("front", START_NS + 10**12, 99, jpeg()))
        history.status()
        history.flush()
        return set(people.persons()), len(people.merges.decisions), len(people.gallery)
    finally:
        history.close()


DAMAGES = {
    "cut": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "empty": lambda path: path.write_bytes(b""),
    "zeros": lambda path: path.write_bytes(bytes(path.stat().st_size)),
    "random": lambda path: path.write_bytes(np.random.default_rng(3).bytes(path.stat().st_size)),
    "types": lambda path: path.write_bytes(b'{"person": [1], "robot_id": 7, "format": "x", "embedding": {}}\n'),
    "nested": lambda path: path.write_bytes(b"[" * 100_000 + b"\n"),
    "folder": lambda path: (path.unlink(), path.mkdir()),
    "link": lambda path: (path.unlink(), path.symlink_to("nothing")),
    "sparse": lambda path: os.truncate(path, 10 * 2**30),
    "pipe": lambda path: (path.unlink(), os.mkfifo(path)),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_robot_starts_whatever_one_file_of_its_folder_holds(good, tmp_path, damage, caplog):
    known = start(shutil.copytree(good, tmp_path / "whole"))
    assert known == ({"p_robot1_1", "p_robot1_2", "p_robot1_3"}, 1, 1)
    for number, name in enumerate(names(good)):
        data = shutil.copytree(good, tmp_path / f"data{number}")
        DAMAGES[damage](data / name)
        caplog.clear()
        persons, decisions, entries = start(data)
        said = caplog.text
        # What was not in the damaged file is there.
        if ".sqlite" not in name:
            assert persons == known[0], name
        assert decisions == (name != "robot1/aliases.jsonl"), name
        assert entries == ("gallery/" not in name), name
        if damage in ("folder", "link", "pipe") and not name.endswith(".lock"):
            assert any(Path(name).name in each for each in files_set_aside(data / "robot1")), (name, said)
            assert Path(name).name in said
        start(data)  # and once more


@pytest.mark.parametrize("name", ["gallery", "frames"])
@pytest.mark.parametrize("make", [Path.touch, lambda path: path.symlink_to("nothing"), os.mkfifo])
def test_a_file_in_place_of_a_folder_is_set_aside(data, name, make):
    shutil.rmtree(data / "robot1" / name)
    make(data / "robot1" / name)
    start(data)
    assert f"{name}.damaged-1" in files_set_aside(data / "robot1")


def test_a_damaged_note_of_the_robot_is_written_anew_and_that_of_another_robot_is_refused(data):
    note = data / "robot1" / "robot.json"
    note.write_text("{")
    start(data)
    assert json.loads(note.read_text())["robot_id"] == "robot1"
    note.write_text('{"robot_id": "robot2", "format": 1}')
    with pytest.raises(StoreError, match="robot2"):
        start(data)


def test_ids_go_on_above_those_given_out_where_their_file_is_damaged(data):
    (data / "robot1" / "ids.json").write_bytes(b"\0\0\0")
    assert highest_numbers(data / "robot1", "robot1") == {"person": 3, "track": 3, "alias": 7, "entry": 1}
    people = load_people_tracker(data, "robot1", Config(), CONTRACT)
    assert people._ids.next("person") > 3
    assert people._ids.next("alias") > 7


def test_lists_of_persons_say_what_is_missing(data):
    folder = data / "robot1"
    assert people_of_robot(folder, "robot1").error == ""
    (folder / "gallery" / "g_robot1_1.json").write_text("[]")
    start(data)
    assert "gallery/g_robot1_1.json.damaged-1" in people_of_robot(folder, "robot1").error
