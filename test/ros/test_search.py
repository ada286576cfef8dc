"""A search in full: parts, another embedder, rescan, audit log and events, replay."""

import os
from pathlib import Path

import pytest
from builtin_interfaces.msg import Duration
from mcap.reader import make_reader
from mcap.writer import Writer
from rclpy.serialization import deserialize_message, serialize_message
from sensor_msgs.msg import CompressedImage

from facetrack_ros.client.fleet_client import FleetClient
from facetrack_ros.history.audit.audit_log import SEARCH, AuditLog
from facetrack_ros.history.audit.verification import verify_chain
from facetrack_ros.history.events.format import read_events
from facetrack_ros.models import catalog
from facetrack_ros.models.operating_points import operating_point
from facetrack_ros.msg import FaceSearchPart, FaceSearchRequest, FaceSearchResult, PersonEvent
from facetrack_ros.nodes.base.qos import RELIABLE
from facetrack_ros.nodes.conversion.search import match_from_message
from facetrack_ros.search.audit.records import match_id
from facetrack_ros.srv import FaceSearch, VerifyMatch

ROBOT2_OWN = catalog.DLIB_RESNET.id


@pytest.fixture
def two_embedders(processes, stage, tmp_path):
    """robot1 with MobileFaceNet, which sends face crops, and robot2 with dlib's embedder; their clips are over."""
    models = (
        Path(os.environ.get("FACETRACK_DATA") or Path(__file__).resolve().parents[3] / "shared" / "data") / "models"
    )
    if not models.is_dir():
        pytest.skip(f"no real models in {models}; set FACETRACK_DATA to the data folder")
    processes.environment["FACETRACK_MODELS"] = str(models)
    (tmp_path / "robot1.yaml").write_text("backtrack_search: {send_face_crop: true}")
    (tmp_path / "robot2.yaml").write_text(f"embedder: {{model: {ROBOT2_OWN}}}")
    data = tmp_path / "data"
    robots = [
        processes.robot(robot, data, config=tmp_path / f"{robot}.yaml", **{camera: stage.clips[robot, camera]})
        for robot, camera in (("robot1", "rear"), ("robot2", "front"))
    ]
    for robot in robots:
        robot.wait_until(lambda said: "is over, after 170 frames" in said, "the clip is over")
    processes.wait_until(
        lambda: all(
            "PERSON_OUT" in {event["event"] for event in read_events(data / robot)} for robot in ("robot1", "robot2")
        ),
        "all persons have left",
    )
    return data


def picture(path) -> CompressedImage:
    return CompressedImage(format="jpeg", data=Path(path).read_bytes())


def matched(folder):
    return [event for event in read_events(folder) if event.get("search_id")]


def searches(folder):
    return list(AuditLog(folder, folder.name).records([SEARCH]))


