"""Stored histories answer like a fleet, and one that is broken says so while the others answer."""

import re
from dataclasses import replace

import numpy as np
import pytest

from facetrack_ros.core.detections import Detections
from facetrack_ros.core.event import PERSON_IN, PERSON_OUT, PersonEvent
from facetrack_ros.core.face import Face
from facetrack_ros.core.frame import Frame, encode_jpeg
from facetrack_ros.errors import RequestError, StoreError
from facetrack_ros.history.frames.settings import CONTINUOUS, FrameSettings
from facetrack_ros.history.keeping_rules import KeepingRules
from facetrack_ros.history.robot_history import RobotHistory
from facetrack_ros.history.sightings.database import database_path
from facetrack_ros.history.sightings.retention import SightingLimits
from facetrack_ros.models import catalog
from facetrack_ros.models.contract import ModelContract
from facetrack_ros.search.camera_coverage import coverage_of_response
from facetrack_ros.search.offline.open_history import RescanOptions
from facetrack_ros.search.offline.references import person_references
from facetrack_ros.search.offline.search import search_stored
from facetrack_ros.search.offline.status import stored_status
from facetrack_ros.search.report.table import part_line, response_table
from facetrack_ros.search.request import SearchRequest
from facetrack_ros.search.response import ANSWERED, ERROR, LEFT, MODEL_MISMATCH
from facetrack_ros.tracking.identity_merges import IdentityMerges, merge_decisions

CURVE = ((0.3, 0.01), (0.5, 0.0001))
MODEL = ("net", "embedding", "onnx", "net.onnx", "", 1, "MIT")
CONTRACT = ModelContract(*MODEL, dimension=4, threshold=0.35, false_match_curve=CURVE)
REQUEST = SearchRequest("s1", np.array([1, 0, 0, 0], np.float32), "net")
SECOND = 10**9


def robot(directory, name, cosine, contract=CONTRACT):
    history = RobotHistory(directory, name, contract)
    vector = np.array([cosine, np.sqrt(1 - cosine**2), 0, 0], np.float32)
    history.sightings.note_frame("front", SECOND)
    history.sightings.note_frame("front", 2 * SECOND)
    history.sightings.add("front", SECOND, 1, "t1", "p_1", np.zeros(4), np.zeros(4), 0.5, vector, lambda: b"")
    return history


@pytest.fixture
def fleet(tmp_path):
    robot(tmp_path, "robot1", 0.6).close()
    robot(tmp_path, "robot2", 0.9).close()
    robot(tmp_path, "robot3", 0.9, replace(CONTRACT, id="dlib")).close()
    return tmp_path


def statuses(response):
    return {line.robot_id: line.status for line in response.robots}


def test_all_robots_are_asked_and_other_models_are_named(fleet):
    response = search_stored(fleet, REQUEST, CONTRACT)
    assert [match.robot_id for match in response.matches] == ["robot2", "robot1"]
    assert statuses(response) == {"robot1": ANSWERED, "robot2": ANSWERED, "robot3": MODEL_MISMATCH}
    assert "dlib" in response.robots[2].error
    assert response.expected_false_matches == pytest.approx(2 * 10**-2.5)


def test_a_running_robot_answers_with_what_it_has_committed(tmp_path):
    history = robot(tmp_path, "robot1", 0.9)
    history.flush()
    assert len(search_stored(tmp_path, REQUEST, CONTRACT).matches) == 1
    history.close()


def test_broken_histories_are_errors_and_the_others_answer(fleet):
    database_path(fleet / "robot2", "net").write_bytes(b"nothing like a database" * 100)
    (fleet / "robot4").mkdir()
    (fleet / "robot4" / "robot.json").write_text("{")
    robot(fleet, "robot5", 0.9).close()
    database_path(fleet / "robot5", "net").unlink()
    response = search_stored(fleet, REQUEST, CONTRACT)
    broken = dict.fromkeys(("robot2", "robot4", "robot5"), ERROR)
    assert statuses(response) == {"robot1": ANSWERED, "robot3": MODEL_MISMATCH, **broken}
    assert [match.robot_id for match in response.matches] == ["robot1"]
    assert all(line.error for line in response.robots if line.status != ANSWERED)


