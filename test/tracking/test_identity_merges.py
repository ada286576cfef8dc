"""Robots with the same merge decisions, in any order and repetition, agree on the persons."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facetrack_ros.tracking.identity_merges import (
    MAX_VERSION,
    IdentityMerges,
    MergeDecision,
    id_order,
    merge_decisions,
    ordered,
    split_decisions,
)

IDS = ["p_robot1_1", "p_robot1_2", "p_robot1_10", "p_robot2_1", "p_robot3_7"]
A, B, C = "p_robot1_2", "p_robot1_10", "p_robot2_1"


def decision(one, other, same=True, similarity=0.6, operator=False, version=1, record_id=None, faces=None):
    """``faces=None``: as versions before this one wrote it."""
    first, second = ordered(one, other)
    record_id = record_id or f"a_{first}_{second}_{same}_{version}_{operator}_{similarity}_{faces}"
    source = ("robot1", operator, version, 0, "faces match", similarity, "a-model")
    return MergeDecision(record_id, first, second, same, *source, faces=faces)


VERDICTS = st.builds(
    lambda pair, same, similarity, operator, version, faces: decision(
        *pair, same, similarity, operator, version, faces=faces
    ),
    st.lists(st.sampled_from(IDS), min_size=2, max_size=2, unique=True),
    st.booleans(),
    st.sampled_from([0.4, 0.6, 0.8]),
    st.booleans(),
    st.integers(0, 3),
    st.sampled_from([None, 1, 4]),
)


def names(merges):
    return {person_id: merges.canonical(person_id) for person_id in IDS}


@settings(max_examples=300, deadline=None)
@given(st.lists(VERDICTS, max_size=12), st.randoms(use_true_random=False))
def test_robots_agree_whatever_the_order_and_repetition_of_decisions(heard, random):
    again = heard + random.choices(heard, k=len(heard)) if heard else []
    random.shuffle(again)
    assert names(IdentityMerges(heard)) == names(IdentityMerges(again))
    # What counts is enough to pass on.
    assert names(IdentityMerges(IdentityMerges(heard).decisions)) == names(IdentityMerges(heard))


@settings(max_examples=300, deadline=None)
@given(st.lists(VERDICTS, max_size=12))
def test_different_persons_never_share_a_canonical_id_which_is_the_lowest_of_its_group(heard):
    merges = IdentityMerges(heard)
    for each in merges.decisions:
        assert each.same or merges.canonical(each.first) != merges.canonical(each.second)
    for group in merges.groups():
        assert group[0] == min(group, key=id_order)
        assert {merges.canonical(person_id) for person_id in group} == {group[0]}


def test_numbers_within_ids_count_as_numbers():
    assert sorted(IDS, key=id_order) == IDS


def test_old_records_and_those_of_operators_are_transitive():
    for operator in (False, True):
        merges = IdentityMerges([decision(A, B, operator=operator), decision(B, C, operator=operator)])
        assert merges.group(C) == (A, B, C)
        assert merges.canonical(C) == A
        assert merges.canonical("p_robot9_1") == "p_robot9_1"


def test_robots_merges_hold_only_where_every_pair_is_decided():
    chain = [decision(A, B, similarity=0.8, faces=3), decision(B, C, similarity=0.7, faces=3)]
    assert IdentityMerges(chain).groups() == ((A, B),)
    assert IdentityMerges([*chain, decision(A, C, faces=3)]).groups() == ((A, B, C),)


def test_what_an_operator_joined_counts_as_one_id():
    joined = [decision(B, C, operator=True), decision(A, B, faces=3)]
    assert IdentityMerges(joined).groups() == ((A, B, C),)


def test_a_suggestion_merges_nothing_and_any_verdict_replaces_it():
    merges = IdentityMerges([decision(A, B, version=0, faces=1)])
    assert merges.decision_on(A, B).suggestion
    assert merges.groups() == ()
    assert merges.can_merge(A, B)
    (merged,) = merge_decisions(merges, A, B, iter(["a_1"]), "robot1", 5, "faces match")
    assert merged.version == 1
    assert merges.add(merged)
    assert merges.canonical(B) == A
    assert not merges.add(decision(A, B, version=0, faces=1))


def test_the_higher_similarity_decides_between_conflicting_merges():
    joined = [decision(A, B, similarity=0.5), decision(B, C, similarity=0.7)]
    merges = IdentityMerges([*joined, decision(A, C, same=False)])
    assert merges.group(B) == (B, C)
    assert merges.group(A) == (A,)


def test_an_operator_overrules_a_robot_and_a_later_operator_both():
    merges = IdentityMerges([decision(A, B, operator=True, same=False), decision(A, B, version=7)])
    assert merges.canonical(B) == B
    assert not merges.can_merge(A, B)
    for each in merge_decisions(merges, A, B, iter(["a_1"]), "robot1", 5, "seen by eye", operator=True):
        assert merges.add(each)
        assert not merges.add(each)
    assert merges.canonical(B) == A


def test_a_merge_can_be_undone_and_done_again():
    merges = IdentityMerges([decision(A, B), decision(B, C)])
    numbers = (f"a_{number}" for number in range(99))
    for each in split_decisions(merges, B, numbers, "robot1", 5, "not the same", operator=True):
        merges.add(each)
    assert [merges.canonical(each) for each in (A, B, C)] == [A, B, C]
    for each in merge_decisions(merges, B, C, numbers, "robot1", 6, "the same after all", operator=True):
        merges.add(each)
    assert merges.group(C) == (B, C)


def test_forgetting_an_id_leaves_no_record_of_it():
    merges = IdentityMerges([decision(A, B), decision(B, C), decision(A, C, same=False)])
    assert len(merges.forget(B)) == 2
    assert [each.pair for each in merges.decisions] == [(A, C)]
    assert merges.canonical(B) == B


@pytest.mark.parametrize(("first", "second"), [(A, A), (C, A)])
def test_no_pair_is_refused(first, second):
    with pytest.raises(ValueError, match="no pair"):
        IdentityMerges().add(MergeDecision("a_1", first, second, True, "robot1", False, 1, 0, ""))


def test_no_version_is_permanent_or_beyond_what_a_message_holds():
    merges = IdentityMerges([decision(A, B, version=3)])
    absurd = decision(A, B, operator=True, version=MAX_VERSION, record_id="a_bad")
    assert merges.add(absurd)
    assert merges.decision_on(A, B).version == 4  # what it says counts, and can be undone
    assert not merges.add(absurd)  # told again, it counts no further
    (split,) = split_decisions(merges, B, ["a_split"], "ann", 0, "by eye", operator=True)
    assert merges.add(split)
    assert merges.canonical(B) == B
    # Another robot that knows nothing of the pair takes the same over.
    late = IdentityMerges()
    assert late.add(absurd)
    assert late.add(split)
    assert late.canonical(B) == B


def test_an_absurd_version_of_a_file_is_brought_back_in_range():
    merges = IdentityMerges([decision(A, B, operator=True, version=MAX_VERSION), decision(A, C, version=10**30)])
    assert {each.version for each in merges.decisions} == {1}
    assert merges.canonical(B) == merges.canonical(C) == A
    # A robot that was away for long is no attack.
    assert IdentityMerges([decision(A, B, version=5000)]).decision_on(A, B).version == 5000


def test_one_author_displaces_only_own_decisions():
    merges = IdentityMerges([decision(A, B)], most_pairs=10)
    for number in range(50):
        merges.add(replace(decision(A, f"p_x_{number}"), by="noisy", record_id=f"a_{number}"))
    assert len(merges.decisions) == 10
    assert merges.decision_on(A, B) is not None
    assert merges.decision_on(A, "p_x_49") is not None


@settings(max_examples=300, deadline=None)
@given(st.lists(VERDICTS, max_size=14))
def test_groups_found_step_by_step_are_those_found_at_once(heard):
    merges = IdentityMerges()
    for each in heard:
        merges.add(each)
        merges.canonical(IDS[0])
        assert merges.groups() == IdentityMerges(merges.decisions).groups()
    for person_id in IDS[:2]:
        merges.forget(person_id)
        assert merges.groups() == IdentityMerges(merges.decisions).groups()
