"""An entry is a file; deletion is permanent, and unusable files in the folder are left out."""

import numpy as np
import pytest

from facetrack_ros.history.people.gallery_store import GalleryStore
from facetrack_ros.tracking.identity.gallery import EntryRefused, GalleryEntry

UNIT = np.eye(1, 4, dtype=np.float32)[0]


def entry(entry_id="g_robot1_1", name="Zoë"):
    return GalleryEntry(entry_id, name, "a-model", UNIT, 0.5, True, "zoe.jpg", "robot1", 7)


def test_stored_entries_are_read_back(tmp_path):
    store = GalleryStore(tmp_path)
    assert store.read() == []
    assert store.add(entry())
    assert not store.add(entry())
    (found,) = GalleryStore(tmp_path).read()
    assert np.array_equal(found.embedding, UNIT)
    assert (found.name, found.watch, found.source, found.by, found.stamp_ns) == ("Zoë", True, "zoe.jpg", "robot1", 7)


def test_a_deleted_entry_stays_deleted(tmp_path):
    store = GalleryStore(tmp_path)
    store.add(entry())
    assert store.delete("g_robot1_1")
    assert not store.delete("g_robot1_1")
    assert not any(path.stat().st_size for path in (tmp_path / "gallery").iterdir())
    assert not store.add(entry())
    assert store.read() == []
    assert store.deleted() == ["g_robot1_1"]
    store.delete("g_robot2_1")  # of another robot, before the entry arrives
    assert not store.add(entry("g_robot2_1"))


def test_unusable_files_are_logged_and_left_out(tmp_path, caplog):
    store = GalleryStore(tmp_path)
    store.add(entry())
    good = (tmp_path / "gallery" / "g_robot1_1.json").read_bytes()
    for name, content in {
        "g_a.json": b"",
        "g_b.json": b"[]",
        "g_c.json": good[:50],
        "g_d.json": good,
        "g_e.json": b"\xff\xfe",
        "notes.txt": b"x",
    }.items():
        (tmp_path / "gallery" / name).write_bytes(content)
    entries = store.read()
    assert [each.entry_id for each in entries] == ["g_robot1_1"]
    for letter, record in zip("abcde", caplog.records, strict=True):
        assert f"g_{letter}.json" in record.getMessage()


@pytest.mark.parametrize("bad", ["../../etc", "", "1", "g 1"])
def test_no_id_leads_out_of_the_folder(tmp_path, bad):
    with pytest.raises(EntryRefused):
        GalleryStore(tmp_path).delete(bad)
    with pytest.raises(EntryRefused):
        GalleryStore(tmp_path).add(entry(bad))
    assert not (tmp_path / "gallery").exists()