def test_a_clock_that_was_off_is_noted(fleet):
    (fleet / "robot1" / "clocks.jsonl").write_text('{"camera_id": "front", "since": 0.5, "behind_sec": 93.0}\n')
    notes = {line.robot_id: line.note for line in search_stored(fleet, REQUEST, CONTRACT).robots}
    assert notes["robot1"].startswith("the clock of camera front was 93.0 s behind")
    assert notes["robot2"] == ""
    elsewhere = replace(REQUEST, cameras=("rear",))
    assert not any(line.note for line in search_stored(fleet, elsewhere, CONTRACT).robots)


def test_a_store_of_enrolled_people_only_says_what_no_match_means(fleet):
    stranger = replace(REQUEST, embedding=np.array([0, 0, 0, 1], np.float32))
    assert response_table(search_stored(fleet, stranger, CONTRACT)).startswith("No match")
    assert search_stored(fleet, stranger, CONTRACT).enrolled_only == ()
    KeepingRules(keep="watchlist").write(fleet / "robot1")
    response = search_stored(fleet, stranger, CONTRACT)
    assert response.enrolled_only == ("robot1",)
    assert "robot1 keeps enrolled people only" in response_table(response).splitlines()[0]
    assert "enrolled people" in part_line(response.robots[0], (), (), False)
    KeepingRules(keep="watchlist").write(fleet / "robot3")  # it has nothing of this model
    assert search_stored(fleet, stranger, CONTRACT).enrolled_only == ("robot1", "robot3")


def test_only_the_robots_asked_for_are_opened(fleet):
    response = search_stored(fleet, replace(REQUEST, robots=("robot1", "robot9")), CONTRACT)
    assert statuses(response) == {"robot1": ANSWERED, "robot9": LEFT}


def test_a_copied_folder_is_not_counted_twice(fleet):
    copy = fleet / "copy"
    copy.mkdir()
    (copy / "robot.json").write_text((fleet / "robot1" / "robot.json").read_text())
    errors = [line.error for line in search_stored(fleet, REQUEST, CONTRACT).robots if line.status == ERROR]
    assert len(errors) == 1
    assert "both of robot robot1" in errors[0]


def test_the_time_it_took_comes_from_the_clock_handed_in(fleet):
    ticks = iter(range(0, 10**9, 5_000_000))
    response = search_stored(fleet, replace(REQUEST, robots=("robot1",)), CONTRACT, clock_ns=lambda: next(ticks))
    assert response.robots[0].elapsed_ms == 5.0


def test_coverage_names_each_camera_and_when_it_was_analysed(fleet):
    lanes = coverage_of_response(search_stored(fleet, REQUEST, CONTRACT))
    assert [(lane.robot_id, lane.camera_id, lane.spans) for lane in lanes] == [
        ("robot1", "front", ((SECOND, 2 * SECOND),)),
        ("robot2", "front", ((SECOND, 2 * SECOND),)),
    ]


def test_a_folder_without_a_history_is_an_error(tmp_path):
    with pytest.raises(StoreError, match="no robot's history"):
        search_stored(tmp_path, REQUEST, CONTRACT)
    with pytest.raises(StoreError, match="no folder"):
        search_stored(tmp_path / "x", REQUEST, CONTRACT)


def test_an_invalid_request_is_refused(fleet):
    with pytest.raises(RequestError):
        search_stored(fleet, replace(REQUEST, embedding=np.zeros(4)), CONTRACT)


def test_status_names_each_robot_model_and_camera(tmp_path):
    history = RobotHistory(tmp_path, "robot1", catalog.DLIB_RESNET)
    unit = np.eye(128, dtype=np.float32)[0]
    history.sightings.note_frame("front", SECOND)
    history.sightings.add("front", SECOND, 1, "t1", "p_robot1_1", np.zeros(4), np.zeros(4), 0.5, unit, lambda: b"")
    history.close()
    (line,) = stored_status(tmp_path)
    assert (line.robot_id, line.model_id, line.sightings) == ("robot1", catalog.DLIB_RESNET.id, 1)
    assert line.cameras[0].oldest_ns == SECOND
    (reference,) = person_references(tmp_path, "p_robot1_1", IdentityMerges())
    assert (reference.model_id, reference.person_ids) == (catalog.DLIB_RESNET.id, ("p_robot1_1",))
    np.testing.assert_allclose(reference.embedding, unit, atol=1e-6)
    with pytest.raises(RequestError, match="p_robot1_2"):
        person_references(tmp_path, "p_robot1_2", IdentityMerges())


