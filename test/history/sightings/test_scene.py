"""How alike the people of a store are, from those known to be different."""

import numpy as np
import pytest

from facetrack_ros.history.people.merge_log import MergeLog
from facetrack_ros.history.sightings.database import Database
from facetrack_ros.history.sightings.scene_rows import SceneRows
from facetrack_ros.history.sightings.store import SightingStore
from facetrack_ros.models.contract import ModelContract
from facetrack_ros.tracking.identity_merges import MergeDecision

CONTRACT = ModelContract("net", "embedding", "onnx", "net.onnx", "", 1, "MIT", dimension=4, threshold=0.5)
SECOND = 10**9
BOX = np.zeros(4, np.float32)


def decision(one, other, same):
    return MergeDecision("a_1", one, other, same, "anna", True, 1, 0, "seen by eye")


@pytest.fixture
def store(tmp_path):
    sightings = SightingStore(tmp_path, CONTRACT, "robot1")
    yield sightings
    sightings.close()


def see(store, person, track, first, last, *values, camera="front"):
    """A sighting from one second to another."""
    vector = np.array(values, np.float32)
    for second in dict.fromkeys((first, last)):
        unit = vector / np.linalg.norm(vector)
        store.add(camera, second * SECOND, second, track, person, BOX, BOX, 0.5, unit, lambda: b"")


def test_people_of_one_time_and_camera_are_different(store):
    see(store, "p_1", "t1", 0, 1, 1, 0, 0, 0)
    see(store, "p_2", "t2", 1, 2, 0.6, 0.8, 0, 0)
    see(store, "p_3", "t3", 60, 61, 0.9, 0.1, 0, 0)
    see(store, "p_4", "t4", 1, 2, 0, 0, 1, 0, camera="rear")
    scene = store.scene()
    assert scene.people == ("p_1", "p_2", "p_3", "p_4")
    assert scene.similarities == pytest.approx([0.6])
    assert scene.different_people == 2
    assert scene.weights.sum() == 1


def test_two_tracks_of_a_person_are_no_pair(store):
    see(store, "p_1", "t1", 0, 1, 1, 0, 0, 0)
    see(store, "p_1", "t2", 0, 1, 0.6, 0.8, 0, 0)
    assert not store.scene().similarities.size


def test_decisions_count_as_being_seen_together_or_as_one_person(store, tmp_path):
    see(store, "p_1", "t1", 0, 1, 1, 0, 0, 0)
    see(store, "p_2", "t2", 0, 1, 0.6, 0.8, 0, 0)
    see(store, "p_3", "t3", 60, 61, 0.8, 0.6, 0, 0)
    MergeLog(tmp_path).append([decision("p_1", "p_2", True), decision("p_1", "p_3", False)])
    scene = store.scene(lambda folder: MergeLog(folder).read())
    assert scene.people == ("p_1", "p_3")
    assert sorted(scene.similarities) == pytest.approx([0.8, 0.96])
    assert scene.weights.sum() == pytest.approx(1)


def test_tracks_without_a_person_count_as_different_but_not_as_people(store):
    see(store, "", "t1", 0, 1, 1, 0, 0, 0)
    see(store, "", "t2", 0, 1, 0.6, 0.8, 0, 0)
    scene = store.scene()
    assert (scene.people, len(scene.similarities)) == ((), 1)


def test_sample_follows_the_store(store):
    assert store.scene().people == ()
    see(store, "p_1", "t1", 0, 1, 1, 0, 0, 0)
    assert store.scene().people == ("p_1",)
    assert store.scene() is store.scene()
    store.delete_span("front", 0, 10 * SECOND)
    assert store.scene().people == ()


def test_sample_is_spread_over_a_large_store(store):
    rng = np.random.default_rng(0)
    for number in range(300):
        see(store, f"p_{number}", f"t{number}", number, number, *rng.normal(size=4))
    store.flush()
    database = Database.for_reading(store.path, CONTRACT)
    sample = SceneRows(database, 4).sample(40, 4)
    database.close()
    seen = sorted(int(person[2:]) for person in sample.people)
    assert len(seen) == 40
    assert seen[0] == 0
    assert seen[-1] >= 225


def test_seen_together(store):
    see(store, "p_1", "t1", 0, 5, 1, 0, 0, 0)
    see(store, "p_2", "t2", 4, 9, 0, 1, 0, 0)
    see(store, "p_3", "t3", 7, 9, 0, 0, 1, 0)
    see(store, "p_4", "t4", 4, 9, 0, 0, 0, 1, camera="rear")
    assert store.seen_together("p_1", ["p_2", "p_3", "p_4", "p_9"]) == {"p_2"}


def test_faces_of_tracks(store):
    see(store, "p_1", "t1", 0, 1, 1, 0, 0, 0)
    see(store, "p_1", "t1", 30, 30, 0, 1, 0, 0)
    see(store, "p_2", "t2", 0, 1, 0, 0, 1, 0)
    faces = store.faces_of_tracks(["t1", "t2", "t9"])
    assert {track: len(embeddings) for track, (embeddings, _) in faces.items()} == {"t1": 2, "t2": 1}
    assert len(store.faces_of_tracks(["t1"], limit=1)["t1"][1]) == 1
