"""Malformed messages of other processes are refused with a reason."""

from math import inf, nan

from type_description_interfaces.srv import GetTypeDescription

from facetrack_ros.client.fleet_client import FleetClient
from facetrack_ros.msg import (
    FaceSearchRequest,
    FaceSearchResult,
    GalleryEntry,
    PersonTemplate,
    PersonVerdict,
    Track,
    Tracks,
)
from facetrack_ros.nodes.base.qos import PEOPLE_RECORDS, PERSON_TEMPLATES, RELIABLE

TOPICS = {
    PersonTemplate: ("/facetrack/persons", PERSON_TEMPLATES),
    PersonVerdict: ("/facetrack/verdicts", PEOPLE_RECORDS),
    GalleryEntry: ("/facetrack/gallery", PEOPLE_RECORDS),
    FaceSearchRequest: ("/facetrack/search/request", RELIABLE),
    FaceSearchResult: ("/facetrack/search/result", RELIABLE),
    Tracks: ("/robot1/rear/tracks", RELIABLE),
}


def test_a_robot_still_answers_after_malformed_messages(processes, stage, tmp_path, monkeypatch):
    robot = processes.robot("robot1", tmp_path / "data", rear=stage.clips["robot1", "rear"])
    robot.wait_until(lambda said: "is over, after 170 frames" in said, "the clip is over")
    for name in ("ROS_DOMAIN_ID", "ROS_AUTOMATIC_DISCOVERY_RANGE"):
        monkeypatch.setenv(name, processes.environment[name])
    with FleetClient() as asker:
        malformed = (
            PersonTemplate(robot_id="robot9", person_id="p_robot9_1", model_id="m", dimension=0, embeddings=[1.0]),
            PersonTemplate(
                robot_id="robot9", model_id="dlib_resnet_v1", dimension=2, embeddings=[3.0, inf], qualities=[0.5]
            ),
            PersonVerdict(record_id="a_1", first="p_z", second="p_a", same=True, by="robot9"),
            PersonVerdict(record_id="../x", first="", second="", similarity=nan, by="robot9"),
            GalleryEntry(entry_id="../../outside", name="Eve", model_id="m", embedding=[1.0], by="robot9"),
            GalleryEntry(entry_id="../../outside", deleted=True),
            FaceSearchRequest(search_id="", model_id="unknown", embedding=[nan]),
            FaceSearchResult(search_id="unknown"),
            Tracks(camera_id="rear", tracks=[Track(state=99)]),
        )
        for message in malformed:
            topic, qos = TOPICS[type(message)]
            publisher = asker.node.create_publisher(type(message), topic, qos)
            # A composed robot subscribes to no tracks, and to results only during a search.
            if topic not in ("/robot1/rear/tracks", "/facetrack/search/result"):
                processes.wait_until(lambda publisher=publisher: publisher.get_subscription_count() > 0, topic)
            publisher.publish(message)
        clear = "\x1b[2J\x1b[31mred"
        for hash_ in (clear, "RIHS01_" + 64 * "0"):
            request = GetTypeDescription.Request(type_name="std_msgs/msg/String", type_hash=hash_)
            told = asker.call(GetTypeDescription, "history/get_type_description", request, 10.0, "robot1")
            assert not told.successful
        assert clear not in robot.said()
        processes.wait_until(lambda: "p_robot9_1" in robot.said(), "the odd template is refused with a reason")
        processes.wait_until(lambda: "no pair of ids" in robot.said(), "the odd verdict is refused with a reason")
        processes.wait_until(lambda: "../../outside" in robot.said(), "the odd entry is refused with a reason")
    assert not (tmp_path / "data/robot1/gallery").exists()
    assert not (tmp_path / "data/robot1/aliases.jsonl").exists()
    code, answer = processes.search("--robot", "robot1", "--image", stage.references["Grace Hopper"])
    assert code == 0, answer
    assert {line["status"] for line in answer["robots"]} == {"answered"}
