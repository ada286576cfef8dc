"""Messages with impossible content are refused by their converters with an InvalidInput, whoever sent them."""

from math import inf, nan

import pytest
from builtin_interfaces.msg import Duration, Time
from geometry_msgs.msg import Point, Pose
from sensor_msgs.msg import BatteryState, CameraInfo
from std_msgs.msg import Header, UInt16

from facetrack_ros import msg
from facetrack_ros.errors import InvalidInput
from facetrack_ros.history.keeping_rules import KeepingRules
from facetrack_ros.nodes.conversion.heartbeat import bare_status, checked_status
from facetrack_ros.nodes.conversion.search import (
    match_from_message,
    read_result,
    request_from_message,
    robot_response_from_message,
)
from facetrack_ros.nodes.conversion.time import pose_from_message
from facetrack_ros.nodes.conversion.vision import event_from_message, read_detections, read_faces, read_tracks
from facetrack_ros.nodes.inputs.battery import _charge_of
from facetrack_ros.nodes.inputs.rotation import _degrees
from facetrack_ros.nodes.markers_node import _camera_of

STAMP = Time(sec=1_700_000_000)
HEADER = Header(stamp=STAMP, frame_id="front")
BEFORE_1970 = Time(sec=-5)
ESCAPE = "\x1b[2Jrobot1"
LONG = "x" * 300
OF_FRAME = {"header": HEADER, "camera_id": "front"}
ODD_FRAMES = (
    {"camera_id": "rear"},
    {"header": Header(stamp=BEFORE_1970)},
    {"header": Header(stamp=STAMP, frame_id=ESCAPE)},
    {"header": Header(stamp=STAMP, frame_id=LONG)},
    {"frame_number": 2**64 - 1},
    {"model_id": "../" + LONG},
)
FACE = {"bbox": [0.0, 0.0, 1.0, 1.0], "landmarks": [nan] * 10, "embedding": [0.6, 0.8]}
EVENT = {
    "header": HEADER,
    "event": "PERSON_OUT",
    "robot_id": "robot1",
    "camera_id": "front",
    "person_id": "p_robot1_1",
    "last_seen": STAMP,
}
SEARCH = {"search_id": "0f3e", "asker": "robot1", "model_id": "m", "embedding": [0.6, 0.8]}
MATCH = {
    "robot_id": "robot1",
    "camera_id": "front",
    "person_id": "p_robot1_1",
    "track_id": "t_robot1_front_1",
    "stamp": STAMP,
    "first_stamp": STAMP,
    "last_stamp": STAMP,
}
HEARTBEAT = {"stamp": STAMP, "robot_id": "robot1", "instance_id": "0f3e"}


def detections(message):
    return read_detections("front", message)


def faces(message):
    return read_faces("front", message)


def tracks(message):
    return read_tracks("front", message)


def detection(**fields):
    return {"model_id": "m", "detections": [msg.Detection(**fields)]}


def face(**fields):
    return {"faces": [msg.Face(**{**FACE, **fields})]}


def track(**fields):
    return {"tracks": [msg.Track(**{"track_id": "t_robot1_front_1", **fields})]}


