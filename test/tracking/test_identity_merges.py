"""Robots that hear the same verdicts in any order, however often, name the same people alike."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facetrack_ros.tracking.identity_merges import (
    IdentityMerges,
    MergeDecision,
    id_order,
    merge_decisions,
    ordered,
    split_decisions,
)

IDS = ["p_robot1_1", "p_robot1_2", "p_robot1_10", "p_robot2_1", "p_robot3_7"]
A, B, C = "p_robot1_2", "p_robot1_10", "p_robot2_1"


def verdict(one, other, same=True, similarity=0.6, operator=False, version=1, record_id=None):
    first, second = ordered(one, other)
    return MergeDecision(
        record_id or f"a_{first}_{second}_{same}_{version}_{operator}_{similarity}",
        first,
        second,
        same,
        "robot1",
        operator,
        version,
        0,
        "faces match",
        similarity,
        "a-model",
    )


VERDICTS = st.builds(
    lambda pair, same, similarity, operator, version: verdict(*pair, same, similarity, operator, version),
    st.lists(st.sampled_from(IDS), min_size=2, max_size=2, unique=True),
    st.booleans(),
    st.sampled_from([0.4, 0.6, 0.8]),
    st.booleans(),
    st.integers(1, 3),
)


def names(aliases):
    return {person_id: aliases.canonical(person_id) for person_id in IDS}


@settings(max_examples=300, deadline=None)
@given(st.lists(VERDICTS, max_size=12), st.randoms(use_true_random=False))
def test_robots_agree_whatever_the_order_and_however_often_they_hear(heard, random):
    again = heard + random.choices(heard, k=len(heard)) if heard else []
    random.shuffle(again)
    assert names(IdentityMerges(heard)) == names(IdentityMerges(again))
    # What counts is enough to pass on.
    assert names(IdentityMerges(IdentityMerges(heard).decisions)) == names(IdentityMerges(heard))


@settings(max_examples=300, deadline=None)
@given(st.lists(VERDICTS, max_size=12))
def test_two_who_are_told_apart_never_share_a_name_and_a_name_is_the_lowest_of_its_ids(heard):
    aliases = IdentityMerges(heard)
    for each in aliases.decisions:
        assert each.same or aliases.canonical(each.first) != aliases.canonical(each.second)
    for group in aliases.groups():
        assert group[0] == min(group, key=id_order)
        assert {aliases.canonical(person_id) for person_id in group} == {group[0]}


def test_numbers_within_ids_count_as_numbers():
    assert sorted(IDS, key=id_order) == IDS


def test_ids_are_joined_over_others():
    aliases = IdentityMerges([verdict(A, B), verdict(B, C)])
    assert aliases.group(C) == (A, B, C)
    assert aliases.canonical(C) == A
    assert aliases.canonical("p_robot9_1") == "p_robot9_1"


def test_the_stronger_likeness_decides_where_not_all_can_be_one():
    aliases = IdentityMerges([verdict(A, B, similarity=0.5), verdict(B, C, similarity=0.7), verdict(A, C, same=False)])
    assert aliases.group(B) == (B, C)
    assert aliases.group(A) == (A,)


def test_a_person_overrules_a_robot_and_is_overruled_by_a_later_one():
    aliases = IdentityMerges([verdict(A, B, operator=True, same=False), verdict(A, B, version=7)])
    assert aliases.canonical(B) == B
    assert not aliases.can_merge(A, B)
    for each in merge_decisions(aliases, A, B, iter(["a_1"]), "robot1", 5, "seen by eye", operator=True):
        assert aliases.add(each)
        assert not aliases.add(each)
    assert aliases.canonical(B) == A


def test_a_merge_can_be_undone_and_done_again():
    aliases = IdentityMerges([verdict(A, B), verdict(B, C)])
    numbers = (f"a_{number}" for number in range(99))
    for each in split_decisions(aliases, B, numbers, "robot1", 5, "not the same", operator=True):
        aliases.add(each)
    assert [aliases.canonical(each) for each in (A, B, C)] == [A, B, C]
    for each in merge_decisions(aliases, B, C, numbers, "robot1", 6, "the same after all", operator=True):
        aliases.add(each)
    assert aliases.group(C) == (B, C)


def test_forgetting_an_id_leaves_no_record_of_it():
    aliases = IdentityMerges([verdict(A, B), verdict(B, C), verdict(A, C, same=False)])
    assert len(aliases.forget(B)) == 2
    assert [each.pair for each in aliases.decisions] == [(A, C)]
    assert aliases.canonical(B) == B


@pytest.mark.parametrize(("first", "second"), [(A, A), (C, A)])
def test_no_pair_is_refused(first, second):
    with pytest.raises(ValueError, match="no pair"):
        IdentityMerges().add(MergeDecision("a_1", first, second, True, "robot1", False, 1, 0, ""))
