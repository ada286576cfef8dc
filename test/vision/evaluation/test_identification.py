"""Rank-1 and open-set identification on embeddings of known geometry."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facetrack_ros.errors import EvaluationError
from facetrack_ros.vision.evaluation.identification import open_set, rank_one
from facetrack_ros.vision.evaluation.verification import pair_similarities


def directions(*degrees):
    """Unit vectors in the plane: how alike two are is the cosine of the angle between them."""
    angles = np.radians(degrees)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def test_rank_one_leaves_one_out_and_searches_people_with_two_pictures():
    # b's second picture looks like a; c has one picture, which is in the way but not searched.
    assert rank_one(directions(0, 2, 90, 3, 180), np.array(list("aabbc"))) == (0.5, 4)


def test_rank_one_without_a_second_picture_is_refused():
    with pytest.raises(EvaluationError, match="two usable pictures"):
        rank_one(directions(0, 90), np.array(["a", "b"]))


def test_distinct_people_are_all_found_and_strangers_are_not():
    result = open_set(directions(0, 1, 90, 91, 180, 181), np.array(list("aabbcc")), fpir=0.0)
    assert result.fnir == result.fpir == 0
    assert result.non_mated_pictures == 6
    # One of three is enrolled: one mated search and four non-mated ones a repeat.
    assert (result.mated_searches, result.non_mated_searches) == (20, 80)
    assert np.cos(np.radians(90)) < result.threshold < np.cos(np.radians(2))


def test_a_person_as_similar_as_a_stranger_is_missed_at_fpir_zero():
    # a's pictures are 20 degrees apart, and a stranger stands between them.
    embeddings, people = directions(0, 20, 10), np.array(["a", "a", "stranger"])
    assert open_set(embeddings, people, fpir=0.0).fnir == 1
    everybody = open_set(embeddings, people, fpir=1.0)
    assert (everybody.fpir, everybody.non_mated_pictures) == (1, 1)


def test_the_wrong_person_first_is_a_miss_however_similar():
    # Whichever of a's and b's pictures are enrolled, the other person's is nearer.
    embeddings, people = directions(0, 180, 181, 1, 90, 91), np.array(list("aabbcc"))
    assert open_set(embeddings, people, fpir=1.0, repeats=50).fnir > 0


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32 - 1), st.floats(0, 1))
def test_the_stated_rate_is_kept_and_the_same_seed_gives_the_same(seed, fpir):
    chance = np.random.default_rng(seed)
    embeddings = chance.normal(size=(24, 4)).astype(np.float32)
    embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
    people = np.repeat(np.arange(8), 3)
    result = open_set(embeddings, people, fpir, seed=seed)
    assert result.fpir <= fpir
    assert 0 <= result.fnir <= 1
    assert result == open_set(embeddings, people, fpir, seed=seed)


@pytest.mark.parametrize("people", ["aa", "ab", ""])
def test_open_set_needs_a_stranger_and_a_second_picture(people):
    with pytest.raises(EvaluationError, match="two people"):
        open_set(directions(*range(len(people))), np.array(list(people)))


def test_every_pair_is_counted_once():
    genuine, impostor, total = pair_similarities(directions(0, 60, 90), np.array(["a", "a", "b"]))
    np.testing.assert_allclose(genuine, [0.5], atol=1e-6)
    np.testing.assert_allclose(sorted(impostor), [0, 3**0.5 / 2], atol=1e-6)
    assert total == 2


def test_impostor_pairs_are_sampled_and_genuine_ones_all_kept():
    embeddings, people = directions(*range(200)), np.repeat(np.arange(100), 2)
    genuine, impostor, total = pair_similarities(embeddings, people, most=5000)
    assert len(genuine) == 100
    assert total == 200 * 198 // 2
    assert 4500 < len(impostor) < 5500
    everything = pair_similarities(embeddings, people)[1]
    assert len(everything) == total
    assert abs(impostor.mean() - everything.mean()) < 0.03