CASES = [
    *((detections, msg.Detections, OF_FRAME, change) for change in ODD_FRAMES[:-1]),
    *((faces, msg.Faces, OF_FRAME, change) for change in ODD_FRAMES),
    *((tracks, msg.Tracks, OF_FRAME, change) for change in ODD_FRAMES),
    (detections, msg.Detections, OF_FRAME, detection(bbox=[nan, 0.0, 1.0, 1.0])),
    (detections, msg.Detections, OF_FRAME, detection(confidence=2.0)),
    (detections, msg.Detections, OF_FRAME, detection(appearance=[3.0, 4.0])),
    (detections, msg.Detections, OF_FRAME, detection() | {"faint": [1.0]}),
    (detections, msg.Detections, OF_FRAME, detection() | {"faint": [inf] * 4}),
    (detections, msg.Detections, OF_FRAME, {"detections": [msg.Detection()] * 1001}),
    (faces, msg.Faces, OF_FRAME, face(embedding=[3.0, 4.0])),
    (faces, msg.Faces, OF_FRAME, face(embedding=[nan, 1.0])),
    (faces, msg.Faces, OF_FRAME, face(embedding=[1.0] + [0.0] * 5000)),
    (faces, msg.Faces, OF_FRAME, face(landmarks=[inf] * 10)),
    (faces, msg.Faces, OF_FRAME, face(quality=nan)),
    (faces, msg.Faces, OF_FRAME, face(rejected=ESCAPE)),
    (faces, msg.Faces, OF_FRAME, face(person=-7)),
    (faces, msg.Faces, OF_FRAME, {"faces": [msg.Face()] * 1001}),
    (tracks, msg.Tracks, OF_FRAME, track(state=99)),
    (tracks, msg.Tracks, OF_FRAME, track(track_id="../../x")),
    (tracks, msg.Tracks, OF_FRAME, track(track_id=LONG)),
    (tracks, msg.Tracks, OF_FRAME, track(person_id=ESCAPE)),
    (tracks, msg.Tracks, OF_FRAME, track(bbox=[inf] * 4)),
    *(
        (event_from_message, msg.PersonEvent, EVENT, change)
        for change in (
            {"event": "PERSON_LOST"},
            {"person_id": ""},
            {"person_id": ESCAPE},
            {"camera_id": "../front"},
            {"header": Header()},
            {"last_seen": BEFORE_1970},
            {"duration": Duration(sec=-1)},
            {"bbox": [nan] * 4},
            {"frame_number": 2**63},
            {"event": "FACE_MATCHED", "similarity": nan},
            {"event": "FACE_MATCHED", "reference_name": ESCAPE},
        )
    ),
    *(
        (request_from_message, msg.FaceSearchRequest, SEARCH, change)
        for change in (
            {"search_id": ESCAPE},
            {"asker": LONG},
            {"embedding": []},
            {"embedding": [nan, 1.0]},
            {"embedding": [1.0] + [0.0] * 5000},
            {"more_embeddings": [3.0, 4.0]},
            {"more_embeddings": [0.6, 0.8] * 1001},
            {"window": Duration(sec=-1)},
            {"timeout": Duration(sec=-1)},
            {"robots": ["robot1"] * 201},
            {"cameras": [ESCAPE]},
            {"cameras": [""]},
            {"person_ids": ["../x"]},
            {"threshold": nan},
            {"max_results": 4_000_000_000},
            {"reference": ESCAPE},
            {"face_crop": bytes(1_000_001)},
        )
    ),
    *(
        (match_from_message, msg.FaceMatch, MATCH, change)
        for change in (
            {"robot_id": ESCAPE},
            {"camera_id": "../../front"},
            {"person_id": LONG},
            {"track_id": "t\n1"},
            {"stamp": BEFORE_1970},
            {"similarity": inf},
            {"quality": nan},
            {"bbox": [inf] * 4},
            {"name": ESCAPE},
            {"has_pose": True, "pose": Pose(position=Point(x=nan))},
        )
    ),
    (read_result, msg.FaceSearchResult, {"search_id": "0f3e"}, {"search_id": ""}),
    (read_result, msg.FaceSearchResult, {"search_id": "0f3e"}, {"matches": [msg.FaceMatch(**MATCH)] * 10_001}),
    *(
        (robot_response_from_message, msg.RobotAnswer, {"robot_id": "robot1", "status": "answered"}, change)
        for change in (
            {"robot_id": ESCAPE},
            {"instance_id": LONG},
            {"sightings": 2**63},
            {"model_id": "a b"},
            {"searched": [msg.SearchedCamera(camera_id="front", start=BEFORE_1970)]},
            {"searched": [msg.SearchedCamera(camera_id="front")] * 257},
            {"looking": [msg.CameraSpan(camera_id="\n")]},
            {"not_searched": [msg.NotSearched(end=BEFORE_1970)]},
        )
    ),
    *(
        (checked_status, msg.HistoryStatus, HEARTBEAT, change)
        for change in (
            {"robot_id": ""},
            {"robot_id": "robot 1"},
            {"robot_id": LONG},
            {"instance_id": ""},
            {"instance_id": ESCAPE},
            {"model_id": LONG},
            {"disk_bytes": 2**63},
            {"cameras": [msg.CameraStatus(camera_id=ESCAPE)]},
            {"cameras": [msg.CameraStatus(camera_id="front", clock_behind_s=inf)]},
            {"cameras": [msg.CameraStatus(camera_id="front", newest=BEFORE_1970)]},
            {"cameras": [msg.CameraStatus(camera_id="front")] * 257},
            {"other_models": [msg.StoredModel(model_id="")]},
        )
    ),
    (lambda message: _degrees("front", message), UInt16, {"data": 90}, {"data": 45}),
    (_charge_of, BatteryState, {"percentage": 0.5}, {"percentage": 57.0}),
    (_camera_of, CameraInfo, {"d": [0.0] * 5}, {"d": [0.0] * 7}),
    (_camera_of, CameraInfo, {"d": [0.0] * 5}, {"k": [nan] * 9}),
]


