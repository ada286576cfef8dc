"""What was forgotten and comes back with a backup is forgotten again, and nothing else is."""

import shutil

import numpy as np
import pytest
from forget_folder import ANN, BEN, CONTRACT, ON_FORGETTING, SECOND, START, TracedRobot, files_with, unit

from facetrack_ros.history.forget.forgetter import Forgetter
from facetrack_ros.history.forget.order import ForgetTarget
from facetrack_ros.history.forget.places import stored_places
from facetrack_ros.history.forget.receipts import Receipts
from facetrack_ros.history.forget.returned import forget_returned
from facetrack_ros.history.forget.salted_hashes import salted_hash
from facetrack_ros.history.forget.tombstones import Tombstones
from facetrack_ros.history.people.gallery_store import GalleryStore
from facetrack_ros.history.sightings.store import SightingStore
from facetrack_ros.tracking.identity.gallery import GalleryEntry

NOW = START + 3600 * SECOND
LOG = "events-2023-11-14.jsonl"


def opened(robot, work):
    with stored_places(robot.path, "robot1", robot.path, robot.path / "frames") as places:
        return work(places, Forgetter(places, lambda: NOW))


def forget(robot, **target):
    def work(places, forgetter):
        forgetter.forget(forgetter.look(ForgetTarget("f_1", **target)), brake=False)

    opened(robot, work)


def start_again(robot):
    return opened(robot, lambda places, forgetter: forget_returned(places, forgetter, NOW + SECOND))


@pytest.fixture
def robot(tmp_path):
    made = TracedRobot(tmp_path / "data")
    shutil.copytree(made.path, tmp_path / "backup")
    return made


def restore(robot, *names):
    backup = robot.data.parent / "backup"
    for name in names or [path.name for path in backup.iterdir()]:
        if (backup / name).is_dir():
            shutil.copytree(backup / name, robot.path / name, dirs_exist_ok=True)
        else:
            shutil.copy(backup / name, robot.path / name)


def test_nothing_is_done_where_nothing_came_back(robot):
    assert start_again(robot) == []
    forget(robot, person_id=ANN)
    assert start_again(robot) == []
    assert start_again(robot) == []


@pytest.mark.parametrize(
    "names",
    [(), ("sightings-net.sqlite",), ("frames",), ("clips",), ("gallery",), ("aliases.jsonl", LOG)],
    ids=["all", "sightings", "frames", "clips", "gallery", "aliases and events"],
)
def test_a_restored_backup_forgets_again(robot, names):
    forget(robot, person_id=ANN)
    if not names:
        shutil.rmtree(robot.path)  # with its tombstones: a copy is beside the folder
        robot.path.mkdir()
    elif names == ("gallery",):
        (robot.path / "gallery" / "g_robot1_1.deleted").unlink()
    restore(robot, *names)
    assert files_with(robot.data, robot.ann_words(), but=ON_FORGETTING)
    (again,) = start_again(robot)
    assert again.order.order_id == "f_1"
    assert files_with(robot.data, robot.ann_faces() + robot.ann_frames) == {}
    assert files_with(robot.data, robot.ann_words(), but=ON_FORGETTING) == {}
    assert "came back" in list(Receipts(robot.path, "robot1").read())[-1]["reason"]
    assert start_again(robot) == []
    store = SightingStore.open_readonly(robot.path, CONTRACT)
    assert BEN in [person.person_id for person in store.persons()]
    store.close()


def test_a_restored_time_is_forgotten_again(robot):
    span = {"start_ns": START + 10 * SECOND, "end_ns": START + 30 * SECOND}
    forget(robot, **span)
    restore(robot, "frames", "sightings-net.sqlite")
    assert len(start_again(robot)) == 1
    assert opened(robot, lambda places, forgetter: forgetter.look(ForgetTarget("f_2", **span)).preview.empty)
    assert start_again(robot) == []


def test_the_same_faces_under_other_ids_are_known_by_their_hashes(robot):
    forget(robot, person_id=ANN)
    restore(robot, "sightings-net.sqlite")
    store = SightingStore(robot.path, CONTRACT, "robot1")
    renamed = "UPDATE sightings SET person_id = 'p_robot7_1', track_id = 't_7' || id WHERE person_id LIKE 'p_robot1_1'"
    store._indexed.database.run(renamed)
    store.close()
    start_again(robot)
    assert files_with(robot.data, robot.ann_faces()) == {}


def test_enrolled_again_later_the_person_stays(robot):
    forget(robot, person_id=ANN)
    gallery = GalleryStore(robot.path, CONTRACT)
    face = unit(1, 77)
    before = GalleryEntry("g_robot2_5", "Ann", "net", face, 0.9, stamp_ns=NOW - SECOND)
    after = GalleryEntry("g_robot1_9", "Ann", "net", face, 0.9, stamp_ns=NOW + SECOND)
    for entry in (before, after):
        assert gallery.add(entry)
    start_again(robot)
    assert [entry.entry_id for entry in gallery.read()] == ["g_robot1_2", "g_robot1_9"]


def test_a_tombstone_holds_neither_face_nor_name(robot):
    forget(robot, person_id=ANN)
    (tombstone,) = Tombstones(robot.path).read()
    text = b"".join(path.read_bytes() for path in Tombstones(robot.path).paths)
    assert b"Ann" not in text
    assert not any(face in text for face in robot.ann_faces())
    assert salted_hash(tombstone.salt, "net", unit(1, 77)) in tombstone.hashes
    assert salted_hash(tombstone.salt, "net", np.nextafter(unit(1, 77), 1)) not in tombstone.hashes
    assert salted_hash("00" * 16, "net", unit(1, 77)) not in tombstone.hashes
