"""Visits that a killed robot left open are closed, once, at the last time at which something stored shows it."""

import json
import os
import signal
from dataclasses import replace

import numpy as np
import pytest

from facetrack_ros.core.event import FACE_MATCHED, PERSON_IN, PERSON_OUT, RESTARTED, PersonEvent
from facetrack_ros.core.face import Face
from facetrack_ros.core.track import Track, TrackState
from facetrack_ros.history.events.format import OLD_CSV_COLUMNS, event_to_dict, read_events
from facetrack_ros.history.events.log import EventLog
from facetrack_ros.history.frames.settings import FrameSettings
from facetrack_ros.history.left_open import visits_left_open
from facetrack_ros.history.robot_history import RobotHistory
from facetrack_ros.models.contract import ModelContract

SECOND = 10**9
NOON = 1_795_348_800 * SECOND  # 2026-11-22T12:00:00Z
CONTRACT = ModelContract("net", "embedding", "onnx", "net.onnx", "", 1, "MIT", dimension=4, threshold=0.5)
BOX = np.array([1, 2, 30, 40], np.float32)
IN = PersonEvent(PERSON_IN, NOON, "robot1", "front", "p_1", 7, bbox=(1.0, 2.0, 30.0, 40.0), confidence=0.75)
OUT = PersonEvent(
    PERSON_OUT, NOON + SECOND, "robot1", "front", "p_1", 9, last_seen_ns=NOON, duration_ns=0, last_bbox=(5, 6, 7, 8)
)


def track(person, face=True):
    found = Face(BOX, np.zeros((5, 2), np.float32), 0.9, 0.5, embedding=np.full(4, 0.5, np.float32)) if face else None
    return Track(f"t_{person}", person, TrackState.TRACKING, BOX, 0.9, found)


def history(folder, mode="off", **options):
    return RobotHistory(folder, "robot1", CONTRACT, FrameSettings(mode=mode), **options)


def killed(folder, work, mode="off", **options):
    """A process that does some work with a history and is ended by SIGKILL."""
    child = os.fork()
    if child == 0:
        try:
            opened = history(folder, mode, **options)
            work(opened)
            opened.flush()
            if opened.recorder is None or opened.recorder.drain():
                os.kill(os.getpid(), signal.SIGKILL)
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


@pytest.mark.parametrize("format", ["jsonl", "csv"])
def test_a_visit_ends_at_its_last_sighting(tmp_path, format):
    def work(opened):
        opened.add_event(IN, replace(IN, camera_id="rear", person_id="p_2"))
        for second in range(5):
            opened.add_tracks("front", NOON + second * SECOND, second, (track("p_1"),))

    killed(tmp_path, work, event_format=format)
    again = history(tmp_path, event_format=format)
    closed = again.close_left_open()
    assert {(event.person_id, event.last_seen_ns, event.reason) for event in closed} == {
        ("p_1", NOON + 4 * SECOND, RESTARTED),
        ("p_2", NOON, RESTARTED),
    }
    assert {event.duration_ns for event in closed} == {4 * SECOND, 0}
    assert all(event.stamp_ns == event.last_seen_ns for event in closed)
    assert again.close_left_open() == ()
    again.close()
    logged = [event for event in read_events(tmp_path / "robot1") if event["event"] == PERSON_OUT]
    assert sorted(event["person_id"] for event in logged) == ["p_1", "p_2"]
    assert {event["reason"] for event in logged} == {RESTARTED}


def test_a_person_without_a_face_was_seen_last_in_the_stored_tracks(tmp_path):
    def work(opened):
        opened.add_event(IN)
        for second in range(90):
            opened.add_tracks("front", NOON + second * SECOND, second, (track("p_1", face=False), track("p_9")))

    killed(tmp_path, work, mode="continuous")
    again = history(tmp_path, mode="continuous")
    assert [event.last_seen_ns for event in again.close_left_open()] == [NOON + 89 * SECOND]
    again.close()


def test_each_visit_without_an_end_is_closed_also_those_before_later_ones(tmp_path):
    """As in logs of versions that never closed them: two kills, then a visit that ended."""
    log = EventLog(tmp_path)
    later = [replace(IN, stamp_ns=NOON + hour * 3600 * SECOND) for hour in range(3)]
    log.append(later[0], later[1], replace(later[1], event=FACE_MATCHED, stamp_ns=later[1].stamp_ns + SECOND))
    log.append(later[2], replace(OUT, stamp_ns=later[2].stamp_ns + SECOND))
    log.append(replace(IN, event=FACE_MATCHED, stamp_ns=NOON + 10 * 3600 * SECOND, search_id="s1"))
    log.close()
    found = visits_left_open(tmp_path)
    assert [(visit.first.stamp_ns, visit.last.stamp_ns) for visit in found] == [
        (NOON, NOON),
        (later[1].stamp_ns, later[1].stamp_ns + SECOND),
    ]
    assert found[0].until_ns == later[1].stamp_ns


def test_a_robot_that_ended_all_visits_closes_none(tmp_path):
    killed(tmp_path, lambda opened: opened.add_event(IN, OUT))
    again = history(tmp_path)
    assert again.close_left_open() == ()
    again.close()


def test_lines_that_are_no_events_are_passed_over(tmp_path):
    log = EventLog(tmp_path)
    log.append(IN)
    log.close()
    path = next(tmp_path.iterdir())
    of_nobody = (
        '{"event": "PERSON_IN", "person_id": "p", "camera_id": "c", "timestamp": %s, "frame_number": 1, "bbox": %s}'
    )
    odd = [
        '{"event": "PERSON_IN"}',
        of_nobody % ("1e999", "[0]"),
        of_nobody % (-5, 4),
        of_nobody % (5, '["a"]'),
        "[]",
        '"x"',
        '{"event": "PERSON_IN", "person_id": [], "camera_id": {}}',
    ]
    path.write_text("\n".join(odd) + "\n" + path.read_text())
    assert len(visits_left_open(tmp_path)) == 1


def test_a_csv_log_of_an_older_version_keeps_its_columns(tmp_path):
    path = tmp_path / "events-2026-11-22.csv"
    path.write_text(",".join(OLD_CSV_COLUMNS) + "\n")
    log = EventLog(tmp_path, "csv")
    log.append(IN, replace(OUT, reason=RESTARTED))
    log.close()
    assert {line.count(",") for line in path.read_text().splitlines()} == {len(OLD_CSV_COLUMNS) - 1}
    assert list(read_events(tmp_path)) == [event_to_dict(event) for event in (IN, OUT)]


def test_json_of_an_older_version_has_no_reason_and_is_read(tmp_path):
    old = {key: value for key, value in event_to_dict(OUT).items() if key != "reason"}
    (tmp_path / "events-2026-11-22.jsonl").write_text(json.dumps(old) + "\n")
    assert list(read_events(tmp_path)) == [old]
    assert visits_left_open(tmp_path) == []