@pytest.mark.parametrize(("convert", "kind", "fields", "change"), CASES)
def test_it_is_refused_for_that_change_alone(convert, kind, fields, change):
    convert(kind(**fields))
    with pytest.raises(InvalidInput) as refused:
        convert(kind(**{**fields, **change}))
    assert str(refused.value).isprintable()
    assert len(str(refused.value)) < 400


def test_a_robot_whose_heartbeat_has_an_odd_part_is_there_all_the_same():
    odd = msg.HistoryStatus(**HEARTBEAT, sightings=7, cameras=[msg.CameraStatus(camera_id=ESCAPE)])
    bare = bare_status(odd, "a camera")
    assert (bare.robot_id, bare.instance_id, bare.sightings, len(bare.cameras)) == ("robot1", "0f3e", 0, 0)
    assert bare.error == "its heartbeat is not valid: a camera"
    with pytest.raises(InvalidInput):
        bare_status(msg.HistoryStatus(robot_id=ESCAPE, instance_id="0f3e"), "")


def test_a_pose_that_is_no_pose():
    for header, pose in ((Header(stamp=BEFORE_1970), Pose()), (HEADER, Pose(position=Point(x=inf)))):
        with pytest.raises(InvalidInput):
            pose_from_message(header, pose)


def test_sentences_of_other_robots_are_made_printable_and_a_large_thumbnail_is_left_out():
    answer = robot_response_from_message(
        msg.RobotAnswer(
            robot_id="robot1",
            status="error",
            error=ESCAPE,
            note="x" * 5000,
            not_searched=[msg.NotSearched(reason=ESCAPE)],
        )
    )
    assert answer.error == answer.not_searched[0].reason == "\\x1b[2Jrobot1"
    assert len(answer.note) == 1000
    match = match_from_message(msg.FaceMatch(**MATCH, different_person=ESCAPE, thumbnail=bytes(65_537)))
    assert (match.different_person, match.thumbnail) == ("\\x1b[2Jrobot1", b"")
    assert checked_status(msg.HistoryStatus(**HEARTBEAT, error=ESCAPE)).error == "\\x1b[2Jrobot1"


def test_what_a_robot_says_it_keeps_is_taken_or_left_out():
    rules = KeepingRules("access to the hall", "consent", "all", {"sightings": {"max_age_h": 24.0}})
    for text, taken in ((rules.json, rules), ("{", None), (f'"{ESCAPE}"', None), ("x" * 10_000, None)):
        assert KeepingRules.of_json(checked_status(msg.HistoryStatus(**HEARTBEAT, rules=text)).rules) == taken
    shown = KeepingRules.of_json(KeepingRules(f"a{ESCAPE}b").json)
    assert "\x1b" not in shown.sentence
