"""`facetrack ingest` ends with 0 only if every frame was used; what was not used is told, and tried again."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest
import yaml

from facetrack_ros.history.events.format import read_events

FACETRACK = Path(sys.executable).parent / "facetrack"
KINDS = ("PERSON_IN", "PERSON_OUT")


@pytest.fixture
def ingest(real_data, tmp_path):
    """Run the command on the source of one camera; returns its exit code and its lines."""
    environment = {**os.environ, "FACETRACK_MODELS": str(real_data("models")), "FACETRACK_DOWNLOAD": "0"}

    def run(source: str) -> tuple[int, list[str]]:
        arguments = ["ingest", "--robot", "r", "--camera", f"front={source}", "--data", str(tmp_path / "data")]
        done = subprocess.run(
            [str(FACETRACK), *arguments], capture_output=True, text=True, env=environment, cwd=tmp_path, timeout=300
        )
        assert "Traceback" not in done.stderr, done.stderr
        return done.returncode, done.stdout.splitlines()

    return run


def test_a_bag_without_a_usable_frame_is_no_success(ingest, real_data):
    code, lines = ingest(f"bag:{real_data('cases/bags/compressed_depth')}")
    assert code == 5
    assert "no frame of" in lines[0]
    assert "4 frames: depth images (16UC1; compressedDepth png)" in lines[1]
    assert "1970" not in "".join(lines)


def test_a_bag_that_is_used_whole_is_a_success_and_is_not_taken_in_twice(ingest, real_data):
    source = f"bag:{real_data('cases/bags/wal_left')}"
    code, lines = ingest(source)
    assert code == 0
    assert "r/front: 8 frames of" in lines[0]
    code, lines = ingest(source)
    assert code == 0
    assert lines == [f"r/front: {source} is already in this history"]


def test_what_was_missing_is_taken_in_when_it_is_back(ingest, real_data, tmp_path):
    bag = tmp_path / "bag"
    shutil.copytree(real_data("cases/bags/one_split_deleted"), bag, copy_function=shutil.copyfile)
    code, lines = ingest(f"bag:{bag}")
    assert code == 5
    assert "8 frames of" in lines[0]
    assert any("gone_1.mcap is missing" in line for line in lines)
    code, lines = ingest(f"bag:{bag}")
    assert code == 5
    assert "0 frames of" in lines[0]
    assert "8 more are already in this history" in lines[0]
    # The missing part: the same camera, later.
    write_part(bag / "gone_1.mcap", real_data("cases/bags/no_metadata/no_metadata.mcap"))
    code, lines = ingest(f"bag:{bag}")
    assert code == 0, lines
    assert "4 frames of" in lines[0]
    assert "8 more are already in this history" in lines[0]
    assert ingest(f"bag:{bag}") == (0, [f"r/front: bag:{bag} is already in this history"])


def write_part(path: Path, source: Path) -> None:
    """A part of 4 pictures, a minute after those of a bag."""
    from facetrack_ros.core.frame import Frame
    from facetrack_ros.sources.bag import BagSource
    from facetrack_ros.sources.bag_writer import BagWriter

    folder = path.parent.parent / "part"
    with BagWriter(folder) as writer:
        for number, picture in enumerate(list(BagSource(source))[:4]):
            stamp_ns = picture.stamp_ns + 60 * 10**9
            writer.write("/cam/image/compressed", Frame("front", stamp_ns, number, picture.to_jpeg()))
    (folder / "part.mcap").rename(path)
    about = yaml.safe_load((path.parent / "metadata.yaml").read_text())
    about["rosbag2_bagfile_information"]["topics_with_message_count"][0]["message_count"] = 12
    (path.parent / "metadata.yaml").write_text(yaml.safe_dump(about))


@pytest.mark.parametrize(("ended_by", "code"), [(signal.SIGINT, 130), (signal.SIGKILL, -signal.SIGKILL)])
def test_an_ingest_that_was_ended_is_continued(real_data, tmp_path, ended_by, code):
    environment = {**os.environ, "FACETRACK_MODELS": str(real_data("models")), "FACETRACK_DOWNLOAD": "0"}
    films = [real_data(f"cases/films/{name}.mkv") for name in ("ten_people_upright", "ten_people_upside_down")]
    config = tmp_path / "config.yaml"
    config.write_text("models: {workers: 1}\n")
    arguments = [
        "--robot",
        "r",
        *("--camera", f"front={films[0]}", "--camera", f"rear={films[1]}"),
        "--data",
        str(tmp_path / "data"),
        "--config",
        str(config),
    ]
    command = [str(FACETRACK), "ingest", *arguments]
    # A test that runs in the background may have inherited that SIGINT is ignored.
    heed_interrupts = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    running = subprocess.Popen(command, env=environment, preexec_fn=heed_interrupts, **pipes)
    deadline = time.monotonic() + 120
    while len(list(read_events(tmp_path / "data" / "r"))) < 6:
        assert time.monotonic() < deadline, "no events"
        assert running.poll() is None, running.stderr.read()
        time.sleep(0.05)
    running.send_signal(ended_by)
    running.communicate(timeout=60)
    assert running.returncode == code
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    cameras = re.findall(r"(\d+) frames of .*, (\d+) more are already in this history", done.stdout)
    assert [int(new) + int(known) for new, known in cameras] == [200] * 2
    assert all(0 < int(known) < 200 for _, known in cameras)
    events = list(read_events(tmp_path / "data" / "r"))
    ended = {kind: sorted(event["person_id"] for event in events if event["event"] == kind) for kind in KINDS}
    assert ended["PERSON_IN"] == ended["PERSON_OUT"]
