"""Merge decisions outlast a restart, and replaced ones are deleted."""

import json
from dataclasses import replace

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
