"""The demo as newcomers run it."""

import json
import subprocess

import av
import cv2


def test_the_demo_finds_the_staged_persons_and_leaves_results_but_no_process(processes, tmp_path):
    out = tmp_path / "out"
    del processes.environment["ROS_DOMAIN_ID"]
    for _ in range(3):
        done = processes.run("demo", "--out", out, timeout_s=240.0)
        if done.returncode != 3:  # 3: other work kept the robots from analysing frames
            break
    assert done.returncode == 0, done.stdout + done.stderr
    assert "All agrees" in done.stdout
    assert "DIFFERS" not in done.stdout
    assert {match["robot_id"] for match in json.loads((out / "answer.json").read_text())["matches"]} == {
        "robot1",
        "robot2",
    }
    partial = json.loads((out / "after_the_kill" / "answer.json").read_text())
    assert {robot["robot_id"]: robot["status"] for robot in partial["robots"]}["robot2"] in ("timed_out", "left")
    assert cv2.imread(str(out / "timeline.png")).shape[1] > 1000
    assert str(out / "index.html") in done.stdout
    assert (out / "index.html").read_text().count("<article") == len(
        json.loads((out / "answer.json").read_text())["matches"]
    )
    assert len(list(out.glob("data/*/events-*.jsonl"))) == 2
    with av.open(str(out / "robot1_front.mp4")) as clip:
        assert sum(1 for _ in clip.decode(video=0)) > 10
    left = subprocess.run(["pgrep", "-f", str(out)], capture_output=True, text=True).stdout.split()
    assert not left, "the demo ended and left processes behind"


def test_the_demo_keeps_folders_it_did_not_make(processes, tmp_path):
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "thesis.txt").write_text("years of work")
    done = processes.run("demo", "--out", precious)
    assert done.returncode == 2
    assert "--out" in done.stderr
    assert (precious / "thesis.txt").read_text() == "years of work"


def test_a_folder_without_videos_is_an_error(processes, tmp_path):
    (tmp_path / "clips").mkdir()
    done = processes.run("demo", "--out", tmp_path / "out", "--clips", tmp_path / "clips")
    assert done.returncode == 2
    assert "holds 0 videos" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_domain_with_running_robots_is_refused(processes, stage, tmp_path):
    robot = processes.robot("robot1", tmp_path / "data", front=stage.clips["robot2", "front"])
    robot.wait_until(lambda said: "is up with front" in said, "the robot is up")
    done = processes.run("demo", "--out", tmp_path / "out")
    assert done.returncode == 2
    assert "has robots already (robot1)" in done.stderr
