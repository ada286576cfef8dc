"""A visit is one match, however often its track broke."""

from dataclasses import replace
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


def rescanned(similarity, first, last, track, person=""):
    return replace(match(similarity, first, last, track, person), rescanned=True)


def test_faces_that_a_rescan_found_belong_to_the_visit_they_lie_in():
    known, loose = match(0.9, 0, 20), rescanned(0.8, 5, 6, "r_front_5")
    assert spans(fold_visits([known, loose])) == [(0.9, 0, 20)]
    better = rescanned(0.95, 22, 23, "r_front_22")
    (visit,) = fold_visits([better, known])
    assert (visit.similarity, visit.person_id, visit.first_ns, visit.last_ns) == (0.95, "p_1", 0, 23 * SECOND)
    assert len(fold_visits([known, rescanned(0.8, 31, 32, "r_front_31")])) == 2, "too late for the visit"


def test_faces_that_a_rescan_found_do_not_join_two_people():
    one, two = match(0.9, 0, 20), match(0.8, 24, 40, "t2", "p_2")
    assert spans(fold_visits([one, two, rescanned(0.7, 21, 21, "r_front_21")])) == [(0.9, 0, 21), (0.8, 24, 40)]
    loose = [rescanned(0.7, 0, 1, "r_front_0"), rescanned(0.6, 5, 6, "r_front_5")]
    assert spans(fold_visits(loose)) == [(0.7, 0, 6)]
