"""The sighting store merges, finds, names, deletes, and keeps its sightings after a restart."""

import sqlite3
import threading
from contextlib import closing, suppress
from dataclasses import replace

import numpy as np
import pytest

from facetrack_ros.core.pose import RobotPose
from facetrack_ros.errors import StoreError
from facetrack_ros.history.sightings.database import database_path, stored_models
from facetrack_ros.history.sightings.deduplication import DeduplicationRule
from facetrack_ros.history.sightings.retention import SightingLimits
from facetrack_ros.history.sightings.store import SightingStore
from facetrack_ros.models.contract import ModelContract

CONTRACT = ModelContract("net/v1", "embedding", "onnx", "net.onnx", "ab" * 32, 1, "MIT", dimension=4, threshold=0.5)
SECOND = 10**9
ALWAYS = (-(2**62), 2**62)
BOX = np.array([1, 2, 3, 4], np.float32)


def towards(cosine, axis=1):
    """A unit vector at this cosine to the first axis."""
    vector = np.zeros(4, np.float32)
    vector[0], vector[axis] = cosine, np.sqrt(1 - cosine**2)
    return vector


A = towards(1.0)


def add(
    store,
    stamp_ns,
    embedding=A,
    track="t1",
    person="",
    quality=0.5,
    camera="front",
    number=0,
    picture=b"jpeg",
    pose=None,
):
    store.add(camera, stamp_ns, number, track, person, BOX, BOX + 1, quality, embedding, lambda: picture, pose)


def everything(store):
    return [
        (sighting.track_id, sighting.first_ns, sighting.last_ns, round(similarity, 5))
        for sighting, similarity in store.search(A, *ALWAYS, limit=999)[0]
    ]


@pytest.fixture
def store(tmp_path):
    with_one_robot = SightingStore(tmp_path, CONTRACT, "robot1")
    yield with_one_robot
    with_one_robot.close()


def test_a_sighting_comes_back_as_it_was_added(store):
    add(store, 7 * SECOND, number=42, person="p_1", quality=0.75)
    ((sighting, similarity),) = store.search(A, *ALWAYS)[0]
    assert similarity == pytest.approx(1)
    assert (sighting.robot_id, sighting.camera_id, sighting.track_id, sighting.person_id, sighting.model_id) == (
        "robot1",
        "front",
        "t1",
        "p_1",
        "net/v1",
    )
    assert (sighting.stamp_ns, sighting.first_ns, sighting.last_ns, sighting.frame_number) == (7 * SECOND,) * 3 + (42,)
    assert (sighting.bbox.tolist(), sighting.face_bbox.tolist()) == ([1, 2, 3, 4], [2, 3, 4, 5])
    assert (sighting.quality, sighting.thumbnail) == (0.75, b"jpeg")
    assert sighting.embedding.tolist() == A.tolist()
    assert sighting.embedding.dtype == np.float32


def test_near_equal_faces_of_a_track_are_one_sighting_with_the_best_face(store):
    made = []
    for stamp, quality in ((1, 0.5), (2, 0.9), (3, 0.7)):
        store.add(
            "front",
            stamp,
            stamp,
            "t1",
            "",
            BOX,
            BOX,
            quality,
            towards(0.95 + stamp / 100),
            lambda stamp=stamp: made.append(stamp) or b"%d" % stamp,
        )
    ((sighting, similarity),) = store.search(A, *ALWAYS)[0]
    assert (sighting.first_ns, sighting.stamp_ns, sighting.last_ns) == (1, 2, 3)
    assert (sighting.quality, sighting.frame_number, sighting.thumbnail) == (0.9, 2, b"2")
    assert similarity == pytest.approx(0.97, abs=1e-5)
    assert made == [1, 2], "a thumbnail is made only for a face that is the best so far"


