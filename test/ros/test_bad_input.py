"""Errors of the user: one sentence, no traceback; exit code 2 unless trying again may help."""

import cv2
import numpy as np
import pytest


def refused(done, *words):
    """One sentence on stderr, exit code 2."""
    assert done.returncode == 2, (done.returncode, done.stdout, done.stderr)
    lines = [line for line in done.stderr.splitlines() if line.startswith("facetrack")]
    assert len(lines) == 1, done.stderr
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in lines[0], lines[0]


@pytest.fixture
def no_video(tmp_path):
    file = tmp_path / "notes.mp4"
    file.write_text("this is no video\n" * 100)
    return file


def test_a_missing_camera_is_named_and_tried_again(processes, tmp_path):
    robot = processes.robot("robot1", tmp_path / "data", front=97)
    robot.wait_until(lambda said: "97" in said and "trying again" in said, "the camera is named")
    assert robot.interrupt() == 0
    assert "Traceback" not in robot.said()


def test_a_file_that_is_not_a_video(processes, tmp_path, no_video):
    refused(
        processes.run("run", "--robot", "robot1", "--camera", f"front={no_video}", "--data", tmp_path / "data"),
        "notes.mp4",
    )
    refused(
        processes.run("ingest", "--robot", "robot1", "--camera", f"front={no_video}", "--data", tmp_path / "data"),
        "notes.mp4",
    )


def test_names_that_ros_does_not_allow(processes, tmp_path, no_video):
    refused(processes.run("run", "--robot", "robot 1", "--camera", "front=0", "--data", tmp_path / "data"), "robot 1")
    refused(processes.run("run", "--robot", "robot1", "--camera", "front", "--data", tmp_path / "data"), "NAME=SOURCE")


def test_two_cameras_of_one_name(processes, tmp_path, no_video):
    two = ("--robot", "robot1", "--camera", "front=0", "--camera", f"front={no_video}")
    refused(processes.run("run", *two, "--data", tmp_path), "two cameras are called front")
    node = processes.node(
        "tracker", "-r", "__ns:=/robot1", "-p", "cameras:=[front, front]", "-p", f"data_dir:={tmp_path}"
    )
    processes.wait_until(lambda: node.popen.poll() is not None, "the node ends")
    assert node.popen.poll() == 2
    assert "two cameras are called front" in node.said()


def test_an_unknown_robot_and_an_empty_mesh(processes, stage):
    reference = stage.references["Grace Hopper"]
    refused(processes.run("search", "--robot", "robot9", "--image", reference), "robot9")
    refused(processes.run("search", "--image", reference), "no robot on the mesh")


def test_a_domain_that_does_not_exist(processes, stage):
    processes.environment["ROS_DOMAIN_ID"] = "5000"
    refused(processes.run("search", "--robot", "robot1", "--image", stage.references["Grace Hopper"]), "ROS_DOMAIN_ID")


def test_references_without_exactly_one_face(processes, stage, tmp_path):
    data = tmp_path / "data"
    robot = processes.robot("robot1", data, front=stage.clips["robot2", "front"])
    robot.wait_until(lambda said: "is up with front" in said, "the robot is up")
    empty = tmp_path / "empty.png"
    cv2.imwrite(str(empty), np.full((200, 200, 3), 200, np.uint8))
    both = tmp_path / "both.png"
    one = cv2.imread(str(stage.references["Grace Hopper"]))
    cv2.imwrite(str(both), np.hstack([one, one[:, ::-1]]))  # both as wide, so that neither is the one meant
    text = tmp_path / "text.png"
    text.write_text("no picture")
    refused(processes.run("search", "--robot", "robot1", "--image", empty), "no face")
    refused(processes.run("search", "--robot", "robot1", "--image", both), "2 faces")
    refused(processes.run("search", "--robot", "robot1", "--image", text), "no picture")
    refused(processes.run("search", "--robot", "robot1", "--image", tmp_path / "missing.jpg"), "missing.jpg")
    refused(processes.run("search", "--robot", "robot1", "--person", "p_robot9_1"), "p_robot9_1")
    assert robot.interrupt() == 0
