"""The index on disk returns what the database holds, whatever happens to its files."""

import shutil
import sqlite3
import threading
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest

from facetrack_ros.core.sealed_files.data_key import DataKey
from facetrack_ros.core.sealed_files.folder_keys import set_key
from facetrack_ros.history.index.block_file import BlockFile
from facetrack_ros.history.index.faiss_scan import faiss_available
from facetrack_ros.history.index.quantized_rows import QuantizedRows
from facetrack_ros.history.sightings.database import SCHEMA_VERSION, database_path, index_path
from facetrack_ros.history.sightings.store import SightingStore
from facetrack_ros.history.sightings.table import SightingTable
from facetrack_ros.models.contract import ModelContract

pytestmark = pytest.mark.skipif(not faiss_available(), reason="needs faiss-cpu; without, there are no blocks")

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


def warnings(caplog):
    """What the history logged since the last call."""
    found = [record.getMessage() for record in caplog.records if record.name.startswith("facetrack_ros.history")]
    caplog.clear()
    return found


def answers(store):
    """Everything that searches for some faces return."""
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
    """How many sightings are read from the database to build the index."""
    read = [0]
    batches = SightingTable.batches

    def counted(self, *arguments):
        for batch in batches(self, *arguments):
            read[0] += len(batch[0]) * (threading.current_thread().name != "index_block_writer")
            yield batch

    monkeypatch.setattr(SightingTable, "batches", counted)
    return read


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A closed store with four blocks on disk and 50 sightings beyond, and what searches in it returned."""
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


def test_opening_reads_the_blocks_and_only_later_sightings_from_the_database(stored, rows_read, caplog):
    folder, before = stored
    for opening in (lambda: opened(folder), lambda: SightingStore.open_readonly(folder, CONTRACT)):
        store = opening()
        assert rows_read == [50]
        rows_read[0] = 0
        assert answers(store) == before
        assert not warnings(caplog)
        store.close()


def test_sightings_added_after_the_blocks_are_found(stored):
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


@pytest.mark.parametrize("damage", [cut, flipped, newer, lambda data: b"", lambda data: b"x" * len(data)])
def test_a_damaged_or_newer_block_is_logged_and_written_again(stored, rows_read, damage, caplog):
    folder, before = stored
    broken = files(folder)[1]
    broken.write_bytes(damage(broken.read_bytes()))
    reader = SightingStore.open_readonly(folder, CONTRACT)
    assert answers(reader) == before
    reader.close()
    assert broken.exists(), "a reader deletes nothing"
    assert broken.name in "".join(warnings(caplog))
    rows_read[0] = 0
    store = opened(folder)
    assert rows_read == [150]
    assert answers(store) == before
    store.wait_for_index()
    (warning,) = warnings(caplog)
    assert broken.name in warning
    store.close()
    rows_read[0] = 0
    again = opened(folder)
    assert rows_read == [50]
    assert not warnings(caplog)
    assert answers(again) == before
    again.close()


def test_vectors_other_than_those_quantised_are_read_from_the_database(stored, caplog):
    folder, before = stored
    for file in files(folder):
        data = bytearray(file.read_bytes())
        data[-4 * 64 * BLOCK :] = np.random.default_rng(0).permutation(VECTORS)[:BLOCK].tobytes()
        file.write_bytes(data)
    store = opened(folder)
    assert answers(store) == before
    assert len(warnings(caplog)) == len(files(folder))
    store.close()


def test_blocks_of_another_database_are_not_used(stored, tmp_path_factory, caplog):
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
    assert len(warnings(caplog)) == len(files(folder))
    again.close()


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM sightings WHERE id = 150",
        "UPDATE sightings SET last_ns = 999e9 WHERE id = 7",
        "DELETE FROM sightings WHERE id > 120",
    ],
)
def test_a_block_does_not_hide_what_another_program_changed(stored, sql):
    folder, _ = stored
    with sqlite3.connect(database_path(folder, CONTRACT.id)) as connection:
        connection.execute(sql)
        ((count, last_ns),) = connection.execute("SELECT COUNT(*), MAX(last_ns) FROM sightings").fetchall()
    connection.close()
    store = opened(folder)
    assert store.count == count
    assert store.span[1] == last_ns
    assert len(store.search(VECTORS[0], *ALWAYS, limit=999)[0]) == store.count
    store.close()


def test_no_byte_of_a_deleted_face_remains_in_any_file(stored, caplog):
    folder, _ = stored
    deleted, kept = VECTORS[120:140:2], VECTORS[141]
    blocks = [BlockFile(file) for file in files(folder)]
    codes = [QuantizedRows.complete(np.concatenate([block.vectors(np.arange(BLOCK))])).codes for block in blocks]
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
    assert not warnings(caplog)
    again.close()


def test_encrypted_blocks_are_read_erased_and_found_damaged_as_others_are(tmp_path, rows_read, caplog):
    set_key(tmp_path, DataKey(bytes(range(32))))
    store = opened(tmp_path)
    for i in range(COUNT):
        add(store, i)
    store.wait_for_index()
    expected = answers(store)
    store.close()
    blocks = files(tmp_path)
    assert len(blocks) == 4
    assert not any(VECTORS[i].tobytes() in path.read_bytes() for path in blocks for i in range(COUNT))
    rows_read[0] = 0
    store = opened(tmp_path)
    assert rows_read[0] == COUNT - 4 * BLOCK
    assert answers(store) == expected
    hits = [hit for hit, _ in store.search(VECTORS[7], *ALWAYS, threshold=0.9)[0]]
    assert [hit.frame_number for hit in hits] == [7]
    store.erase(np.array([8]))  # ids are from 1 on
    assert store.search(VECTORS[7], *ALWAYS, threshold=0.9)[0] == []
    store.close()
    assert files(tmp_path) == blocks
    block = BlockFile(blocks[0])
    assert len(block.read()[0].ids) == BLOCK - 1
    assert not block.vectors(np.arange(BLOCK - 1))[:, 0].tobytes().count(VECTORS[7][:1].tobytes())
    block.close()
    assert warnings(caplog) == []
    data = bytearray(blocks[1].read_bytes())
    data[600] ^= 1
    blocks[1].write_bytes(data)
    store = opened(tmp_path)
    assert store.count == COUNT - 1
    assert any("is damaged" in line for line in warnings(caplog))
    store.wait_for_index()
    store.close()


def test_unfinished_blocks_of_a_killed_process_are_deleted(stored, caplog):
    folder, before = stored
    half = files(folder)[0].with_name("block-000000000400.new")
    half.write_bytes(b"half")
    store = opened(folder)
    assert answers(store) == before
    assert not half.exists()
    assert not warnings(caplog)
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


def test_a_version_1_store_is_read_unchanged_and_migrated_when_opened_for_writing(stored, caplog):
    folder, before = stored
    path = database_path(folder, CONTRACT.id)
    with sqlite3.connect(path) as connection:
        for name in (
            "TRIGGER sightings_deleted",
            "TRIGGER sightings_changed",
            "TABLE poses",
            "TABLE frozen",
            "TABLE outdated",
            "TABLE partial_ingests",
            "TABLE analysed",
        ):
            connection.execute(f"DROP {name}")
        connection.execute("PRAGMA user_version = 1")
    connection.close()
    reader = SightingStore.open_readonly(folder, CONTRACT)
    assert answers(reader) == before
    reader.close()
    store = opened(folder)
    assert answers(store) == before
    store.wait_for_index()
    store.close()
    caplog.clear()
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchall() == [(SCHEMA_VERSION,)]
    again = opened(folder)
    assert answers(again) == before
    assert not warnings(caplog)
    assert len(files(folder)) == 4
    again.close()


def test_a_disk_too_full_for_the_index_still_stores_sightings(small_disk, caplog):
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
    assert "No space left" in "".join(warnings(caplog))
    assert store.search(VECTORS[0], *ALWAYS, limit=1)[1] == 1001
    store.close()
