"""An entry is a file; deletion is permanent, and unusable files in the folder are left out."""

import json
import os
from dataclasses import replace

import numpy as np
import pytest

from facetrack_ros.history.people import gallery_store
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


def test_unusable_files_are_set_aside_at_a_start_and_the_rest_stays(tmp_path, caplog):
    store = GalleryStore(tmp_path)
    store.add(entry())
    folder = tmp_path / "gallery"
    good = json.loads((folder / "g_robot1_1.json").read_text())
    bad = {
        "g_short": {"embedding": [1.0, 0.0, 0.0], "model_id": "dlib_resnet_v1"},
        "g_nan": {"embedding": [float("nan")] * 4},
        "g_long": {"embedding": [2.0, 0.0, 0.0, 0.0]},
        "g_stamp": {"stamp_ns": 10**40},
        "g_types": {"name": 7},
        "g_by": {"by": ["x"]},
        "g_model": {"model_id": {}},
        "g_name": {"name": "\x1b[2J"},
    }
    for name, change in bad.items():
        (folder / f"{name}.json").write_text(json.dumps(good | {"entry_id": name} | change))
    (folder / "g_folder.json").mkdir()
    (folder / "g_link.json").symlink_to("nothing")
    os.mkfifo(folder / "g_pipe.json")
    # An entry of a model that is not known here, and a name as long as versions before allowed it, are kept.
    (folder / "g_far.json").write_text(
        json.dumps(good | {"entry_id": "g_far", "model_id": "far", "embedding": [0.6, 0.8], "name": "x" * 200})
    )
    assert {each.entry_id for each in store.repair()} == {"g_robot1_1", "g_far"}
    aside = {path.name for path in folder.iterdir() if "damaged" in path.name}
    assert aside == {f"{name}.json.damaged-1" for name in (*bad, "g_folder", "g_link", "g_pipe")}
    assert all(name in caplog.text for name in aside)
    caplog.clear()
    assert {each.entry_id for each in store.repair()} == {"g_robot1_1", "g_far"}
    assert not caplog.records


def test_entries_of_others_are_bounded_and_own_ones_are_not(tmp_path, monkeypatch):
    monkeypatch.setattr(gallery_store, "MOST_ENTRIES", 6)
    monkeypatch.setattr(gallery_store, "MOST_OF_ONE", 4)
    store = GalleryStore(tmp_path)

    def add(number, by, foreign=True):
        return store.add(replace(entry(f"g_{by}_{number}"), by=by), foreign)

    assert all(add(number, "noisy") for number in range(4))
    with pytest.raises(EntryRefused, match="at most"):
        add(4, "noisy")
    assert all(add(number, "quiet") for number in range(2))
    with pytest.raises(EntryRefused, match="at most"):
        add(2, "quiet")
    assert add(1, "robot1", foreign=False)
    assert store.delete("g_noisy_1")
    assert store.delete("g_noisy_2")
    assert add(5, "noisy")


def test_deletions_are_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(gallery_store, "MOST_DELETED", 20)
    store = GalleryStore(tmp_path)
    for number in range(60):
        store.delete(f"g_x_{number}")
    assert 18 <= len(store.deleted()) <= 20
    assert store.was_deleted("g_x_59")
