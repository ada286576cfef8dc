"""facetrack doctor on a mesh."""

import json


def test_discovery_works_and_a_name_that_is_taken_is_an_error(processes, stage, tmp_path):
    def findings(*arguments):
        done = processes.run("doctor", "--json", "--data", tmp_path / "data", *arguments)
        return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr

    code, found, said = findings()
    assert code == 0, (found, said)
    assert {"discovery": "ok", "ROS 2": "ok"}.items() <= {each["subject"]: each["level"] for each in found}.items()
    assert [each["sentence"] for each in found if each["subject"] == "mesh"] == ["no robot on /facetrack"]

    robot = processes.robot("robot1", tmp_path / "data", front=stage.clips["robot1", "rear"])
    robot.wait_until(lambda said: "is up with front" in said, "the robot is up")
    code, found, said = findings("--robot", "robot2")
    assert code == 0, (found, said)
    assert any(each["sentence"].startswith("robot1 is heard") for each in found)
    code, found, said = findings("--robot", "robot1")
    assert code == 1, (found, said)
    assert [each["advice"] for each in found if each["level"] == "error"] == [
        "give each robot its own name: --robot, or robot_id"
    ]
