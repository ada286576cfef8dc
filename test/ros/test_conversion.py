"""What becomes a message and comes back is what it was."""

import dataclasses
import math

import numpy as np
import pytest

from facetrack_ros import srv
from facetrack_ros.core.detections import Detections
from facetrack_ros.core.event import FACE_MATCHED, PERSON_IN, PERSON_OUT, PersonEvent
from facetrack_ros.core.face import Face
from facetrack_ros.core.frame import Frame
from facetrack_ros.core.pose import RobotPose
from facetrack_ros.core.track import Track, TrackState
from facetrack_ros.errors import InvalidInput
from facetrack_ros.nodes.conversion.people import template_from_message, template_to_message
from facetrack_ros.nodes.conversion.search import (
    fill_response,
    match_from_message,
    match_to_message,
    request_from_message,
    request_to_message,
    response_from_service,
)
from facetrack_ros.nodes.conversion.time import to_ns, to_time
from facetrack_ros.nodes.conversion.vision import (
    detections_from_message,
    detections_to_message,
    event_from_message,
    event_to_message,
    face_from_message,
    face_to_message,
    faces_from_message,
    faces_to_message,
    frame_to_message,
    tracks_from_message,
    tracks_to_message,
)
from facetrack_ros.search.request import SearchRequest
from facetrack_ros.search.response import (
    ANSWERED,
    TIMED_OUT,
    Match,
    NotSearched,
    RobotResponse,
    SearchedCamera,
    SearchResponse,
)
from facetrack_ros.tracking.identity.shared_template import SharedTemplate

STAMP = 1_777_636_800_123_456_789
BOX = np.array([1.5, 2.25, 30.5, 40.75], np.float32)
FRAME = Frame("front", STAMP, 7, b"\xff\xd8 some bytes", "front_optical")
UNIT = np.full(4, 0.5, np.float32)
FACE = Face(BOX, np.array([[1, 2], [3, 4], [5, 6], [np.nan] * 2, [np.nan] * 2], np.float32), 0.75, 0.5, "", 1, UNIT)


def same(one, other):
    for field in dataclasses.fields(one):
        left, right = getattr(one, field.name), getattr(other, field.name)
        if dataclasses.is_dataclass(left):
            same(left, right)
        elif isinstance(left, np.ndarray):
            np.testing.assert_array_equal(left, right)
        elif isinstance(left, float):
            assert right == pytest.approx(left, nan_ok=True)
        else:
            assert left == right, field.name


def test_a_stamp_keeps_its_nanoseconds():
    assert to_ns(to_time(STAMP)) == STAMP
    message = frame_to_message(FRAME)
    assert to_ns(message.header.stamp) == STAMP
    assert message.header.frame_id == "front_optical"
    assert message.format == "jpeg"
    assert bytes(message.data) == FRAME.jpeg


def test_detections_faces_and_tracks():
    detections = Detections(np.stack([BOX, BOX + 1]), np.array([0.5, 0.25], np.float32), "a_model")
    same(detections_from_message(detections_to_message(FRAME, detections)), detections)
    with_faint = dataclasses.replace(detections, low_score_edge_boxes=np.stack([BOX + 2, BOX + 3, BOX + 4]))
    same(detections_from_message(detections_to_message(FRAME, with_faint)), with_faint)
    same(faces_from_message(faces_to_message(FRAME, "m", (FACE,)))[0], FACE)
    rejected = dataclasses.replace(FACE, embedding=None, rejected="18 px wide, needs 24")
    same(face_from_message(face_to_message(rejected)), rejected)
    for face in (FACE, None):
        track = Track("t_robot1_front_1", "p_robot1_1", TrackState.LOST, BOX, 0.5, face)
        same(tracks_from_message(tracks_to_message(FRAME, "m", (track,)))[0], track)


@pytest.mark.parametrize(
    "event",
    [
        PersonEvent(PERSON_IN, STAMP, "robot1", "front", "p_robot1_1", 7, bbox=(1.0, 2.0, 3.0, 4.0), confidence=0.5),
        PersonEvent(
            PERSON_OUT,
            STAMP,
            "robot1",
            "front",
            "p_robot1_1",
            7,
            last_seen_ns=STAMP - 5,
            duration_ns=3_000_000_001,
            last_bbox=(1.0, 2.0, 3.0, 4.0),
        ),
        PersonEvent(
            FACE_MATCHED, STAMP, "robot1", "front", "p_robot1_1", 7, reference_face_id="p_robot2_1", similarity=0.5
        ),
        PersonEvent(FACE_MATCHED, STAMP, "robot1", "front", "", 7, reference_face_id="embedding", similarity=0.5),
    ],
)
def test_events_keep_the_fields_of_their_kind_and_no_others(event):
    same(event_from_message(event_to_message(event, "")), event)


