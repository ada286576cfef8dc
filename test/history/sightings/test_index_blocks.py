"""The index on disk gives what the database holds, whatever happens to its files."""

import shutil
import sqlite3
import threading
from dataclasses import replace

import numpy as np
import pytest

from facetrack_ros.history.index.block_file import BlockFile
from facetrack_ros.history.index.faiss_scan import faiss_available
from facetrack_ros.history.index.quantized_rows import QuantizedRows
from facetrack_ros.history.sightings.database import SCHEMA_VERSION, database_path, index_path
from facetrack_ros.history.sightings.store import SightingStore
from facetrack_ros.history.sightings.table import SightingTable
from facetrack_ros.models.contract import ModelContract

pytestmark = pytest.mark.skipif(
    not faiss_available(), reason="needs faiss-cpu; without, nothing is kept beside the database"
)

CONTRACT = ModelContract("net/v1", "embedding", "onnx", "net.onnx", "ab" * 32, 1, "MIT", dimension=64, threshold=0.5)
ALWAYS = (-(2**62), 2**62)
SECOND = 10**9
BOX = np.zeros(4, np.float32)
BLOCK = 100
COUNT = 450
VECTORS = np.random.default_rng(3).standard_normal((COUNT, 64)).astype(np.float32)
VECTORS /= np.linalg.norm(VECTORS, axis=1, keepdims=True)


def opened(folder):
    return SightingStore(folder, CONTRACT, "robot1", block_rows=BLOCK)


def add(store, i, track="", vector=None, quality=0.5, stamp_ns=None):
    store.add(
        ("front", "rear")[i % 2],
        i * SECOND if stamp_ns is None else stamp_ns,
        i,
        track,
        "",
        BOX,
        BOX,
        quality,
        VECTORS[i] if vector is None else vector,
        lambda: b"jpeg",
    )


def answers(store):
    """Everything a search can tell of each of some faces."""
    found = []
    for query in VECTORS[::37]:
        hits, compared = store.search(query, 50 * SECOND, 400 * SECOND, threshold=0.1, limit=999)
        found.append(
            (
                compared,
                [
                    (one.frame_number, one.camera_id, one.first_ns, one.last_ns, round(similarity, 4))
                    for one, similarity in hits
                ],
            )
        )
        found.append(
            [
                (hit.sighting.frame_number, hit.first_ns, hit.last_ns)
                for hit in store.search_tracks(query, *ALWAYS, ("rear",), 0.1, 30)[0]
            ]
        )
    return found, store.per_camera(), store.span, store.count


def files(folder):
    return sorted(index_path(database_path(folder, CONTRACT.id)).glob("*"))


