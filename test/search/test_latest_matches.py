"""The overlay shows the last search, whatever comes late."""

from dataclasses import replace

import numpy as np

from facetrack_ros.search.latest_matches import LatestMatches
from facetrack_ros.search.response import Match


def match(similarity):
    return Match("robot1", "front", "p", "t", 0, 0, 0, 0, np.zeros(4), np.zeros(4), similarity, 0.5)


def shown(last):
    return [found.similarity for found in last.matches]


def test_the_best_of_all_robots_answers_are_kept():
    last = LatestMatches(3)
    last.add("a", [match(0.5), match(0.9)])
    last.add("a", [match(0.7), match(0.6)])
    assert shown(last) == [0.9, 0.7, 0.6]


def test_a_new_search_replaces_the_last_one_also_without_matches():
    last = LatestMatches(3)
    last.add("a", [match(0.9)])
    last.add("b", [])
    assert shown(last) == []


def test_a_late_answer_does_not_bring_an_older_search_back():
    last = LatestMatches(3)
    last.add("a", [match(0.9)])
    last.add("b", [match(0.6)])
    last.add("a", [match(0.8)])
    assert shown(last) == [0.6]


def test_what_is_no_similarity_is_not_shown():
    last = LatestMatches(3)
    last.add("a", [match(float("nan")), match(7.0), match(0.5)])
    assert shown(last) == [0.5]


def test_what_is_known_to_be_of_another_person_is_not_shown():
    last = LatestMatches(3)
    last.add("s1", [replace(match(0.9), different_person="seen together with p_1"), match(0.6)])
    assert shown(last) == [0.6]
