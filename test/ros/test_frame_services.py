"""Services on frames: returned, saved as clips, kept on an alert."""

import base64
import shutil
import threading
from functools import partial

import numpy as np
import pytest
import yaml

from facetrack_ros import srv
from facetrack_ros.client.fleet_client import FleetClient
from facetrack_ros.client.fleet_requester import FleetRequester
from facetrack_ros.client.remote_frames import remote_frames
from facetrack_ros.history.frames.archive import FrameArchive
from facetrack_ros.nodes.base.qos import RELIABLE
from facetrack_ros.nodes.conversion.time import to_duration, to_ns, to_time
from facetrack_ros.search.response import Match

SECOND = 1_000_000_000


@pytest.fixture
def asker(processes, monkeypatch):
    for name in ("ROS_DOMAIN_ID", "ROS_AUTOMATIC_DISCOVERY_RANGE"):
        monkeypatch.setenv(name, processes.environment[name])
    with FleetClient() as opened:
        yield opened


def call(asker, kind, name, request):
    client = asker.node.create_client(kind, name)
    assert client.wait_for_service(30.0), f"no service {name}"
    answered = threading.Event()
    future = client.call_async(request)
    future.add_done_callback(lambda _: answered.set())
    assert answered.wait(60.0), f"{name} did not answer"
    return future.result()


def robot_in_mode(processes, stage, tmp_path, mode):
    config = tmp_path / "config.yaml"
    frames = {"mode": mode, "pre_roll_s": 1.0, "post_roll_s": 1.0, "save_on_alert": True}
    settings = {"frame_history": frames, "clips": {"max_count": 2}, "face_tracking": {"enabled": False}}
    config.write_text(yaml.safe_dump(settings))
    return processes.robot("robot1", tmp_path / "data", config, rear=stage.clips["robot1", "rear"])


def test_frames_are_returned_within_limits_and_clips_saved_while_the_robot_runs(processes, stage, tmp_path, asker):
    robot = robot_in_mode(processes, stage, tmp_path, "continuous")
    robot.wait_until(lambda said: "is over, after 170 frames" in said, "the clip is over")

    status = asker.roster()["robot1"]
    start, end = (to_ns(stamp) for stamp in (status.cameras[0].oldest, status.cameras[0].newest))
    request = srv.GetFrames.Request(camera_id="rear", start=to_time(start), end=to_time(end))
    get_frames = partial(call, asker, srv.GetFrames, "/robot1/get_frames")
    save_clip = partial(call, asker, srv.SaveClip, "/robot1/save_clip")
    every = get_frames(request)
    assert every.success, every.message
    assert len(every.frames) > 20
    stamps = [to_ns(frame.header.stamp) for frame in every.frames]
    assert stamps == sorted(stamps)
    assert stamps[0] == start
    assert bytes(every.frames[0].data[:2]) == b"\xff\xd8"

    request.max_frames = 3
    few = get_frames(request)
    assert len(few.frames) == 3
    assert few.more
    request.max_frames, request.max_bytes = 0, 2 * len(every.frames[0].data)
    few = get_frames(request)
    assert 1 <= len(few.frames) <= 2
    assert few.more
    nearest = get_frames(srv.GetFrames.Request(camera_id="rear", start=to_time(stamps[5] + 1000)))
    assert [to_ns(frame.header.stamp) for frame in nearest.frames] == [stamps[5]]
    # The same by requests to the fleet.
    requester = FleetRequester(asker)
    ask = partial(requester.ask, robots=("robot1",), timeout_s=20.0)
    (line,) = ask("frames", {"camera_id": "rear", "start_ns": start, "end_ns": end}).lines
    assert [each["stamp_ns"] for each in line.values["frames"]] == stamps
    pictures = [base64.b64decode(each["data"]) for each in line.values["frames"]]
    assert pictures == [bytes(frame.data) for frame in every.frames]
    match = Match("robot1", "rear", "p", "t", 0, start, start, end, np.zeros(4), np.zeros(4), 0.9, 0.9)
    assert [frame.jpeg for frame in remote_frames(asker)(match, start, end)] == pictures
    for wrong in ({"camera_id": "front"}, {"camera_id": 5}, {"camera_id": "rear", "start_ns": -1}, {}):
        (line,) = ask("frames", wrong).lines
        assert line.state == "refused"
    (line,) = ask("clip", {"start_ns": stamps[5], "end_ns": stamps[14], "formats": ["jpg"], "name": "a"}).lines
    assert (line.state, line.values["frames"]) == ("done", 10)
    (line,) = ask("clip", {"start_ns": start, "end_ns": end, "name": "../x"}).lines
    assert line.state == "refused"
    (line,) = requester.ask("frames", {"camera_id": "rear"}, 1.0, robots=("robot9",)).lines
    assert line.state == "missing"
    shutil.rmtree(tmp_path / "data" / "robot1" / "clips")

    nothing = get_frames(srv.GetFrames.Request(camera_id="front", start=to_time(start)))
    assert not nothing.success
    assert "rear" in nothing.message

    first, last = to_time(stamps[5]), to_time(stamps[14])
    formats = ["mcap", "mp4"]
    saved = save_clip(srv.SaveClip.Request(start=first, end=last, after=to_duration(0), formats=formats, name="clip"))
    assert saved.success, saved.message
    assert saved.frames == 10
    assert saved.folder == str(tmp_path / "data" / "robot1" / "clips" / "clip")
    assert set(saved.files) == {"clip.mcap", "rear.mp4", "manifest.json"}
    messages = [save_clip(srv.SaveClip.Request(start=first, end=last, name=name)).message for name in ("b", "c")]
    assert messages[0] == ""
    assert "1 older clips were deleted" in messages[1]
    assert sorted(path.name for path in (tmp_path / "data" / "robot1" / "clips").iterdir()) == ["b", "c"]
    for wrong in (
        srv.SaveClip.Request(),
        srv.SaveClip.Request(end=to_time(end), name="../x"),
        srv.SaveClip.Request(end=to_time(end), formats=["avi"]),
        srv.SaveClip.Request(track_id="t9"),
    ):
        refused = save_clip(wrong)
        assert not refused.success
        assert refused.message
    assert robot.interrupt() == 0, robot.said()
    assert "Traceback" not in robot.said()


def test_an_alert_message_keeps_the_frames_around_it(processes, stage, tmp_path, asker):
    from std_msgs.msg import String

    robot = robot_in_mode(processes, stage, tmp_path, "alert")
    publisher = asker.node.create_publisher(String, "/robot1/alert", RELIABLE)
    processes.wait_until(
        lambda: (
            publisher.get_subscription_count()
            and asker.roster().get("robot1") is not None
            and asker.roster()["robot1"].cameras
        ),
        "the robot has frames",
    )
    publisher.publish(String(data="door forced"))
    robot.wait_until(lambda said: 'alert "door forced": the frames around it are kept' in said, "the alert came")
    robot.wait_until(lambda said: "is over, after 170 frames" in said, "the clip is over")
    assert robot.interrupt() == 0, robot.said()
    kept = FrameArchive.open_readonly(tmp_path / "data" / "robot1" / "frames", "robot1").stats()
    assert 5 <= kept.frames < 40
    assert kept.newest_ns - kept.oldest_ns <= 2 * SECOND