def test_a_search_from_its_parts_to_its_replay(processes, stage, two_embedders, tmp_path, monkeypatch):
    for name in ("ROS_DOMAIN_ID", "ROS_AUTOMATIC_DISCOVERY_RANGE"):
        monkeypatch.setenv(name, processes.environment[name])
    with FleetClient("robot1") as asker:
        parts, requests, results = [], [], []
        asker.on_parts(parts.append)
        for kind, name, heard in ((FaceSearchRequest, "request", requests), (FaceSearchResult, "result", results)):
            asker.node.create_subscription(kind, f"/facetrack/search/{name}", heard.append, RELIABLE)
        events = []
        asker.node.create_subscription(PersonEvent, "/robot2/events", events.append, RELIABLE)
        asker.wait_for(lambda roster: {"robot1", "robot2"} <= set(roster), 30.0)

        # robot2 has another embedder: it embeds the face crop of the request, and names its model.
        answer, _ = asker.search(
            FaceSearch.Request(
                image=picture(stage.references["Eileen Collins"]),
                search_id="mine",
                timeout=Duration(sec=20),
                operator_name="ada",
                reason="a lost child",
            ),
            20.0,
        )
        lines = {line.robot_id: line for line in answer.robots}
        assert answer.search_id == "mine"
        assert {line.status for line in answer.robots} == {"answered"}, answer
        assert (lines["robot1"].model_id, lines["robot2"].model_id) == ("", ROBOT2_OWN)
        assert lines["robot2"].threshold == pytest.approx(operating_point(catalog.DLIB_RESNET, "strict").threshold)
        assert {(match.robot_id, match.camera_id) for match in answer.matches} == {("robot2", "front")}
        assert all(match.similarity >= lines["robot2"].threshold - 1e-6 for match in answer.matches)

        # The robots searched, a part of each robot, and the end.
        processes.wait_until(lambda: parts and parts[-1].last, "the last part")
        assert {part.search_id for part in parts} == {"mine"}
        assert list(parts[0].missing) == ["robot1", "robot2"]
        assert not parts[0].robot
        assert sorted(line.robot_id for part in parts for line in part.robot) == ["robot1", "robot2"]
        assert not parts[-1].missing
        assert isinstance(parts[-1], FaceSearchPart)

        # Each match is one event on the topic of its robot, and every robot has recorded the search, in the audit log.
        processes.wait_until(lambda: len(events) == len(answer.matches), "the matches are published")
        assert {(event.search_id, event.robot_id) for event in events} == {("mine", "robot2")}
        assert [event for robot in ("robot1", "robot2") for event in matched(two_embedders / robot)] == []
        for robot in ("robot1", "robot2"):
            processes.wait_until(lambda robot=robot: searches(two_embedders / robot), "the search is logged")
            (line,) = (line for line in searches(two_embedders / robot) if line["search_id"] == "mine")
            assert (line["search_id"], line["asker"], line["reference"]) == ("mine", "robot1", "picture")
            assert (line["operator"], line["reason"]) == ("ada", "a lost child")
            assert verify_chain(AuditLog(two_embedders / robot, robot).chain).intact
        verdict = {"search_id": "mine", "match": match_id(match_from_message(answer.matches[0])), "confirmed": False}
        request = VerifyMatch.Request(**verdict, operator_name="grace", reason="another nose")
        judged = asker.call(VerifyMatch, "verify_match", request, 10.0, "robot2")
        assert (judged.state, judged.success) == ("rejected", True), judged.message

        # A rescan of the frames without a face is reported and adds no match.
        again, _ = asker.search(
            FaceSearch.Request(
                image=picture(stage.references["Grace Hopper"]),
                robots=["robot1"],
                rescan=True,
                timeout=Duration(sec=60),
            ),
            60.0,
        )
        (line,) = again.robots
        assert (line.status, line.not_rescanned) == ("answered", 0), line
        assert line.rescanned > 0
        assert {(match.robot_id, match.camera_id) for match in again.matches} == {("robot1", "rear")}

        # Recorded and replayed, the request is answered as before, and nothing is logged twice.
        recorded = next(request for request in requests if request.search_id.startswith("mine.q"))
        file = tmp_path / "search.mcap"
        with file.open("wb") as stream:
            writer = Writer(stream)
            writer.start()
            schema = writer.register_schema("facetrack_ros/msg/FaceSearchRequest", "ros2msg", b"")
            channel = writer.register_channel("/facetrack/search/request", "cdr", schema)
            writer.add_message(channel, 0, serialize_message(recorded), 0)
            writer.finish()
        with file.open("rb") as stream:
            ((_, _, message),) = make_reader(stream).iter_messages()
        publisher = asker.node.create_publisher(FaceSearchRequest, "/facetrack/search/request", RELIABLE)
        processes.wait_until(lambda: publisher.get_subscription_count() >= 3, "both robots subscribe")
        results.clear()
        publisher.publish(deserialize_message(message.data, FaceSearchRequest))
        processes.wait_until(
            lambda: (
                {each.robot.robot_id for each in results if each.search_id == recorded.search_id}
                == {"robot1", "robot2"}
            ),
            "both answer once more",
        )
        found = [match for result in results for match in result.matches]
        assert [match.track_id for match in found] == [match.track_id for match in answer.matches]
        after, _ = asker.search(
            FaceSearch.Request(person_id=again.matches[0].person_id, timeout=Duration(sec=20)), 20.0
        )
        assert after.search_id != "mine"
        assert {match.robot_id for match in after.matches} == {"robot1"}
        assert len([line for line in searches(two_embedders / "robot2") if line["search_id"] == "mine"]) == 1
        assert matched(two_embedders / "robot2") == []
