"""Odd times, empty paths, closed and full outputs, odd environments: a sentence and an exit code, no traceback."""

import os
import subprocess
import sys

import numpy as np
import pytest

from facetrack_ros.cli.exit_codes import DONE, OUTPUT_CLOSED, WRONG_USE
from facetrack_ros.cli.main import main
from facetrack_ros.core.event import PERSON_IN, PersonEvent
from facetrack_ros.core.frame import Frame, encode_jpeg
from facetrack_ros.history.robot_history import RobotHistory
from facetrack_ros.models.contract import ModelContract
from facetrack_ros.sources.start_time import default_start
from facetrack_ros.sources.video_file import VideoFileSource

CONTRACT = ModelContract("net", "embedding", "onnx", "net.onnx", "", 1, "MIT", dimension=4, threshold=0.5)
COMMAND = f"{sys.executable} -c 'from facetrack_ros.cli.main import main; main()'"
START_NS = 1_777_636_800_000_000_000


@pytest.fixture
def data(tmp_path):
    """A history of one robot with more events than a pipe holds."""
    with_events = RobotHistory(tmp_path / "data", "robot1", CONTRACT)
    with_events.add_frame(Frame("front", START_NS, 1, encode_jpeg(np.zeros((8, 8, 3), np.uint8))))
    for number in range(1000):
        stamp_ns = START_NS + number * 10**9
        with_events.add_event(PersonEvent(PERSON_IN, stamp_ns, "robot1", "front", f"p_robot1_{number}", number))
    with_events.close()
    return tmp_path / "data"


@pytest.mark.parametrize(
    ("redirection", "codes"),
    [
        (">&-", {DONE}),
        ("2>&-", {DONE}),
        (">&- 2>&- <&-", {DONE}),
        (">/dev/full", {WRONG_USE}),
        ("2>/dev/full", {DONE}),
        ("| head -1; exit ${PIPESTATUS[0]}", {OUTPUT_CLOSED}),
    ],
)
def test_outputs_that_are_closed_or_full(data, redirection, codes):
    done = subprocess.run(
        ["bash", "-c", f"{COMMAND} events --data {data} {redirection}"], capture_output=True, text=True, timeout=60
    )
    assert done.returncode in codes, done.stderr
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    assert codes == {DONE} or codes == {OUTPUT_CLOSED} or "No space left on device" in done.stderr


@pytest.mark.parametrize(
    "change",
    [
        {"HOME": None},
        {"HOME": "/nonexistent"},
        {"TZ": "Nowhere/Land"},
        {"TZ": ":/dev/zero"},
        {"LC_ALL": "C"},
        {"LANG": "xx"},
    ],
)
def test_odd_environments(data, change):
    environment = {name: value for name, value in {**os.environ, **change}.items() if value is not None}
    done = subprocess.run(
        ["bash", "-c", f"{COMMAND} status --data {data}"], capture_output=True, text=True, timeout=60, env=environment
    )
    assert done.returncode == DONE, done.stderr


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
@pytest.mark.parametrize("command", ["search --person p_robot1_1", "clip --out OUT"])
def test_times_that_no_recording_has(data, at, command, capsys):
    with pytest.raises(SystemExit) as exited:
        main([*command.split(), "--data", str(data), "--at", at, "--window", "5"])
    assert exited.value.code == WRONG_USE
    assert "from 1970 to 2199" in capsys.readouterr().err


@pytest.mark.parametrize(
    "line",
    [
        *("search --person p --data=", "events --data=", "status --data=", "prune --robot robot1 --data="),
        *("ingest --robot robot1 --camera front=a.mp4 --data=", "bag --robot robot1 --camera front=a.mp4 --out="),
        *("search --person p --data DATA --out=", "search --person p --data DATA --config="),
    ],
)
def test_an_empty_path_is_not_the_same_as_none(line, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as exited:
        main(line.split())
    assert exited.value.code == WRONG_USE
    assert "is empty: name a file or folder" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_metadata_of_a_film_that_is_not_utf8(tmp_path):
    import av

    with av.open(str(tmp_path / "film.mkv"), "w") as container:
        container.metadata["title"] = "TITLE OF TEXT"
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(5):
            image = np.full((48, 64, 3), 40 * number, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="bgr24")))
        container.mux(stream.encode(None))
    data = (
        (tmp_path / "film.mkv")
        .read_bytes()
        .replace(b"TITLE OF TEXT", b"\xff\xfe\xfd\xfc\xfb\xfa\xc3\x28\xe2\x82\x28\xf0\x80")
    )
    (tmp_path / "film.mkv").write_bytes(data)
    assert len(list(VideoFileSource(tmp_path / "film.mkv"))) == 5
    assert default_start(tmp_path / "film.mkv")
