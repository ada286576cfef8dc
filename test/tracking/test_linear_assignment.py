"""The sum of all pairs is the highest possible."""

from itertools import permutations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from facetrack_ros.tracking.linear_assignment import best_pairs

NO = -np.inf


def test_the_sum_counts_not_the_single_best_pair():
    assert sorted(best_pairs(np.array([[0.9, 0.8], [0.8, 0.1]]))) == [(0, 1), (1, 0)]


def test_a_good_pair_is_not_given_up_for_two_poor_ones():
    assert best_pairs(np.array([[0.9, 0.1], [0.1, NO]])) == [(0, 0)]


def test_forbidden_pairs_are_not_made():
    assert best_pairs(np.array([[NO, NO]])) == []
    assert best_pairs(np.empty((0, 3))) == []
    assert best_pairs(np.empty((2, 0))) == []


def test_more_rows_than_columns_leave_rows_alone():
    assert best_pairs(np.array([[0.1], [0.5], [0.3]])) == [(1, 0)]


@settings(max_examples=150, deadline=None)
@given(st.integers(1, 5), st.integers(1, 5), st.randoms(use_true_random=False))
def test_no_other_choice_has_a_higher_sum(rows, columns, random):
    scores = np.array(
        [[random.choice([NO, random.randint(1, 100) / 100]) for _ in range(columns)] for _ in range(rows)]
    )
    pairs = best_pairs(scores)
    assert len({row for row, _ in pairs}) == len({column for _, column in pairs}) == len(pairs)
    worth = np.where(np.isfinite(scores), scores, 0)
    wide = worth if rows <= columns else worth.T
    best = max(
        sum(wide[row, column] for row, column in enumerate(choice))
        for choice in permutations(range(wide.shape[1]), wide.shape[0])
    )
    assert np.isclose(sum(scores[pair] for pair in pairs), best)
