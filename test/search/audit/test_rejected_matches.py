"""Matches that people rejected count against the false matches that are told."""

import math
from dataclasses import replace

import numpy as np
import pytest

from facetrack_ros.errors import RequestError
from facetrack_ros.history.audit.audit_log import SEARCH, VERIFICATION, AuditLog
from facetrack_ros.history.audit.verifications import CONFIRMED, REJECTED, UNVERIFIED, MatchVerifications
from facetrack_ros.models.contract import ModelContract
from facetrack_ros.search.audit.records import match_id, search_record
from facetrack_ros.search.audit.rejected_matches import most_expected, with_rejected_matches
from facetrack_ros.search.request import SearchRequest
from facetrack_ros.search.response import ANSWERED, Match, RobotResponse
from facetrack_ros.search.response_collector import ResponseCollector

NOW_NS = 1_700_000_000 * 10**9
CONTRACT = ModelContract("net", "embedding", "onnx", "net.onnx", "", 1, "MIT", dimension=2, threshold=0.5)


def matches(*similarities):
    boxes = (np.zeros(4), np.zeros(4))
    return tuple(
        Match("robot1", "front", f"p_{number}", f"t_{number}", number, NOW_NS + number, 5, 6, *boxes, similarity, 0.5)
        for number, similarity in enumerate(similarities)
    )


def searched(folder, search_id, found, sightings=1000):
    """A search in the robot's audit log."""
    request = SearchRequest(search_id, np.array([1.0, 0.0], np.float32), "net", threshold=0.5)
    line = RobotResponse("robot1", ANSWERED, len(found), sightings)
    AuditLog(folder, "robot1").append(SEARCH, search_record(request, line, found), NOW_NS)
    return MatchVerifications(folder, "robot1")


def test_a_match_is_unverified_until_a_person_judges_it(tmp_path):
    found = matches(0.9, 0.6)
    verifications = searched(tmp_path, "s1", found)
    first, second = map(match_id, found)
    assert verifications.state("s1", first) == UNVERIFIED
    assert verifications.verify("s1", first, True, "ada", "the scar", NOW_NS) == CONFIRMED
    assert verifications.verify("s1", second, False, "ada", "", NOW_NS) == REJECTED
    assert (verifications.state("s1", first), verifications.state("s1", second)) == (CONFIRMED, REJECTED)
    record = next(iter(AuditLog(tmp_path, "robot1").records([VERIFICATION])))
    assert (record["operator"], record["verdict"], record["reason"]) == ("ada", CONFIRMED, "the scar")


def test_two_persons_have_to_confirm_where_the_policy_says_so(tmp_path):
    found = matches(0.9)
    verifications, match = searched(tmp_path, "s1", found), match_id(found[0])
    assert verifications.verify("s1", match, True, "ada", "", NOW_NS, 2) == UNVERIFIED
    assert verifications.verify("s1", match, True, "ada", "again", NOW_NS, 2) == UNVERIFIED
    assert verifications.verify("s1", match, True, "grace", "", NOW_NS, 2) == CONFIRMED
    assert verifications.verify("s1", match, False, "grace", "a twin", NOW_NS, 2) == REJECTED
    assert verifications.persons_who_confirm("s1", match) == ["ada"]


@pytest.mark.parametrize(("search", "match", "operator"), [("s2", 0, "ada"), ("s1", 1, "ada"), ("s1", 0, "")])
def test_what_cannot_be_verified_is_refused(tmp_path, search, match, operator):
    found = matches(0.9, 0.8)
    verifications = searched(tmp_path, "s1", found[:1])
    with pytest.raises(RequestError):
        verifications.verify(search, match_id(found[match]), True, operator, "", NOW_NS)


def test_rejected_matches_count_against_the_false_matches_expected(tmp_path):
    found = matches(0.9, 0.8, 0.6)
    verifications = searched(tmp_path, "s1", found)
    line = RobotResponse("robot1", ANSWERED, 3, 2000)
    assert with_rejected_matches(line, tmp_path, CONTRACT, 0.5) == line
    for match, confirmed in zip(found, (True, False, False)):
        verifications.verify("s1", match_id(match), confirmed, "ada", "", NOW_NS)
    told = with_rejected_matches(line, tmp_path, CONTRACT, 0.5)
    assert (told.verified_matches, told.rejected_matches) == (3, 2)
    assert told.expected_false_matches == pytest.approx(4.0)  # 2 of 1,000 sightings, over 2,000
    assert told.expected_false_matches_high > 8.0
    above = with_rejected_matches(line, tmp_path, CONTRACT, 0.7)
    assert (above.verified_matches, above.rejected_matches) == (2, 1)
    assert with_rejected_matches(line, tmp_path, replace(CONTRACT, id="other"), 0.5) == line


def test_the_answer_of_all_robots_accounts_for_them(tmp_path):
    found = matches(0.9)
    searched(tmp_path, "s1", found).verify("s1", match_id(found[0]), False, "ada", "", NOW_NS)
    line = with_rejected_matches(RobotResponse("robot1", ANSWERED, 1, 1000), tmp_path, CONTRACT, 0.5)
    request = SearchRequest("s2", np.array([1.0, 0.0], np.float32), "net", threshold=0.5)
    collector = ResponseCollector(request, CONTRACT, {"robot1": "net"})
    collector.add("s2", line, found)
    assert collector.close().expected_false_matches >= 1.0


def test_the_upper_end_is_that_of_a_poisson_distribution():
    assert most_expected(0) == pytest.approx(3.69, abs=0.05)
    assert most_expected(10) == pytest.approx(18.39, abs=0.05)
    assert math.isfinite(most_expected(10**6))
