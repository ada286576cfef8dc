"""Merge decisions outlast a restart, and replaced ones are deleted."""

import json
import os
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from facetrack_ros.errors import StoreError
from facetrack_ros.history.people.merge_log import MergeLog
from facetrack_ros.tracking.identity_merges import MergeDecision

ONE = MergeDecision(
    "a_robot1_1", "p_robot1_1", "p_robot2_1", True, "robot1", False, 1, 5, "faces match", 0.61, "a-model"
)
TWO = MergeDecision("a_robot1_2", "p_robot1_1", "p_robot1_2", False, "ann", True, 1, 6, "by eye")


def test_written_records_are_read_back(tmp_path):
    assert MergeLog(tmp_path / "robot1").read().decisions == ()
    MergeLog(tmp_path / "robot1").append([ONE])
    MergeLog(tmp_path / "robot1").append([TWO])
    assert MergeLog(tmp_path / "robot1").read().decisions == (TWO, ONE)


def test_what_a_decision_stands_on_is_kept_and_older_records_are_read(tmp_path):
    full = replace(ONE, template_similarity=0.7, margin=0.2, faces=4)
    MergeLog(tmp_path).append([full])
    assert MergeLog(tmp_path).read().decisions == (full,)
    old = {"record_id": "a_1", "first": "p_robot1_2", "second": "p_robot3_1", "same": True, "by": "robot1"}
    old |= {"operator": False, "version": 1, "stamp_ns": 5, "reason": "faces match", "similarity": 0.6}
    with MergeLog(tmp_path).path.open("a") as file:
        file.write(json.dumps(old | {"model_id": "a-model"}) + "\n")
    read = MergeLog(tmp_path).read()
    assert read.canonical("p_robot3_1") == "p_robot1_2"
    assert read.decision_on("p_robot1_2", "p_robot3_1").faces is None


@pytest.mark.parametrize("torn", [b'{"record_id": "a_1", "first', b"\0\0\0"])
def test_only_incomplete_and_damaged_lines_are_lost(tmp_path, torn):
    file = MergeLog(tmp_path)
    file.append([ONE])
    file.path.write_bytes(b'nonsense\n[]\n{"first": 1}\n' + file.path.read_bytes() + torn)
    assert file.read().decisions == (ONE,)
    file.append([TWO])
    assert file.read().decisions == (TWO, ONE)


def test_replaced_records_are_deleted_from_the_disk(tmp_path):
    file = MergeLog(tmp_path)
    file.append([ONE, TWO])
    file.replace([TWO])
    assert file.read().decisions == (TWO,)
    assert "robot2" not in file.path.read_text()
    file.replace([])
    assert list(tmp_path.iterdir()) == []


def test_a_folder_in_place_of_the_file_is_refused(tmp_path):
    (tmp_path / "aliases.jsonl").mkdir()
    with pytest.raises(StoreError, match="permissions"):
        MergeLog(tmp_path).append([ONE])


def line(**changes):
    return json.dumps(asdict(ONE) | changes).encode() + b"\n"


@pytest.mark.parametrize(
    "change",
    [
        {"stamp_ns": 10**30},
        {"stamp_ns": -1},
        {"faces": -1},
        {"similarity": float("inf")},
        {"first": "p_robot1_\ud800"},
        {"record_id": "x" * 10_000},
        {"model_id": "a b"},
        {"version": -1},
        {"version": "1"},
    ],
)
def test_a_line_that_no_message_holds_is_moved_beside_the_log_and_told(tmp_path, change, caplog):
    log = MergeLog(tmp_path)
    bad = line(**change)
    log.path.write_bytes(bad + line())
    assert log.read().decisions == (ONE,)
    assert log.damaged == 1
    assert log.repair().decisions == (ONE,)
    assert "aliases.jsonl.damaged-1" in caplog.text
    assert (tmp_path / "aliases.jsonl.damaged-1").read_bytes() == bad
    assert log.path.read_bytes() == line()
    log.read()
    assert log.damaged == 0


def test_an_absurd_version_from_before_can_be_outvoted(tmp_path):
    log = MergeLog(tmp_path)
    log.path.write_bytes(line(version=2**32 - 1, operator=True))
    (known,) = log.read().decisions
    assert known.version == 1


def test_texts_of_others_are_printable(tmp_path):
    log = MergeLog(tmp_path)
    log.path.write_bytes(line(reason="\x1b[2J" + "x" * 5000, by="\x1b]0;\x07"))
    (known,) = log.read().decisions
    assert known.reason.isprintable()
    assert len(known.reason) <= 300
    assert known.by.isprintable()


def test_decisions_that_no_longer_count_are_deleted_once_they_are_many(tmp_path):
    log = MergeLog(tmp_path)
    log.append(replace(ONE, record_id=f"a_{number}", version=number + 1) for number in range(3000))
    (known,) = log.repair().decisions
    assert known.version == 3000
    assert len(log.path.read_bytes().splitlines()) == 1
    assert log.read().decisions == (known,)


@pytest.mark.parametrize("make", [Path.mkdir, lambda path: path.symlink_to("nothing"), os.mkfifo])
def test_something_else_of_its_name_is_set_aside(tmp_path, make):
    log = MergeLog(tmp_path)
    make(log.path)
    assert log.repair().decisions == ()
    log.append([ONE])
    assert log.read().decisions == (ONE,)
    assert [path.name for path in tmp_path.iterdir() if "damaged" in path.name] == ["aliases.jsonl.damaged-1"]
