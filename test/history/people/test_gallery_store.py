"""An entry is a file: deleted means deleted, and junk in the folder harms nobody."""

import numpy as np
import pytest

from facetrack_ros.history.people.gallery_store import GalleryStore
from facetrack_ros.tracking.gallery import EntryRefused, GalleryEntry

UNIT = np.eye(1, 4, dtype=np.float32)[0]


def entry(entry_id="g_robot1_1", name="Zoë"):
    return GalleryEntry(entry_id, name, "a-model", UNIT, 0.5, True, "zoe.jpg", "robot1", 7)


def test_what_is_kept_is_read_back(tmp_path):
    store = GalleryStore(tmp_path)
    assert store.read() == ([], [])
    assert store.add(entry())
    assert not store.add(entry())
    (found,), refused = GalleryStore(tmp_path).read()
    assert refused == []
    assert np.array_equal(found.embedding, UNIT)
    assert (found.name, found.watch, found.source, found.by, found.stamp_ns) == ("Zoë", True, "zoe.jpg", "robot1", 7)


def test_a_deleted_entry_is_gone_from_the_disk_and_does_not_come_back(tmp_path):
    store = GalleryStore(tmp_path)
    store.add(entry())
    assert store.delete("g_robot1_1")
    assert not store.delete("g_robot1_1")
    assert not any(path.stat().st_size for path in (tmp_path / "gallery").iterdir())
    assert not store.add(entry())
    assert store.read() == ([], [])
    assert store.deleted() == ["g_robot1_1"]
    store.delete("g_robot2_1")  # of a robot not heard of yet
    assert not store.add(entry("g_robot2_1"))


def test_junk_in_the_folder_is_told_and_the_rest_counts(tmp_path):
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
    entries, refused = store.read()
    assert [each.entry_id for each in entries] == ["g_robot1_1"]
    assert sorted(sentence.split()[0] for sentence in refused) == [
        "g_a.json",
        "g_b.json",
        "g_c.json",
        "g_d.json",
        "g_e.json",
    ]


@pytest.mark.parametrize("bad", ["../../etc", "", "1", "g 1"])
def test_no_id_leads_out_of_the_folder(tmp_path, bad):
    with pytest.raises(EntryRefused):
        GalleryStore(tmp_path).delete(bad)
    with pytest.raises(EntryRefused):
        GalleryStore(tmp_path).add(entry(bad))
    assert not (tmp_path / "gallery").exists()