@pytest.fixture
def rows_read(monkeypatch):
    """How many sightings are read from the database to make the index."""
    read = [0]
    batches = SightingTable.batches

    def counted(self, *arguments):
        for batch in batches(self, *arguments):
            read[0] += len(batch[0]) * (threading.current_thread().name != "block_maker")
            yield batch

    monkeypatch.setattr(SightingTable, "batches", counted)
    return read


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A closed store with four blocks on disk and 50 sightings beyond, and what searches in it gave."""
    folder = tmp_path_factory.mktemp("made")
    store = opened(folder)
    for i in range(COUNT):
        add(store, i, track=f"t{i // 3}")
    store.flush()
    before = answers(store)
    store.wait_for_index()
    assert answers(store) == before, "frozen blocks answer as those in memory did"
    store.close()
    assert len(files(folder)) == 4
    assert before[0][0][0] > 300
    return folder, before


@pytest.fixture
def stored(made, tmp_path):
    """A copy of it."""
    folder, before = made
    return shutil.copytree(folder, tmp_path / "robot1"), before


def test_a_history_opens_from_its_blocks_and_reads_only_what_came_after(stored, rows_read):
    folder, before = stored
    for opening in (lambda: opened(folder), lambda: SightingStore.open_readonly(folder, CONTRACT)):
        store = opening()
        assert rows_read == [50]
        rows_read[0] = 0
        assert answers(store) == before
        assert not store.take_told()
        store.close()


def test_sightings_go_on_after_the_blocks(stored):
    folder, _ = stored
    store = opened(folder)
    for i in range(70):
        add(store, i, track=f"u{i}", stamp_ns=(1000 + i) * SECOND)
    expected = answers(store)
    store.flush()
    store.wait_for_index()
    store.close()
    assert len(files(folder)) == 5
    again = opened(folder)
    assert answers(again) == expected
    assert again.count == COUNT + 70
    again.close()


def cut(data):
    return data[:-20]


def flipped(data):
    return data[:3000] + bytes([data[3000] ^ 255]) + data[3001:]


def newer(data):
    return data[:8] + (99).to_bytes(4, "little") + data[12:]


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (cut, "not whole"),
        (flipped, "damaged"),
        (newer, "newer version"),
        (lambda data: b"", "no part of an index"),
        (lambda data: b"x" * len(data), "no part of an index"),
    ],
)
def test_a_block_that_is_damaged_or_newer_is_told_and_made_anew(stored, rows_read, damage, sentence):
    folder, before = stored
    broken = files(folder)[1]
    broken.write_bytes(damage(broken.read_bytes()))
    reader = SightingStore.open_readonly(folder, CONTRACT)
    assert answers(reader) == before
    reader.close()
    assert broken.exists(), "who only reads deletes nothing"
    rows_read[0] = 0
    store = opened(folder)
    assert rows_read == [150]
    assert answers(store) == before
    store.wait_for_index()
    told = store.take_told()
    assert sentence in told
    assert "nothing is lost" in told
    store.close()
    rows_read[0] = 0
    again = opened(folder)
    assert rows_read == [50]
    assert not again.take_told()
    assert answers(again) == before
    again.close()


def test_vectors_that_are_not_what_was_coded_are_read_from_the_database(stored):
    folder, before = stored
    for file in files(folder):
        data = bytearray(file.read_bytes())
        data[-4 * 64 * BLOCK :] = np.random.default_rng(0).permutation(VECTORS)[:BLOCK].tobytes()
        file.write_bytes(data)
    store = opened(folder)
    assert answers(store) == before
    assert "damaged" in store.take_told()
    store.close()


def test_blocks_of_another_database_are_not_used(stored, tmp_path_factory):
    folder, _ = stored
    other = tmp_path_factory.mktemp("other")
    store = opened(other)
    for i in range(COUNT):
        add(store, i, vector=-VECTORS[i])
    expected = answers(store)
    store.close()
    for file in files(other):
        file.unlink()
    index_path(database_path(other, CONTRACT.id)).mkdir(exist_ok=True)
    for file in files(folder):
        index_path(database_path(other, CONTRACT.id)).joinpath(file.name).write_bytes(file.read_bytes())
    again = opened(other)
    assert answers(again) == expected
    assert "another database" in again.take_told()
    again.close()


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM sightings WHERE id = 150",
        "UPDATE sightings SET last_ns = 999e9 WHERE id = 7",
        "DELETE FROM sightings WHERE id > 120",
    ],
)
def test_what_another_program_changed_is_not_hidden_by_a_block(stored, sql):
    folder, _ = stored
    with sqlite3.connect(database_path(folder, CONTRACT.id)) as connection:
        connection.execute(sql)
    connection.close()
    store = opened(folder)
    assert store.count == store._database.rows("SELECT COUNT(*) FROM sightings")[0][0]
    assert store.span[1] == store._database.rows("SELECT MAX(last_ns) FROM sightings")[0][0]
    assert len(store.search(VECTORS[0], *ALWAYS, limit=999)[0]) == store.count
    store.close()


def test_no_byte_of_a_deleted_face_stays_in_any_file(stored):
    folder, _ = stored
    deleted, kept = VECTORS[120:140:2], VECTORS[141]
    blocks = [BlockFile(file) for file in files(folder)]
    codes = [QuantizedRows.of_all(np.concatenate([block.vectors(np.arange(BLOCK))])).codes for block in blocks]
    assert (blocks[1].vectors(np.arange(20, 40, 2)) == deleted).all()
    traces = [*(vector.tobytes() for vector in deleted), *(codes[1][row].tobytes() for row in range(20, 40, 2))]

    def traces_found(traces):
        content = b"".join(file.read_bytes() for file in folder.rglob("*") if file.is_file())
        return sum(trace in content for trace in traces)

    assert traces_found(traces) == 20
    store = opened(folder)
    store.delete_span("front", 120 * SECOND, 139 * SECOND)
    assert traces_found(traces) == 0
    assert traces_found([kept.tobytes()]) == 1
    store.wait_for_index()
    assert store.count == COUNT - 10
    store.close()
    assert traces_found(traces) == 0
    assert len(files(folder)) == 4
    again = opened(folder)
    assert again.count == COUNT - 10
    assert not again.take_told()
    again.close()


def test_what_a_killed_process_left_half_written_is_cleared_away(stored):
    folder, before = stored
    half = files(folder)[0].with_name("block-000000000400.new")
    half.write_bytes(b"half")
    store = opened(folder)
    assert answers(store) == before
    assert not half.exists()
    assert not store.take_told()
    store.close()


def test_a_sighting_that_may_still_change_is_in_no_block(tmp_path):
    store = opened(tmp_path)
    add(store, 0, track="long")
    for i in range(1, 150):
        add(store, i, track=f"t{i}", stamp_ns=i)
    store.flush()
    store.wait_for_index()
    assert not files(tmp_path)
    better = VECTORS[0] + 0.01 * VECTORS[1]
    better /= np.linalg.norm(better)
    add(store, 0, track="long", vector=better, quality=0.9, stamp_ns=SECOND)
    add(store, 150, stamp_ns=60 * SECOND)  # closes it
    store.flush()
    store.flush()
    store.wait_for_index()
    assert len(files(tmp_path)) == 1
    store.close()
    again = opened(tmp_path)
    ((best, similarity),) = again.search(better, *ALWAYS, limit=1)[0]
    assert similarity == pytest.approx(1, abs=1e-6)
    assert best.last_ns == SECOND
    again.close()


def test_a_store_of_the_first_version_is_read_as_it_is_and_brought_up_to_date_by_who_writes(stored):
    folder, before = stored
    path = database_path(folder, CONTRACT.id)
    with sqlite3.connect(path) as connection:
        for name in (
            "TRIGGER sightings_deleted",
            "TRIGGER sightings_changed",
            "TABLE poses",
            "TABLE frozen",
            "TABLE outdated",
        ):
            connection.execute(f"DROP {name}")
        connection.execute("PRAGMA user_version = 1")
    connection.close()
    reader = SightingStore.open_readonly(folder, CONTRACT)
    assert answers(reader) == before
    reader.close()
    store = opened(folder)
    assert answers(store) == before
    assert store._database.rows("PRAGMA user_version") == [(SCHEMA_VERSION,)]
    store.wait_for_index()
    store.close()
    again = opened(folder)
    assert answers(again) == before
    assert not again.take_told()
    assert len(files(folder)) == 4
    again.close()


def test_without_room_for_the_index_sightings_go_on(small_disk):
    contract = replace(CONTRACT, id="small")
    store = SightingStore(small_disk.path, contract, "robot1", block_rows=1000)
    for i in range(999):
        add(store, i % COUNT, stamp_ns=i)
    store.flush()
    small_disk.fill(leave=150_000)
    for i in range(2):
        add(store, i, stamp_ns=i)
    store.flush()
    store.wait_for_index()
    assert "No space left" in store.take_told()
    assert store.search(VECTORS[0], *ALWAYS, limit=1)[1] == 1001
    store.close()
