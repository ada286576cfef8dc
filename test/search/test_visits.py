"""A visit is one match, however often its track broke."""

from itertools import permutations

import numpy as np
import pytest

from facetrack_ros.search.response import Match
from facetrack_ros.search.visits import fold_visits

SECOND = 10**9
BOX = np.zeros(4, np.float32)


def match(similarity, first, last, track="t1", person="p_1", camera="front", robot="robot1"):
    stamps = (first * SECOND, first * SECOND, last * SECOND)
    return Match(robot, camera, person, track, 1, *stamps, BOX, BOX, similarity, 0.5)


def spans(matches):
    return [(one.similarity, one.first_ns // SECOND, one.last_ns // SECOND) for one in matches]


def test_tracks_of_a_person_close_in_time_are_one_visit_and_the_best_stands_for_it():
    matches = [match(0.9, 10, 20, "t2"), match(0.8, 0, 5, "t1"), match(0.7, 28, 30, "t3")]
    assert spans(fold_visits(matches)) == [(0.9, 0, 30)]


def test_who_comes_again_later_has_a_visit_of_its_own():
    assert spans(fold_visits([match(0.9, 0, 5), match(0.8, 16, 20, "t2")])) == [(0.9, 0, 5), (0.8, 16, 20)]


@pytest.mark.parametrize(
    "other", [{"person": "p_2"}, {"camera": "rear"}, {"robot": "robot2"}, {"person": "", "track": "t2"}]
)
def test_other_people_cameras_and_robots_stay_apart(other):
    assert len(fold_visits([match(0.9, 0, 5), match(0.8, 1, 5, **other)])) == 2


def test_two_without_a_person_are_one_visit_only_by_their_track():
    assert len(fold_visits([match(0.9, 0, 5, "t1", ""), match(0.8, 1, 5, "t2", ""), match(0.7, 6, 7, "t1", "")])) == 2


def test_the_visits_do_not_depend_on_which_part_of_them_is_the_most_similar():
    parts = ((0, 2), (9, 12), (20, 25), (40, 41))
    for order in permutations(parts):
        found = fold_visits(match(0.9 - 0.1 * row, *span) for row, span in enumerate(order))
        assert sorted((first, last) for _, first, last in spans(found)) == [(0, 25), (40, 41)]
        assert found[0].similarity == 0.9
