"""The event log says when visits began and ended."""

import pytest

from facetrack_ros.core.event import FACE_MATCHED, PERSON_IN, PERSON_OUT, PersonEvent
from facetrack_ros.history.events.log import EventLog
from facetrack_ros.history.events.visits import VisitLog

SECOND = 10**9
MIDNIGHT = 1_777_680_000 * SECOND  # 2026-05-02


def came(at, person="p_1", camera="front"):
    return PersonEvent(PERSON_IN, at, "robot1", camera, person, 1, bbox=(0, 0, 1, 1), confidence=0.5)


def left(since, until, person="p_1", camera="front"):
    times = {"last_seen_ns": until, "duration_ns": until - since}
    return PersonEvent(PERSON_OUT, until + 2 * SECOND, "robot1", camera, person, 9, last_bbox=(0, 0, 1, 1), **times)


@pytest.fixture
def log(tmp_path):
    log = EventLog(tmp_path)
    yield log
    log.close()


def test_a_face_in_a_visit_stands_for_the_whole_visit(log, tmp_path):
    begin, end = MIDNIGHT - 30 * SECOND, MIDNIGHT + 40 * SECOND
    log.append(came(begin), left(begin, end), came(end + 60 * SECOND), left(end + 60 * SECOND, end + 70 * SECOND))
    visits, face = VisitLog(tmp_path), MIDNIGHT + SECOND
    assert visits.extent("p_1", "front", face, face) == (begin, end)
    assert visits.extent("p_1", "front", face, end + 61 * SECOND) == (begin, end + 70 * SECOND)
    assert visits.extent("p_2", "front", face, face) == (face, face)
    assert visits.extent("p_1", "rear", face, face) == (face, face)
    assert visits.extent("p_1", "front", end + 50 * SECOND, end + 50 * SECOND) == (end + 50 * SECOND,) * 2
    assert visits.error == ""


def test_a_visit_that_has_not_ended_counts_from_its_begin(log, tmp_path):
    log.append(came(MIDNIGHT), left(MIDNIGHT, MIDNIGHT + SECOND), came(MIDNIGHT + 60 * SECOND))
    visits, face = VisitLog(tmp_path), MIDNIGHT + 65 * SECOND
    assert visits.extent("p_1", "front", face, face) == (MIDNIGHT + 60 * SECOND, face)
    log.append(left(MIDNIGHT + 60 * SECOND, MIDNIGHT + 90 * SECOND))
    assert visits.extent("p_1", "front", face, face) == (MIDNIGHT + 60 * SECOND, MIDNIGHT + 90 * SECOND), "it grew"


def test_who_was_recognised_and_lines_that_are_no_events(log, tmp_path):
    log.append(
        PersonEvent(FACE_MATCHED, MIDNIGHT, "robot1", "front", "p_1", 1, reference_face_id="g_1", similarity=0.9),
        PersonEvent(
            FACE_MATCHED, MIDNIGHT, "robot1", "front", "p_2", 1, reference_face_id="x", similarity=0.9, search_id="s"
        ),
    )
    with next(tmp_path.glob("*.jsonl")).open("a") as file:
        file.write("3\nnothing\n{}\n")
    visits = VisitLog(tmp_path)
    assert visits.recognised("p_1", MIDNIGHT, MIDNIGHT) == "g_1"
    assert visits.recognised("p_2", MIDNIGHT, MIDNIGHT) == "", "found by a search, not recognised"
    assert visits.recognised("p_1", MIDNIGHT + 86_400 * 3 * SECOND, MIDNIGHT + 86_400 * 3 * SECOND) == ""


def test_a_log_that_cannot_be_read_is_told(tmp_path):
    (tmp_path / "events-2026-05-02.jsonl").mkdir()
    visits = VisitLog(tmp_path)
    assert visits.extent("p_1", "front", MIDNIGHT, MIDNIGHT) == (MIDNIGHT, MIDNIGHT)
    assert "cannot read the event log" in visits.error
