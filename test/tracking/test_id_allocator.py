"""Numbers are allocated once, names are made fit for ids."""

import errno
import os

import pytest

from facetrack_ros.errors import ConfigError, DiskError, StoreError
from facetrack_ros.tracking.id_allocator import IdAllocator, safe_name


def test_each_kind_counts_for_itself():
    ids = IdAllocator()
    assert [ids.next("person"), ids.next("person"), ids.next("track")] == [1, 2, 1]


def test_numbers_continue_after_a_restart(tmp_path):
    path = tmp_path / "new" / "ids.json"
    ids = IdAllocator(path)
    assert [ids.next("person"), ids.next("track"), ids.next("track")] == [1, 1, 2]
    again = IdAllocator(path)
    assert [again.next("person"), again.next("track")] == [2, 3]


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[1]", b'{"person": "7"}', b'{"person": -1}', b'{"person": true}', b"\xff\xfe\0"]
)
def test_a_damaged_file_is_an_error(tmp_path, content):
    (tmp_path / "ids.json").write_bytes(content)
    with pytest.raises(StoreError, match="is damaged: restore it"):
        IdAllocator(tmp_path / "ids.json")


def test_a_number_that_cannot_be_stored_is_not_allocated(tmp_path):
    path = tmp_path / "folder" / "ids.json"
    ids = IdAllocator(path)
    assert ids.next("person") == 1
    (tmp_path / "folder" / "ids.json.part").mkdir()
    with pytest.raises(StoreError, match="cannot be written"):
        ids.next("person")
    (tmp_path / "folder" / "ids.json.part").rmdir()
    assert ids.next("person") == 2


def test_a_draft_left_by_a_crash_does_not_matter(tmp_path):
    IdAllocator(tmp_path / "ids.json").next("person")
    (tmp_path / "ids.json.part").write_text("{")
    assert IdAllocator(tmp_path / "ids.json").next("person") == 2


def test_names_that_fit_stay_and_others_stay_apart():
    assert safe_name("robot_1") == "robot_1"
    changed = [safe_name(name) for name in ("robot-1", "robot 1", "机器人", "机器臂", "a/b")]
    assert len(set(changed)) == 5
    assert all(name.replace("_", "").isalnum() and name.isascii() for name in changed)
    assert safe_name("robot-1") == changed[0]


def test_an_empty_name_is_refused():
    with pytest.raises(ConfigError, match="empty name"):
        safe_name("")


def test_on_a_disk_that_takes_nothing_numbers_come_from_a_reserve_that_no_other_process_has(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    path, found = tmp_path / "ids.json", []
    for _ in range(3):
        ids = IdAllocator(path)
        with monkeypatch.context() as full:
            full.setattr("os.replace", refuse)
            with pytest.raises(DiskError, match="cannot be written"):
                ids.next("person")  # nothing is set apart for this process yet
        found.append(ids.next("person"))
        with monkeypatch.context() as full:
            full.setattr("os.replace", refuse)
            found += [ids.next("person"), ids.next("person")]
        found.append(ids.next("person"))
    assert len(set(found)) == len(found) == 12
    assert [number for number in found if number < 1000] == list(range(1, 7))
