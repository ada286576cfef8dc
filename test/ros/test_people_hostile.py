"""What a stranger tells of people can be undone, and keeps no robot from starting."""

import json

import numpy as np

from facetrack_ros.client.people_client import PeopleClient
from facetrack_ros.history.people.gallery_store import GalleryStore
from facetrack_ros.history.people.merge_log import MergeLog
from facetrack_ros.msg import GalleryEntry, PersonTemplate, PersonVerdict
from facetrack_ros.nodes.base.qos import PEOPLE_RECORDS

MODEL = "dlib_resnet_v1"


def unit(size, row=0):
    return np.eye(1, size, row, dtype=np.float32)[0].tolist()


def entry(number, **fields):
    given = {"entry_id": f"g_eve_{number}", "name": "Eve", "model_id": MODEL, "embedding": unit(128), "quality": 0.9}
    return GalleryEntry(**(given | fields), by="eve")


def verdict(record_id, version, first="p_robot1_1", second="p_robot1_2", same=True):
    return PersonVerdict(
        record_id=record_id, first=first, second=second, same=same, by="eve", operator_decided=True, version=version
    )


def template(number, **fields):
    given = {"robot_id": "eve", "instance_id": "i1", "person_id": f"p_eve_{number}", "model_id": MODEL}
    given |= {"dimension": 128, "embeddings": unit(128), "qualities": [1.0]}
    return PersonTemplate(**(given | fields))


def test_a_stranger_can_neither_keep_a_robot_from_starting_nor_make_anything_permanent(
    processes, stage, tmp_path, monkeypatch
):
    for name in ("ROS_DOMAIN_ID", "ROS_AUTOMATIC_DISCOVERY_RANGE"):
        monkeypatch.setenv(name, processes.environment[name])
    data = tmp_path / "data"
    robot = processes.robot("robot1", data, rear=stage.clips["robot1", "rear"])
    robot.wait_until(lambda said: "is over, after 170 frames" in said, "the clip is over")
    with PeopleClient() as client:
        node = client.fleet.node
        publishers = {
            kind: node.create_publisher(kind, f"/facetrack/{topic}", PEOPLE_RECORDS)
            for kind, topic in ((GalleryEntry, "gallery"), (PersonVerdict, "verdicts"), (PersonTemplate, "persons"))
        }
        processes.wait_until(
            lambda: all(each.get_subscription_count() for each in publishers.values()), "the robot subscribes"
        )
        messages = [
            entry(1, embedding=unit(7)),
            entry(2, embedding=[float("nan")] * 128),
            entry(3, embedding=[1.0] * 128),
            entry(4, name="x" * 65),
            entry(5, name="\x1b[2J"),
            entry(6, quality=float("inf")),
            entry("x" * 300),
            template(1, robot_id="robot9"),
            template(2, embeddings=unit(128) * 500, qualities=[1.0] * 500),
            template(3, person_id="p_robot1_1"),
            verdict("a_eve_1", 2**32 - 1),
            verdict("a_eve_2", 2**32 - 1, second="p_robot1_9"),
            verdict("a\n", 1),
            entry("far", model_id="model_of_a_mixed_fleet", embedding=unit(7)),
        ]
        for message in messages:
            publishers[type(message)].publish(message)
        stored = data / "robot1" / "gallery"
        processes.wait_until(lambda: (stored / "g_eve_far.json").exists(), "the entry of another model is kept")
        processes.wait_until(lambda: len(MergeLog(data / "robot1").read().decisions) == 2, "decisions are stored")
        assert [each.entry_id for each in GalleryStore(data / "robot1").read()] == ["g_eve_far"]
        assert {each.version for each in MergeLog(data / "robot1").read().decisions} == {1}
        # Both people are one by the stranger's word; it can be undone, and success is said because it took effect.
        done = processes.run("persons", "split", "p_robot1_2")
        assert done.returncode == 0, done.stderr
        assert "apart from p_robot1_1" in done.stdout
        merges = MergeLog(data / "robot1").read()
        assert merges.canonical("p_robot1_2") == "p_robot1_2"
        for number in range(300):
            publishers[PersonVerdict].publish(verdict(f"a_{number}", 1, first="p_z", second="p_a"))
    assert "Traceback" not in robot.said()
    # A robot of an earlier version stored it: the file is set aside, and the rest is there.
    bad = {"entry_id": "g_eve_1", "name": "Eve", "model_id": MODEL, "embedding": unit(7), "quality": 0.9}
    (stored / "g_eve_1.json").write_text(json.dumps(bad))
    assert robot.interrupt() == 0, robot.said()
    again = processes.robot("robot1", data, rear=stage.clips["robot1", "rear"])
    again.wait_until(lambda said: "robot1 is up" in said, "it starts again")
    assert "g_eve_1.json.damaged-1" in again.said()
    done = processes.run("persons", "list", "--json")
    assert done.returncode == 3
    assert "g_eve_1.json.damaged-1" in done.stderr