def test_a_history_brings_the_record_of_its_model_along(tmp_path):
    history = RobotHistory(tmp_path, "robot1", CONTRACT)
    box, unit = np.zeros(4), np.eye(4)[0]
    history.sightings.add("front", SECOND, 1, "t1", "p_robot1_1", box, box, 0.5, unit, bytes)
    history.close()
    assert catalog.known(CONTRACT.id) is None
    assert person_references(tmp_path, "p_robot1_1", IdentityMerges())[0].model_id == CONTRACT.id
    (tmp_path / "robot1" / "net.contract.json").unlink()
    (line,) = stored_status(tmp_path)
    assert re.search(r"the model net of .* is not known here", line.error)


def test_status_lists_the_others_where_one_history_cannot_be_read(fleet):
    RobotHistory(fleet, "robot4", CONTRACT).close()
    (fleet / "robot2" / "robot.json").write_text("{")
    database_path(fleet / "robot1", "net").write_bytes(b"nothing like a database" * 100)
    (fleet / "robot3" / "dlib.contract.json").unlink()
    lines = {line.robot_id: line for line in stored_status(fleet)}
    assert "is damaged" in lines["robot2"].error
    assert "no store of sightings" in lines["robot1"].error or "damaged" in lines["robot1"].error
    assert "not known here" in lines["robot3"].error
    assert (lines["robot4"].error, lines["robot4"].cameras) == ("", ())


def test_status_of_a_folder_without_robots_is_an_error(tmp_path):
    with pytest.raises(StoreError, match="no robot's history"):
        stored_status(tmp_path)


NOON = 1_795_348_800 * SECOND


def seen(store, start_ns, end_ns, cosine=0.9, person="p_robot1_1", track="t1", camera="front"):
    """A camera that was analysed from one second to another, with one face in the middle."""
    for stamp in range(start_ns, end_ns + 1, SECOND):
        store.note_frame(camera, stamp)
    vector, stamp = np.array([cosine, np.sqrt(1 - cosine**2), 0, 0], np.float32), (start_ns + end_ns) // 2
    store.add(camera, stamp, 1, track, person, np.zeros(4), np.zeros(4), 0.5, vector, bytes)


def reasons(response):
    return [gap.reason for gap in response.not_searched]


def test_an_answer_is_complete_only_where_all_of_the_time_asked_for_was_compared(tmp_path):
    history = RobotHistory(tmp_path, "robot1", CONTRACT)
    seen(history.sightings, NOON, NOON + 60 * SECOND)
    history.close()
    within = replace(REQUEST, time_ns=NOON + 30 * SECOND, window_ns=20 * SECOND)
    response = search_stored(tmp_path, within, CONTRACT)
    assert response.complete
    assert response.searched_span == (NOON + 10 * SECOND, NOON + 50 * SECOND)
    assert [(robot, camera.camera_id, camera.sightings) for robot, camera in response.searched_cameras] == [
        ("robot1", "front", 1)
    ]
    beyond = replace(within, time_ns=NOON + 50 * SECOND)
    response = search_stored(tmp_path, beyond, CONTRACT)
    assert not response.complete
    (gap,) = response.not_searched
    assert (gap.camera_id, gap.start_ns, gap.end_ns) == ("front", NOON + 60 * SECOND, NOON + 70 * SECOND)
    # Of a running robot the rest of the time has not come yet.
    assert search_stored(tmp_path, beyond, CONTRACT, now_ns=NOON + 61 * SECOND).complete
    elsewhere = search_stored(tmp_path, replace(within, time_ns=NOON + 7200 * SECOND), CONTRACT)
    assert elsewhere.sightings == 0
    assert "holds nothing of the time asked for, only 2026-11-22 12:00:00 to 12:01:00 UTC" in reasons(elsewhere)[0]
    assert search_stored(tmp_path, REQUEST, CONTRACT).complete, "all that is kept was asked for"


