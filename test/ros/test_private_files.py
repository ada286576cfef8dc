"""All that a robot and the command write is for its owner only, whatever the umask."""

import os
import stat
from datetime import datetime, timezone
from pathlib import Path

import pytest

from facetrack_ros import srv
from facetrack_ros.client.fleet_client import FleetClient
from facetrack_ros.nodes.conversion.time import to_ns, to_time

SECOND = 10**9


@pytest.fixture
def umask():
    """One that takes nothing away; what is private then is so under any other."""
    before = os.umask(0o000)
    yield
    os.umask(before)


def open_to_others(*folders):
    paths = [path for folder in folders for path in (folder, *folder.rglob("*"))]
    assert len(paths) > 10
    return [f"{path} {stat.filemode(path.lstat().st_mode)}" for path in paths if path.lstat().st_mode & 0o077]


def test_a_whole_run_writes_nothing_that_others_may_read(umask, processes, stage, tmp_path, monkeypatch):
    for name in ("ROS_DOMAIN_ID", "ROS_AUTOMATIC_DISCOVERY_RANGE"):
        monkeypatch.setenv(name, processes.environment[name])
    data, out, config = tmp_path / "data", tmp_path / "out", tmp_path / "robot.yaml"
    config.write_text("frame_history: {mode: continuous}")
    robot = processes.robot("robot1", data, config, rear=stage.clips["robot1", "rear"])
    grace = stage.references["Grace Hopper"]
    with FleetClient("robot1") as asker:
        robot.wait_until(lambda said: "is over, after 170 frames" in said, "the clip is over")
        assert processes.run("enroll", "--robot", "robot1", "Grace", grace).returncode == 0
        newest_ns = to_ns(asker.roster()["robot1"].cameras[0].newest)
        times = {"start": to_time(newest_ns - 5 * SECOND), "end": to_time(newest_ns)}
        request = srv.SaveClip.Request(**times, formats=["mcap", "jpg", "gif", "mp4"], name="clip")
        saved = asker.call(srv.SaveClip, "save_clip", request, 60.0)
        assert saved.success, saved.message
        searched = processes.run("search", "--robot", "robot1", "--image", grace, "--out", out / "answer")
        assert "timeline" in searched.stdout, searched.stderr
    # The shared memory of Fast DDS would be readable by every user.
    assert "/dev/shm/fastrtps" not in Path(f"/proc/{robot.popen.pid}/maps").read_text()
    assert not open_to_others(data)  # while it runs: lock files, SQLite's log and its index, the open segment
    assert robot.interrupt() == 0, robot.said()
    at = datetime.fromtimestamp(newest_ns / 1e9 - 3, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    clip = processes.run(
        "clip", "--data", data, "--robot", "robot1", "--at", at, "--format", "jpg", "--out", out / "clip"
    )
    assert clip.returncode == 0, clip.stderr
    evidence = ("--frames", "--clips", "--out", out / "stored")
    again = processes.run("search", "--data", data, "--image", grace, *evidence)
    assert "timeline" in again.stdout, again.stderr
    assert not open_to_others(data, out, tmp_path / "ros_log")
