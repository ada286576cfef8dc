"""Faces of persons from stored histories."""

import numpy as np

from facetrack_ros.history.people.merge_log import MergeLog
from facetrack_ros.history.robot_history import RobotHistory
from facetrack_ros.models.contract import ModelContract
from facetrack_ros.search.offline.persons import stored_faces, stored_merges
from facetrack_ros.search.offline.search import search_stored
from facetrack_ros.search.other_people import settle_people
from facetrack_ros.search.request import SearchRequest
from facetrack_ros.tracking.identity_merges import MergeDecision

CONTRACT = ModelContract("net", "embedding", "onnx", "net.onnx", "", 1, "MIT", dimension=4, threshold=0.5)
REFERENCE = np.array([1, 0, 0, 0], np.float32)
SECOND = 10**9


def visit(folder, robot, person, *vectors, start=0):
    history = RobotHistory(folder, robot, CONTRACT)
    for number, values in enumerate(vectors * 2):
        vector = np.array(values, np.float32)
        stamp = (start + 20 * number) * SECOND
        box, unit = np.arange(4), vector / np.linalg.norm(vector)
        history.sightings.add("front", stamp, number, f"t_{person}", person, box, box, 0.8, unit, lambda: b"")
    history.close()


def people(folder):
    merges = stored_merges(folder)
    response = search_stored(folder, SearchRequest("s1", REFERENCE, "net"), CONTRACT)
    response = settle_people(response, merges, stored_faces(folder, CONTRACT, merges))
    return [match.person_id for match in response.matches], [match.person_id for match in response.alike]


def test_stranger_on_another_robot_is_listed_apart_and_the_same_person_there_is_not(tmp_path):
    visit(tmp_path, "robot1", "p_robot1_1", (1, 0.5, 0, 0), (1, 0.4, 0, 0.2))
    visit(tmp_path, "robot2", "p_robot2_1", (0.6, -0.8, 0, 0), (0.6, -0.8, 0, 0.2))
    visit(tmp_path, "robot3", "p_robot3_1", (0.8, 0.6, 0, 0), (0.7, 0.7, 0, 0.1))
    assert people(tmp_path) == (["p_robot1_1", "p_robot3_1"], ["p_robot2_1"])


def test_faces_of_merged_ids_are_one_person(tmp_path):
    visit(tmp_path, "robot1", "p_robot1_1", (1, 0.5, 0, 0), (1, 0.4, 0, 0.2))
    visit(tmp_path, "robot2", "p_robot2_1", (0.6, -0.8, 0, 0), (0.6, -0.8, 0, 0.2))
    decision = MergeDecision("a_1", "p_robot1_1", "p_robot2_1", True, "anna", True, 1, 0, "seen by eye")
    MergeLog(tmp_path / "robot1").append([decision])
    assert people(tmp_path) == (["p_robot1_1", "p_robot1_1"], [])


def test_unknown_person_has_no_face(tmp_path):
    visit(tmp_path, "robot1", "p_robot1_1", (1, 0.5, 0, 0))
    face_of = stored_faces(tmp_path, CONTRACT, stored_merges(tmp_path))
    assert face_of("p_robot1_9") is None
    assert face_of("p_robot1_1").faces == 2