def test_frames_that_were_not_searched_for_faces_make_the_answer_partial(tmp_path):
    history = RobotHistory(tmp_path, "robot1", CONTRACT)
    for second in range(120):
        history.add_frame(Frame("front", NOON + second * SECOND, second, b""))
        if not 30 < second < 90:  # the battery was low
            history.add_analysed("front", NOON + second * SECOND)
    history.close()
    response = search_stored(tmp_path, REQUEST, CONTRACT)
    (gap,) = response.not_searched
    assert (gap.start_ns, gap.end_ns) == (NOON + 30 * SECOND, NOON + 90 * SECOND)
    assert "was not searched for faces" in gap.reason
    before = replace(REQUEST, time_ns=NOON + 15 * SECOND, window_ns=10 * SECOND)
    assert search_stored(tmp_path, before, CONTRACT).complete


def test_sightings_that_were_deleted_by_a_limit_are_time_not_kept(tmp_path):
    history = RobotHistory(tmp_path, "robot1", CONTRACT)
    for number in range(10):
        start = NOON + number * 10 * SECOND
        seen(history.sightings, start, start + 9 * SECOND, track=f"t{number}")
    history.sightings.prune(SightingLimits(count=5), NOON + 100 * SECOND, brake=False)
    history.close()
    asked = replace(REQUEST, time_ns=NOON + 20 * SECOND, window_ns=15 * SECOND)
    response = search_stored(tmp_path, asked, CONTRACT)
    assert not response.complete
    assert response.sightings == 0


def test_sightings_of_another_model_are_counted_and_searched_where_it_is_known(tmp_path):
    other = replace(CONTRACT, id="other", threshold=0.8)
    for contract, start in ((CONTRACT, NOON), (other, NOON + 600 * SECOND)):
        history = RobotHistory(tmp_path, "robot1", contract)
        seen(history.sightings, start, start + 60 * SECOND)
        history.close()
    response = search_stored(tmp_path, REQUEST, CONTRACT)
    (gap,) = response.not_searched
    assert (gap.robot_id, gap.model_id, gap.sightings) == ("robot1", "other", 1)
    assert gap.start_ns == gap.end_ns == NOON + 630 * SECOND
    assert "facetrack reindex" in gap.reason
    both = search_stored(tmp_path, REQUEST, CONTRACT, others=[(replace(REQUEST, model_id="other"), other)])
    assert both.complete
    assert [(line.model_id, line.sightings, line.matches) for line in both.robots] == [("", 1, 1), ("other", 1, 1)]
    assert len(both.matches) == 2
    asked = replace(REQUEST, time_ns=NOON + 10 * SECOND, window_ns=5 * SECOND)
    assert search_stored(tmp_path, asked, CONTRACT).complete, "none of the other model in that time"


def test_sightings_of_another_model_that_were_made_again_are_not_missing(tmp_path):
    for name in ("other", "net"):
        history = RobotHistory(tmp_path, "robot1", replace(CONTRACT, id=name))
        seen(history.sightings, NOON, NOON + 60 * SECOND)
        history.close()
    assert search_stored(tmp_path, REQUEST, CONTRACT).complete


def test_a_robot_that_recorded_nothing_says_so(fleet):
    RobotHistory(fleet, "ghost", CONTRACT).close()
    (fleet / "ghost2").mkdir()
    (fleet / "ghost2" / "robot.json").write_text('{"robot_id": "ghost2", "format": 1}')
    request = replace(REQUEST, robots=("ghost", "ghost2"))
    response = search_stored(fleet, request, CONTRACT)
    assert not response.complete
    assert all("has recorded nothing" in reason for reason in reasons(response))
    assert len(response.not_searched) == 2


def test_a_store_that_was_damaged_once_says_that_sightings_are_lost(fleet):
    (fleet / "robot1" / "sightings-net.sqlite.damaged-1").write_bytes(b"")
    response = search_stored(fleet, replace(REQUEST, robots=("robot1",)), CONTRACT)
    assert "lost sightings when its store was damaged" in reasons(response)[0]


def test_a_camera_that_no_robot_has_is_named_with_those_there(fleet):
    response = search_stored(fleet, replace(REQUEST, cameras=("nosuch",), robots=("robot1", "robot2")), CONTRACT)
    assert "no robot that answered has a camera nosuch; there are robot1/front, robot2/front" in reasons(response)[0]
    assert not response.complete


