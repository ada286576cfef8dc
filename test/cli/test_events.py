"""facetrack events on stored logs: names, merged ids, which events, local times."""

import json
import os
import time

import numpy as np
import pytest

from facetrack_ros.cli.main import main
from facetrack_ros.core.event import FACE_MATCHED, PERSON_IN, PERSON_OUT, PersonEvent
from facetrack_ros.history.people.gallery_store import GalleryStore
from facetrack_ros.history.people.merge_log import MergeLog
from facetrack_ros.history.robot_history import RobotHistory
from facetrack_ros.models.contract import ModelContract
from facetrack_ros.tracking.identity.gallery import GalleryEntry
from facetrack_ros.tracking.identity_merges import MergeDecision

CONTRACT = ModelContract("net", "embedding", "onnx", "net.onnx", "", 1, "MIT", dimension=4, threshold=0.5)
SECOND_NS = 1_000_000_000
START_NS = 1_777_636_800 * SECOND_NS  # 2026-05-01 12:00:00 UTC


def event(kind, person, seconds, robot="robot1", camera="front", **more):
    return PersonEvent(kind, START_NS + round(seconds * SECOND_NS), robot, camera, person, 1, **more)


@pytest.fixture
def data(tmp_path):
    """Ada is p_robot1_1, and p_robot1_3 by a merge; p_robot2_2 came to another robot just now."""
    matched = {"reference_face_id": "g_robot1_1", "similarity": 0.72}
    logged = {
        "robot1": (
            event(PERSON_IN, "p_robot1_1", 0.25, bbox=(0, 0, 9, 9), confidence=0.9),
            event(FACE_MATCHED, "p_robot1_1", 1, **matched),
            event(FACE_MATCHED, "p_robot1_9", 2, search_id="s1", **matched),
            event(PERSON_IN, "p_robot1_3", 3, camera="rear", bbox=(0, 0, 9, 9), confidence=0.9),
            event(
                PERSON_OUT, "p_robot1_1", 9, last_seen_ns=START_NS, duration_ns=7 * SECOND_NS, last_bbox=(0, 0, 9, 9)
            ),
        ),
        "robot2": (
            PersonEvent(
                PERSON_IN, time.time_ns() - 60 * SECOND_NS, "robot2", "front", "p_robot2_2", 1, (0, 0, 9, 9), 0.9
            ),
        ),
    }
    for robot, events in logged.items():
        history = RobotHistory(tmp_path / "data", robot, CONTRACT)
        history.add_event(*events)
        history.close()
    embedding = np.eye(1, 4, dtype=np.float32)[0]
    GalleryStore(tmp_path / "data" / "robot1").add(
        GalleryEntry("g_robot1_1", "Ada", "net", embedding, 0.9, by="robot1")
    )
    joined = MergeDecision("a_robot1_7", "p_robot1_1", "p_robot1_3", True, "ann", True, 1, START_NS, "by eye")
    MergeLog(tmp_path / "data" / "robot1").append([joined])
    return tmp_path / "data"


@pytest.fixture
def events(data, capsys, monkeypatch):
    monkeypatch.setenv("TZ", "CET-1CEST")
    time.tzset()

    def run(*arguments):
        umask = os.umask(0)
        try:
            with pytest.raises(SystemExit) as ended:
                main(["events", "--data", str(data), *arguments])
        finally:
            os.umask(umask)
        said = capsys.readouterr()
        return ended.value.code, said.out.splitlines(), said.err

    yield run
    monkeypatch.undo()
    time.tzset()


def test_people_have_names_and_current_ids_and_times_are_local(events):
    code, lines, _ = events("--robot", "robot1")
    assert code == 0
    assert lines == [
        "2026-05-01 14:00:00.2 CEST  robot1/front    PERSON_IN    Ada (p_robot1_1)",
        "2026-05-01 14:00:01.0 CEST  robot1/front    FACE_MATCHED p_robot1_1  is Ada, 0.72",
        "2026-05-01 14:00:02.0 CEST  robot1/front    FACE_MATCHED p_robot1_9  is Ada, 0.72",
        "2026-05-01 14:00:03.0 CEST  robot1/rear     PERSON_IN    Ada (p_robot1_1)",
        "2026-05-01 14:00:09.0 CEST  robot1/front    PERSON_OUT   Ada (p_robot1_1)  after 7.0 s",
    ]


def test_json_is_that_of_the_log_and_more(events, data):
    _, lines, _ = events("--json", "--camera", "rear")
    (found,) = map(json.loads, lines)
    (log,) = (data / "robot1").glob("events-*.jsonl")
    logged = json.loads(log.read_text().splitlines()[3])
    assert logged.items() <= found.items()
    assert {key: found[key] for key in found if key not in logged} == {
        "timestamp_iso": "2026-05-01T12:00:03.000Z",
        "current_id": "p_robot1_1",
        "name": "Ada",
    }


@pytest.mark.parametrize("person", ["p_robot1_1", "p_robot1_3"])
def test_a_person_is_chosen_by_any_id(events, person):
    code, lines, _ = events("--person", person, "--json")
    assert code == 0
    assert [json.loads(line)["person_id"] for line in lines] == ["p_robot1_1", "p_robot1_1", "p_robot1_3", "p_robot1_1"]


def test_a_person_is_chosen_by_name_also_where_a_search_found_the_face(events):
    _, lines, _ = events("--person", "Ada", "--json")
    assert len(lines) == 5


def test_only_what_came_since(events):
    code, lines, _ = events("--since", "10m")
    assert code == 0
    assert len(lines) == 1
    assert "p_robot2_2" in lines[0]
    assert events("--since", "10s") == (1, ["no such event is recorded by robot1, robot2"], "")
    assert len(events("--since", "2026-05-01T12:00:03")[1]) == 3
    code, _, said = events("--since", "yesterday")
    assert code == 2
    assert "10m" in said


def test_an_unknown_robot_is_told(events):
    code, _, said = events("--robot", "robot7")
    assert code == 2
    assert "robot7" in said
    assert "robot1, robot2" in said


def test_json_that_is_no_event_is_left_out_and_told(events, data):
    (log,) = (data / "robot1").glob("events-*.jsonl")
    log.write_text(log.read_text() + '{"event": "PERSON_IN", "timestamp": "soon"}\n[]\n')
    code, lines, said = events("--robot", "robot1")
    assert code == 3
    assert len(lines) == 5
    assert "2 damaged lines" in said