def test_a_search_request_and_its_response():
    more = np.stack([UNIT, -UNIT])
    place = (STAMP, 60_000_000_000, ("robot1",), ("front",))
    rest = (0.5, 20, 2_000_000_000, True, b"crop", "robot1", "picture", more, ("p_robot1_1", "p_robot2_3"))
    question = SearchRequest("id", UNIT, "m", *place, *rest)
    received = request_from_message(request_to_message(question))
    same(received, question)
    np.testing.assert_array_equal(received.embeddings, [UNIT, UNIT, -UNIT])
    single = dataclasses.replace(question, more_embeddings=None)
    same(request_from_message(request_to_message(single)), single)
    place = ("robot1", "front", "p", "t", 7, STAMP, STAMP - 1, STAMP + 1, BOX, BOX)
    match = Match(*place, 0.5, 0.25, b"thumbnail", True, None, "Ada", 3.5, "seen together")
    placed = dataclasses.replace(match, pose=RobotPose("map", STAMP + 5, (1.0, 2.0, 3.0), (0.0, 0.0, 0.6, 0.8)))
    same(match_from_message(match_to_message(placed)), placed)
    gaps = (NotSearched("robot1", "its sightings of m2", "front", "m2", 13, STAMP - 5, STAMP),)
    counts = ((("front", STAMP - 5, STAMP),), (SearchedCamera("front", 10, STAMP - 5, STAMP),), gaps, "i1")
    lines = (
        RobotResponse("robot1", ANSWERED, 1, 10, 0.5, "", "low", 3, 4, "m2", 0.5, 0.25, *counts, 0.125, 0.5, 9, 0.75),
        RobotResponse("robot2", TIMED_OUT, error="robot2 was silent"),
    )
    result = SearchResponse(
        *("id", "m", 0.5, 0.25, (match,), lines, (*gaps, NotSearched("robot2", "robot2 was silent"))),
        *((placed,), "strict", 0.125, 0.5, 40, 780, "ORL", "turned by 90 degrees"),
    )
    response = srv.FaceSearch.Response()
    fill_response(response, result)
    assert response.success
    assert not response.complete
    assert "robot2" in response.message
    assert "its sightings of m2" in response.message
    assert (response.sightings, to_ns(response.searched_from), to_ns(response.searched_to)) == (10, STAMP - 5, STAMP)
    answer = response_from_service(response)
    same(answer.matches[0], match)
    same(answer.alike[0], placed)
    same(answer.robots[0], lines[0])
    same(
        dataclasses.replace(answer, matches=(), alike=(), robots=()),
        dataclasses.replace(result, matches=(), alike=(), robots=()),
    )


def test_a_face_template_and_malformed_ones():
    qualities = np.array([0.5, 1.0])
    template = SharedTemplate("robot1", "i1", "p_robot1_1", "m", np.stack([UNIT, UNIT]), qualities)
    message = template_to_message(template, STAMP)
    again = template_from_message(message)
    assert again.embeddings.shape == (2, 4)
    assert again.qualities.tolist() == [0.5, 1.0]
    assert (again.robot_id, again.instance_id, again.person_id) == ("robot1", "i1", "p_robot1_1")
    for change, reason in (
        ({"dimension": 3}, "no 1 to 64 rows of 3"),
        ({"dimension": 0}, "has 0 numbers"),
        ({"embeddings": [0.7] * 8}, "unit vector"),
        ({"embeddings": [math.nan] * 8}, "unit vector"),
        ({"qualities": [0.5]}, "2 embeddings and 1 qualities"),
        ({"qualities": [0.5, 7.0]}, "from 0 to 1"),
        ({"robot_id": "robot2"}, "no person of robot2"),
        ({"person_id": "p_robot1_1\n"}, "not valid"),
        ({"instance_id": "\x1b[2J"}, "not valid"),
        ({"model_id": ""}, "model"),
    ):
        bad = template_to_message(template, STAMP)
        for name, value in change.items():
            setattr(bad, name, value)
        with pytest.raises(InvalidInput, match=reason):
            template_from_message(bad)