def test_visits_of_a_person_found_are_shown_under_every_joined_id(tmp_path):
    for robot, person, cosine in (("robot1", "p_robot1_1", 0.9), ("robot2", "p_robot2_1", 0.1)):
        history = RobotHistory(tmp_path, robot, CONTRACT)
        seen(history.sightings, NOON, NOON + 10 * SECOND, cosine, person)
        seen(history.sightings, NOON, NOON + 10 * SECOND, 0.05, f"p_{robot}_9", "t9", "rear")
        history.close()
    assert [match.robot_id for match in search_stored(tmp_path, REQUEST, CONTRACT).matches] == ["robot1"]
    pair = ("p_robot1_1", "p_robot2_1")
    merges = IdentityMerges(merge_decisions(IdentityMerges(), *pair, ["a_1"], "ada", 1, "by eye", operator=True))
    response = search_stored(tmp_path, REQUEST, CONTRACT, merges=merges)
    assert [(match.robot_id, match.camera_id, match.person_id) for match in response.matches] == [
        ("robot1", "front", "p_robot1_1"),
        ("robot2", "front", "p_robot1_1"),
    ]
    assert response.matches[1].similarity == pytest.approx(0.1, abs=1e-3), "its own, below the threshold"
    assert [line.matches for line in response.robots] == [1, 1]


def test_a_visit_lasts_from_its_first_event_to_its_last(tmp_path):
    history = RobotHistory(tmp_path, "robot1", CONTRACT)
    seen(history.sightings, NOON, NOON + 60 * SECOND)
    begin, end = NOON + 2 * SECOND, NOON + 55 * SECOND
    history.add_event(
        PersonEvent(PERSON_IN, begin, "robot1", "front", "p_robot1_1", 1, bbox=(0, 0, 1, 1), confidence=0.9),
        PersonEvent(
            *(PERSON_OUT, end + 2 * SECOND, "robot1", "front", "p_robot1_1", 9),
            last_seen_ns=end,
            duration_ns=end - begin,
            last_bbox=(0, 0, 1, 1),
        ),
    )
    history.close()
    (match,) = search_stored(tmp_path, REQUEST, CONTRACT).matches
    assert (match.first_ns, match.stamp_ns, match.last_ns) == (begin, NOON + 30 * SECOND, end)
    (tmp_path / "robot1" / "events-2026-11-22.jsonl").unlink()
    (tmp_path / "robot1" / "events-2026-11-22.jsonl").mkdir()
    response = search_stored(tmp_path, REQUEST, CONTRACT)
    assert response.matches[0].first_ns == NOON + 30 * SECOND
    assert "cannot read the event log" in response.robots[0].note


class FaceInEveryFrame:
    """Finds the reference face in every image."""

    contract = CONTRACT

    def detect(self, images):
        return [Detections(np.array([[5, 5, 60, 60]], np.float32), np.ones(1, np.float32), "eyes") for _ in images]

    def faces(self, image, persons, choose=None):
        box, landmarks = np.array([20, 15, 40, 35], np.float32), np.zeros((5, 2), np.float32)
        return (Face(box, landmarks, 0.9, 0.8, person=0, embedding=REQUEST.embedding),)


@pytest.mark.parametrize("kept_by", ["net", "another"])
def test_stored_frames_can_be_rescanned_and_nothing_is_written(tmp_path, kept_by):
    history = RobotHistory(tmp_path, "robot1", replace(CONTRACT, id=kept_by), FrameSettings(mode=CONTINUOUS))
    for number in range(20):
        history.add_frame(Frame("front", number * SECOND, number, encode_jpeg(np.full((64, 64, 3), 90, np.uint8))))
    history.close()

    def on_disk():  # without the shared-memory index that SQLite writes for readers
        files = (path for path in tmp_path.rglob("*") if path.is_file() and "sqlite-" not in path.name)
        return {path: path.read_bytes() for path in files}

    before = on_disk()
    left = iter(range(12))
    options = RescanOptions((FaceInEveryFrame(),), lambda: next(left, None) is None)
    response = search_stored(tmp_path, replace(REQUEST, rescan=True), CONTRACT, rescan_options=options)
    (line,) = response.robots
    assert line.status == ANSWERED
    assert 3 <= line.rescanned < 12
    assert line.rescanned + line.not_rescanned == 20
    assert response.matches
    assert all(match.rescanned for match in response.matches)
    assert max(match.last_ns for match in response.matches) == 19 * SECOND
    assert on_disk() == before
    assert search_stored(tmp_path, REQUEST, CONTRACT, rescan_options=options).matches == (), "not requested"
