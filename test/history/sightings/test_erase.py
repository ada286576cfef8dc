"""Erasing sightings: nothing of them is found, in no file is a byte of them, all others stay and are found."""

import numpy as np
import pytest

from facetrack_ros.errors import StoreError
from facetrack_ros.history.index.block_file import BlockFile
from facetrack_ros.history.index.faiss_scan import faiss_available
from facetrack_ros.history.sightings.database import index_path
from facetrack_ros.history.sightings.store import SightingStore
from facetrack_ros.models.contract import ModelContract

pytestmark = pytest.mark.skipif(not faiss_available(), reason="needs faiss-cpu; without, there are no blocks")

DIMENSION, BLOCK_ROWS, ROWS = 16, 64, 300
CONTRACT = ModelContract(
    "net", "embedding", "onnx", "net.onnx", "", DIMENSION, "MIT", dimension=DIMENSION, threshold=0.5
)
ALWAYS = (-(2**62), 2**62)
SECOND = 10**9
BOX = np.array([1, 2, 3, 4], np.float32)


@pytest.fixture
def faces():
    rng = np.random.default_rng(7)
    rows = rng.standard_normal((ROWS, DIMENSION)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def filled(folder, faces):
    """A store in which each third row is of p_robot1_3, with thumbnails that grew, so that SQLite moved rows."""
    rng = np.random.default_rng(8)
    store = SightingStore(folder, CONTRACT, "robot1", block_rows=BLOCK_ROWS)
    thumbnails: dict[str, list[bytes]] = {}
    for row, face in enumerate(faces):
        person, track = f"p_robot1_{row % 3 + 1}", f"t{row}"
        for quality in (0.2, 0.5, 0.9):
            jpeg = rng.bytes(int(rng.integers(300, 3900)))
            thumbnails.setdefault(person, []).append(jpeg)
            store.add("front", row * 10**10, row, track, person, BOX, BOX, quality, face, lambda jpeg=jpeg: jpeg)
    store.flush()
    store.wait_for_index()
    return store, thumbnails


def ids_of(store, person="p_robot1_3"):
    return np.array([trace.row for trace in store.traces_of([person])], np.int64)


def bytes_left(folder, needles):
    """How many of the needles are in any file, free pages and logs among them."""
    files = [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
    return sum(any(needle in content for content in files) for needle in needles)


def found(store, faces):
    return [(hit.frame_number, round(value, 5)) for face in faces for hit, value in store.search(face, *ALWAYS)[0]]


def test_what_is_left_is_what_a_store_without_them_would_hold(tmp_path, faces):
    store, thumbnails = filled(tmp_path / "with", faces)
    erased, kept = faces[2::3], np.delete(faces, slice(2, None, 3), axis=0)
    assert len(list(index_path(store.path).iterdir())) == 4
    needles = [face.tobytes() for face in erased] + thumbnails["p_robot1_3"]
    assert bytes_left(tmp_path, [face.tobytes() for face in erased]) == 100
    assert store.erase(ids_of(store)) == 100
    assert bytes_left(tmp_path, needles) == 0
    assert bytes_left(tmp_path, [face.tobytes() for face in kept]) == 200

    other = SightingStore(tmp_path / "without", CONTRACT, "robot1", block_rows=BLOCK_ROWS)
    for row, face in enumerate(faces):
        if row % 3 != 2:
            person = f"p_robot1_{row % 3 + 1}"
            other.add("front", row * 10**10, row, f"t{row}", person, BOX, BOX, 0.9, face, lambda: b"x")
    wanted = found(other, faces)
    other.close()
    assert found(store, faces) == wanted
    store.add("front", ROWS * 10**10, ROWS, "new", "p_robot1_1", BOX, BOX, 0.9, erased[0], lambda: b"x")
    assert store.search(erased[0], *ALWAYS, limit=1)[0][0][0].frame_number == ROWS
    store.erase(np.array([store.traces_of(track_ids=["new"])[0].row]))
    for row in range(40):  # pages are written again; none may bring old bytes back
        store.add("rear", row * SECOND, row, f"r{row}", "p", BOX, BOX, 0.9, kept[row], lambda: bytes(2000))
    store.delete_span("rear", 0, 100 * SECOND)
    store.close()
    assert bytes_left(tmp_path / "with", needles) == 0

    again = SightingStore(tmp_path / "with", CONTRACT, "robot1", block_rows=BLOCK_ROWS)
    assert again.count == 200
    assert found(again, faces) == wanted
    assert len(list(index_path(again.path).iterdir())) == 4  # they were changed in their places and are in use
    again.close()


def test_a_file_whose_change_was_cut_short_is_not_used(tmp_path, faces):
    store, _ = filled(tmp_path, faces)
    store.close()
    block = sorted(index_path(store.path).iterdir())[0]
    before = block.read_bytes()
    BlockFile(block).erase(np.array([3, 6]))
    changed = block.read_bytes()
    header = len(before) - BLOCK_ROWS * (34 + 5 * DIMENSION)
    block.write_bytes(before[:header] + changed[header:])  # its rows are written, its header is not
    store = SightingStore(tmp_path, CONTRACT, "robot1", block_rows=BLOCK_ROWS)
    assert store.search(faces[2], *ALWAYS, limit=1)[0][0][0].frame_number == 2
    assert store.erase(np.array([3, 6])) == 2
    assert bytes_left(tmp_path, [faces[2].tobytes(), faces[5].tobytes()]) == 0
    store.close()


def test_a_block_of_which_nothing_is_left_is_deleted(tmp_path, faces):
    store, _ = filled(tmp_path, faces)
    store.erase(np.arange(1, BLOCK_ROWS + 1))
    assert len(list(index_path(store.path).iterdir())) == 3
    assert store.count == ROWS - BLOCK_ROWS
    assert store.search(faces[100], *ALWAYS, limit=1)[0][0][0].frame_number == 100
    store.close()


def test_a_reader_of_an_older_state_is_told(tmp_path, faces, monkeypatch):
    store, _ = filled(tmp_path, faces)
    store._indexed.database.run("PRAGMA busy_timeout=50")
    reader = SightingStore.open_readonly(tmp_path, CONTRACT)
    with pytest.raises(StoreError, match="another program is reading"):
        store.erase(ids_of(store))
    reader.close()
    assert store.erase(np.array([3])) == 0  # deleted already; what was left is cleared now
    assert bytes_left(tmp_path, [faces[2].tobytes()]) == 0
    store.close()
