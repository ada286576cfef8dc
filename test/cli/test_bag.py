"""``facetrack bag`` makes of clips what a robot's cameras would have recorded."""

import cv2
import numpy as np
import pytest

from facetrack_ros.cli.main import main
from facetrack_ros.sources.bag import BagSource


def facetrack(*arguments) -> int:
    with pytest.raises(SystemExit) as end:
        main([str(argument) for argument in arguments])
    return end.value.code


@pytest.fixture
def clips(tmp_path):
    """A folder of pictures a camera, 25 a second."""
    for camera, count in (("front", 5), ("rear", 3)):
        (tmp_path / camera).mkdir()
        for number in range(count):
            cv2.imwrite(str(tmp_path / camera / f"{number:03d}.jpg"), np.full((48, 64, 3), 20 * number, np.uint8))
    return [part for camera in ("front", "rear") for part in ("--camera", f"{camera}={tmp_path / camera}")]


@pytest.mark.parametrize("storage", ["mcap", "sqlite3"])
def test_each_camera_is_a_topic_of_the_robot_with_the_clips_bytes_and_times(clips, tmp_path, storage, capsys):
    options = ("--start", "2026-05-01T12:00:00Z", "--storage", storage, "--out", tmp_path / "bag")
    assert facetrack("bag", "--robot", "robot1", *clips, *options) == 0
    assert "/robot1/front/image/compressed: 5 frames" in capsys.readouterr().out
    front = list(BagSource(tmp_path / "bag", "/robot1/front/image/compressed"))
    assert [one.jpeg for one in front] == [file.read_bytes() for file in sorted((tmp_path / "front").iterdir())]
    assert front[0].stamp_ns == 1_777_636_800_000_000_000
    assert front[1].offset_ns > 0
    assert len(list(BagSource(tmp_path / "bag", "/robot1/rear/image/compressed"))) == 3


def test_each_camera_begins_or_ends_when_told(clips, tmp_path, capsys):
    times = ("--start", "rear=2026-05-01T12:00:00Z", "--end", "front=2026-05-01T12:00:00Z")
    assert facetrack("bag", "--robot", "robot1", *clips, *times, "--out", tmp_path / "bag") == 0
    assert "its start is" not in capsys.readouterr().out
    stamps = {
        camera: [one.stamp_ns for one in BagSource(tmp_path / "bag", f"/robot1/{camera}/image/compressed")]
        for camera in ("front", "rear")
    }
    assert stamps["front"][-1] == stamps["rear"][0] == 1_777_636_800_000_000_000


def test_what_was_assumed_about_the_start_is_printed(clips, tmp_path, capsys):
    assert facetrack("bag", "--robot", "robot1", *clips, "--out", tmp_path / "bag") == 0
    assert "its start is the modification time of its first picture" in capsys.readouterr().out


@pytest.mark.parametrize(
    "times",
    [
        ("--start", "2026-05-01T12:00:00Z", "--end", "2026-05-01T13:00:00Z"),
        ("--start", "nose=2026-05-01T12:00:00Z"),
        ("--end", "2026-05-01", "--end", "2026-05-02"),
    ],
)
def test_times_that_contradict_each_other_are_refused(clips, tmp_path, times):
    assert facetrack("bag", "--robot", "robot1", *clips, *times, "--out", tmp_path / "bag") == 2


def test_a_bag_is_never_written_over(clips, tmp_path, capsys):
    (tmp_path / "bag").mkdir()
    assert facetrack("bag", "--robot", "robot1", *clips, "--out", tmp_path / "bag") == 2
    assert "is there already" in capsys.readouterr().err


def test_frames_that_could_not_be_used_are_told_by_reason_and_code(clips, tmp_path, capsys):
    (tmp_path / "front" / "002.jpg").write_bytes(b"no picture")
    assert facetrack("bag", "--robot", "robot1", *clips, "--out", tmp_path / "bag") == 5
    output = capsys.readouterr()
    assert "4 frames of" in output.out
    assert "not used, 1 frame: " in output.err