def test_other_poses_other_tracks_and_later_times_are_sightings_of_their_own(store):
    add(store, 1)
    add(store, 2, towards(0.5))
    add(store, 3, track="t2")
    add(store, 1 + 10 * SECOND)
    add(store, 2 + 10 * SECOND)
    assert store.count == 4


def test_faces_without_track_are_never_merged(store):
    add(store, 1, track="")
    add(store, 2, track="")
    assert store.count == 2
    assert len(store.search_tracks(A, *ALWAYS, (), 0.5, 20)[0]) == 2


def test_a_track_has_few_open_sightings(tmp_path):
    store = SightingStore(tmp_path, CONTRACT, "robot1", DeduplicationRule(open_per_track=1))
    add(store, 1)
    add(store, 2, towards(0.0))
    add(store, 3)
    assert store.count == 3


def test_a_late_face_extends_its_sighting_back_in_time(store):
    add(store, 5)
    add(store, 3, quality=0.1)
    ((sighting, _),) = store.search(A, *ALWAYS)[0]
    assert (sighting.first_ns, sighting.stamp_ns, sighting.last_ns) == (3, 5, 5)


def test_an_extended_span_is_returned_before_it_is_committed(store):
    for tenth in range(1, 6):
        add(store, SECOND + tenth * SECOND // 10, person="p_1")
    first, last = SECOND + SECOND // 10, SECOND + SECOND // 2
    assert everything(store) == [("t1", first, last, 1.0)]
    assert [
        (each.first_ns, each.last_ns)
        for each in (*store.of_track("t1"), store.best_of_person("p_1"), *store.between("front", last, last))
    ] == [(first, last)] * 3
    assert [(each.first_ns, each.last_ns) for each in store.persons()] == [(first, last)]


def test_search_keeps_to_slice_camera_threshold_and_limit(store):
    for second, camera, cosine in ((0, "front", 1.0), (20, "rear", 0.8), (40, "front", 0.6), (60, "front", 0.2)):
        add(store, second * SECOND, towards(cosine), track=f"t{second}", camera=camera)

    def tracks(*args, **kwargs):
        found, compared = store.search(A, *args, **kwargs)
        return [sighting.track_id for sighting, _ in found], compared

    assert tracks(*ALWAYS) == (["t0", "t20", "t40", "t60"], 4)
    assert tracks(20 * SECOND, 40 * SECOND) == (["t20", "t40"], 2)
    assert tracks(21 * SECOND, 39 * SECOND) == ([], 0)
    assert tracks(*ALWAYS, cameras=("front",), threshold=0.5) == (["t0", "t40"], 3)
    assert tracks(*ALWAYS, cameras=("nowhere",)) == ([], 0)
    assert tracks(*ALWAYS, limit=1) == (["t0"], 4)


def test_the_best_sighting_of_a_person(store):
    add(store, 1, person="p_1", quality=0.2)
    add(store, 2, towards(0), person="p_1", quality=0.8)
    add(store, 3, track="t2", person="p_2", quality=0.9)
    assert store.best_of_person("p_1").stamp_ns == 2
    assert store.best_of_person("p_3") is None
    assert store.best_of_person("") is None


def test_a_track_passes_its_person_to_its_earlier_sightings(store):
    add(store, 1)
    add(store, 2, towards(0))
    add(store, 3, track="t2")
    store.name_track("t1", "p_1")
    add(store, 4, towards(0, axis=2), track="t2", person="p_2")
    people = {sighting.stamp_ns: sighting.person_id for sighting, _ in store.search(A, *ALWAYS)[0]}
    assert people == {1: "p_1", 2: "p_1", 3: "p_2", 4: "p_2"}


def test_reopening_returns_the_same_sightings(tmp_path):
    rng = np.random.default_rng(1)
    vectors = rng.standard_normal((300, 4)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    store = SightingStore(tmp_path, CONTRACT, "robot1")
    for i, vector in enumerate(vectors):
        add(store, i, vector, track=f"t{i % 40}", camera=("front", "rear")[i % 2], quality=float(rng.random()))
    before = everything(store)
    spans = store.per_camera()
    store.close()
    again = SightingStore(tmp_path, CONTRACT, "robot1")
    assert everything(again) == before
    assert again.per_camera() == spans
    assert again.span == (0, 299)
    assert again.count == len(before)
    again.close()


@pytest.mark.parametrize("bad", [np.ones(4), np.zeros(4), np.full(4, np.nan), np.ones(3) / np.sqrt(3)])
def test_bad_embeddings_are_refused_and_leave_no_trace(store, bad):
    with pytest.raises(StoreError):
        add(store, 1, bad.astype(np.float32))
    with pytest.raises(StoreError):
        store.search(bad, *ALWAYS)
    assert store.count == 0


def test_the_pose_of_the_robot_is_stored_with_the_best_face(tmp_path):
    store = SightingStore(tmp_path, CONTRACT, "robot1")
    poses = [RobotPose("map", stamp, (float(stamp), 0.1, -2.5), (0.0, 0.0, 0.6, 0.8)) for stamp in range(5)]
    add(store, 1, pose=poses[1])
    add(store, 2, quality=0.9, pose=poses[2])
    add(store, 3, track="t2")
    add(store, 4, track="t3", pose=poses[4])
    add(store, 5, track="t3", quality=0.9)
    store.close()
    again = SightingStore(tmp_path, CONTRACT, "robot1")
    assert {one.track_id: one.pose for one, _ in again.search(A, *ALWAYS)[0]} == {
        "t1": poses[2],
        "t2": None,
        "t3": None,
    }
    assert again.delete_span("front", *ALWAYS) == 3
    again.close()
    with closing(sqlite3.connect(database_path(tmp_path, CONTRACT.id))) as connection:
        assert connection.execute("SELECT * FROM poses").fetchall() == []


def test_coverage_has_a_gap_where_no_frames_arrived(store):
    for second in (0, 1, 2, 10, 11):
        store.note_frame("front", second * SECOND)
    assert store.coverage("front") == ((0, 2 * SECOND), (10 * SECOND, 11 * SECOND))
    assert store.coverage("rear") == ()
    assert store.cameras() == ("front",)
    assert store.has_data("front", SECOND, SECOND)
    assert not store.has_data("front", 3 * SECOND, 9 * SECOND)
    assert not store.has_data("rear", *ALWAYS)


def test_an_ingested_recording_is_noted(tmp_path):
    store = SightingStore(tmp_path, CONTRACT, "robot1")
    assert not store.was_ingested("file")
    store.mark_ingested("file", "front", 0, 5)
    store.close()
    again = SightingStore(tmp_path, CONTRACT, "robot1")
    assert again.was_ingested("file")
    assert again.has_data("front", 5, 9)
    assert not again.has_data("front", 6, 9)
    again.close()


def test_an_interrupted_ingest_can_be_deleted(store):
    add(store, 1)
    add(store, 100, camera="rear", track="t2")
    add(store, 200, track="t3")
    store.delete_span("front", 0, 150)
    assert sorted(sighting.stamp_ns for sighting, _ in store.search(A, *ALWAYS)[0]) == [100, 200]


def test_threads_add_and_search_at_once(store):
    def write(camera):
        for i in range(150):
            add(store, i * SECOND // 10, track=f"{camera}{i}", camera=camera)

    threads = [threading.Thread(target=write, args=(camera,)) for camera in ("front", "rear")]
    for thread in threads:
        thread.start()
    sizes = [store.search(A, *ALWAYS)[1] for _ in range(50)]
    for thread in threads:
        thread.join()
    assert sizes == sorted(sizes)
    assert store.count == 300


class TestOpening:
    def test_each_model_has_its_own_file(self, tmp_path):
        for model in ("net/v1", "net/v2"):
            SightingStore(tmp_path, replace(CONTRACT, id=model), "robot1").close()
        assert stored_models(tmp_path) == ("net/v1", "net/v2")

    @pytest.mark.parametrize(
        ("changes", "robot", "reason"),
        [
            ({"dimension": 8}, "robot1", "never mixed"),
            ({"sha256": "cd" * 32}, "robot1", "id of its own"),
            ({}, "robot2", "robot1"),
        ],
    )
    def test_a_store_of_another_model_or_robot_is_refused(self, tmp_path, changes, robot, reason):
        SightingStore(tmp_path, CONTRACT, "robot1").close()
        with pytest.raises(StoreError, match=reason):
            SightingStore(tmp_path, replace(CONTRACT, **changes), robot)

    def test_a_file_of_another_model_under_this_name_is_refused(self, tmp_path):
        SightingStore(tmp_path, CONTRACT, "robot1").close()
        other = replace(CONTRACT, id="other")
        database_path(tmp_path, CONTRACT.id).rename(database_path(tmp_path, other.id))
        with pytest.raises(StoreError, match="holds embeddings of net/v1"):
            SightingStore(tmp_path, other, "robot1")

    def test_a_newer_schema_is_refused(self, tmp_path):
        SightingStore(tmp_path, CONTRACT, "robot1").close()
        with closing(sqlite3.connect(database_path(tmp_path, CONTRACT.id))) as connection:
            connection.execute("PRAGMA user_version = 99")
        for opening in (
            lambda: SightingStore(tmp_path, CONTRACT, "robot1"),
            lambda: SightingStore.open_readonly(tmp_path, CONTRACT),
        ):
            with pytest.raises(StoreError, match="update facetrack_ros"):
                opening()

    @pytest.mark.parametrize(
        "damage",
        [
            lambda data: b"no database at all" * 99,
            lambda data: data[:5000],
            lambda data: data[:4096] + b"\xff" * (len(data) - 4096),
        ],
    )
    def test_a_damaged_file_is_refused(self, tmp_path, damage):
        store = SightingStore(tmp_path, CONTRACT, "robot1")
        for i in range(50):
            add(store, i, track=f"t{i}")
        store.close()
        path = database_path(tmp_path, CONTRACT.id)
        path.write_bytes(damage(path.read_bytes()))
        for opening in (
            lambda: SightingStore(tmp_path, CONTRACT, "robot1"),
            lambda: SightingStore.open_readonly(tmp_path, CONTRACT),
        ):
            with pytest.raises(StoreError, match=r"damaged|no store of sightings"):
                opening()

    def test_one_process_writes_at_a_time(self, tmp_path, store):
        with pytest.raises(StoreError, match="another process"):
            SightingStore(tmp_path, CONTRACT, "robot1")

    def test_a_running_robots_history_can_be_read_but_not_written(self, tmp_path, store):
        add(store, 1)
        store.flush()
        add(store, 2, track="t2")  # not yet committed
        reader = SightingStore.open_readonly(tmp_path, CONTRACT)
        assert (reader.robot_id, reader.count) == ("robot1", 1)
        store.flush()
        assert reader.search(A, *ALWAYS)[0][0][0].stamp_ns == 1
        with pytest.raises(StoreError, match="readonly"):
            add(reader, 3)
        reader.close()

    def test_an_absent_history_is_an_error(self, tmp_path):
        with pytest.raises(StoreError, match="no sightings of model net/v1"):
            SightingStore.open_readonly(tmp_path, CONTRACT)

    def test_a_closed_store_cannot_be_used(self, tmp_path):
        store = SightingStore(tmp_path, CONTRACT, "robot1")
        store.close()
        with pytest.raises(StoreError, match="closed"):
            add(store, 1)


HOUR = 3600 * SECOND


def test_beyond_the_count_the_longest_unseen_are_deleted_with_their_coverage(tmp_path):
    store = SightingStore(tmp_path, CONTRACT, "robot1", block_rows=16)
    for number in range(110):
        add(store, number * SECOND, track=f"t{number}")
        store.note_frame("front", number * SECOND)
    assert store.prune(SightingLimits(count=110), 110 * SECOND) == 0
    assert store.prune(SightingLimits(count=100), 110 * SECOND) == 20  # a tenth below the limit, for those to come
    assert store.count == 90
    assert store.span == (20 * SECOND, 109 * SECOND)
    assert store.coverage("front") == ((20 * SECOND, 109 * SECOND),)
    add(store, 110 * SECOND, track="t110")
    store.close()
    again = SightingStore.open_readonly(tmp_path, CONTRACT)
    assert again.count == 91
    assert [hit[0] for hit in everything(again)][-1] == "t110"
    again.close()


def test_sightings_older_than_allowed_are_deleted(store):
    for number in range(100):
        add(store, number * HOUR, track=f"t{number}")
    assert store.prune(SightingLimits(age_ns=99 * HOUR), 99 * HOUR) == 0
    assert store.prune(SightingLimits(age_ns=90 * HOUR), 99 * HOUR) == 18
    assert store.span[0] == 18 * HOUR


def test_more_than_half_at_once_is_refused_without_a_user(store):
    for number in range(100):
        add(store, number * HOUR, track=f"t{number}")
    with pytest.raises(StoreError, match=r"100 of 100 sightings .*older than 24 h.*facetrack prune"):
        store.prune(SightingLimits(age_ns=24 * HOUR), 10_000 * HOUR)
    assert store.count == 100
    assert store.prune(SightingLimits(age_ns=24 * HOUR), 10_000 * HOUR, brake=False) == 100


def test_frames_that_were_not_analysed_are_told_apart_and_old_files_have_none(tmp_path):
    store = SightingStore(tmp_path, CONTRACT, "robot1")
    for second in range(20):
        store.note_frame("front", second * SECOND, analysed=False)
        if not 5 < second < 15:
            store.note_analysed("front", second * SECOND)
    assert store.coverage("front") == ((0, 19 * SECOND),)
    assert store.analysed("front") == ((0, 5 * SECOND), (15 * SECOND, 19 * SECOND))
    store.close()
    with closing(sqlite3.connect(database_path(tmp_path, CONTRACT.id))) as connection:
        connection.execute("DROP TABLE analysed")
        connection.execute("PRAGMA user_version = 3")
        connection.commit()
    old = SightingStore.open_readonly(tmp_path, CONTRACT)
    assert old.analysed("front") == ((0, 19 * SECOND),)
    old.close()
    store = SightingStore(tmp_path, CONTRACT, "robot1")
    assert store.analysed("front") == ((0, 19 * SECOND),)
    store.note_frame("front", 60 * SECOND, analysed=False)
    assert store.analysed("front") == ((0, 19 * SECOND),)
    store.close()


def test_a_count_lowered_step_by_step_leaves_half_of_what_a_day_held_also_after_a_restart(tmp_path):
    store = SightingStore(tmp_path, CONTRACT, "robot1", block_rows=64)
    for number in range(400):
        add(store, number * SECOND, track=f"t{number}")
    left = []
    for limit in (399, 330, 280, 240, 210, 120, 2):
        with suppress(StoreError):
            store.prune(SightingLimits(count=limit), 400 * SECOND)
        left.append(store.count)
        store.close()
        store = SightingStore(tmp_path, CONTRACT, "robot1", block_rows=64)
    assert left[1] < 330
    assert left[-1] >= 200, left
    assert store.prune(SightingLimits(count=2), 400 * SECOND, brake=False) > 0
    store.close()


def test_age_empties_a_store_slowly(tmp_path):
    store = SightingStore(tmp_path, CONTRACT, "robot1")
    for minute in range(400):
        if minute < 250:
            for face in range(4):
                add(store, minute * 60 * SECOND, track=f"t{minute} {face}")
        store.prune(SightingLimits(age_ns=HOUR), minute * 60 * SECOND)
    assert store.count == 0
    store.close()
