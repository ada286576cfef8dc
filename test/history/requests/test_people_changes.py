"""What requests change in a robot's folder."""

from dataclasses import replace

import numpy as np
import pytest

from facetrack_ros.errors import RequestError
from facetrack_ros.history.people.gallery_store import GalleryStore
from facetrack_ros.history.people.merge_log import MergeLog
from facetrack_ros.history.requests.people_changes import (
    CLOCKS_NS,
    enrol_entries,
    merge_persons,
    remove_entries,
    split_person,
)
from facetrack_ros.tracking.identity.gallery import EntryRefused, GalleryEntry
from facetrack_ros.tracking.identity_merges import MergeDecision


def entry(number, name="Ann", stamp_ns=10):
    return GalleryEntry(f"g_{number}", name, "m", np.eye(1, 4, dtype=np.float32)[0], 0.5, by="cli", stamp_ns=stamp_ns)


def decision(first, second, same=True, version=1, record="a_1", operator=True):
    return MergeDecision(record, first, second, same, "ann", operator, version, 1, "by eye")


def ids(folder):
    return [each.entry_id for each in GalleryStore(folder).read()]


def test_entries_are_enrolled_once_and_replace_outdated_ones(tmp_path):
    assert [each.entry_id for each in enrol_entries(tmp_path, [entry(1), entry(2)])] == ["g_1", "g_2"]
    assert [each.entry_id for each in enrol_entries(tmp_path, [entry(2), entry(3)], ["g_1"])] == ["g_3"]
    assert ids(tmp_path) == ["g_2", "g_3"]


def test_of_entries_one_of_which_cannot_be_used_none_is_stored(tmp_path):
    with pytest.raises(EntryRefused):
        enrol_entries(tmp_path, [entry(1), replace(entry(2), name="")])
    assert ids(tmp_path) == []


def test_a_name_is_removed_but_not_who_was_enrolled_later(tmp_path):
    later = 1000 + CLOCKS_NS
    enrol_entries(tmp_path, [entry(1), entry(2, "Bob"), entry(3, stamp_ns=later + 1), entry(4, stamp_ns=later)])
    assert remove_entries(tmp_path, "Ann", 1000) == ["g_1", "g_4"]
    assert remove_entries(tmp_path, "Ann", 1000) == []
    assert ids(tmp_path) == ["g_2", "g_3"]
    assert remove_entries(tmp_path, "g_2", 1000, spared=["g_2"]) == []
    assert remove_entries(tmp_path, "g_2", 1000) == ["g_2"]


def test_persons_are_merged_and_parted_and_it_is_said_where_that_has_no_effect(tmp_path):
    merge = decision("p_1", "p_2")
    assert merge_persons(tmp_path, ["p_1", "p_2"], [merge]) == [merge]
    assert merge_persons(tmp_path, ["p_1", "p_2"], [merge]) == []
    assert MergeLog(tmp_path).read().canonical("p_2") == "p_1"
    with pytest.raises(RequestError, match="counts more"):
        merge_persons(tmp_path, ["p_1", "p_2"], [decision("p_1", "p_2", record="a_0")])
    split = decision("p_1", "p_2", False, 2, "a_2")
    assert split_person(tmp_path, "p_2", [split]) == [split]
    MergeLog(tmp_path).append([decision("p_2", "p_3", False, 1, "a_3")])
    before = MergeLog(tmp_path).read().decisions
    with pytest.raises(RequestError, match="differ"):
        merge_persons(tmp_path, ["p_1", "p_3"], [decision("p_1", "p_2", True, 3, "a_4"), decision("p_1", "p_3", False)])
    assert MergeLog(tmp_path).read().decisions == before, "nothing is stored then"
