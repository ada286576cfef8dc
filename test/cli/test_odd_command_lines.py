"""Odd values of every option of every offline command: a sentence and an exit code, never a traceback."""

import argparse
import importlib
import resource
import shutil
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from facetrack_ros.cli.main import main
from facetrack_ros.core.event import PERSON_IN, PersonEvent
from facetrack_ros.core.face import Face
from facetrack_ros.core.frame import Frame, encode_jpeg
from facetrack_ros.core.track import Track, TrackState
from facetrack_ros.history.robot_history import RobotHistory
from facetrack_ros.models.contract import ModelContract

CONTRACT = ModelContract("net", "embedding", "onnx", "net.onnx", "", 1, "MIT", dimension=4, threshold=0.5)
SECOND_NS = 1_000_000_000
START_NS = 1_777_636_800 * SECOND_NS
EXIT_CODES = {0, 1, 2, 3, 5}
ODD = (
    *(
        "",
        " ",
        "-1",
        "0",
        "nan",
        "inf",
        "-inf",
        "1e400",
        "0x10",
        "9" * 20,
        "a" * 300,
        "\x1b[31mred\n",
        "\u0301\u00df/x",
    ),
    *("..", "/dev/null", "/dev/zero", "/nonexistent/file", "\udcff", "0001-01-01T00:00:00", "9999-12-31T23:59:59"),
    *("1969-12-31T23:59:59+14:00", "FILE", "YAML", "front=", "=x", "front=/dev/zero", "bag::", "rtsp://", "{}", "%s%n"),
)
#: Each command with the arguments that it needs; DATA is a history, OUT a folder that does not exist.
BASES = {
    "search": "--person p_robot1_1 --data DATA",
    "events": "--data DATA",
    "status": "--data DATA",
    "clip": "--data DATA --person p_robot1_1 --out OUT",
    "prune": "--data DATA --robot robot1",
    "ingest": "--robot robot2 --camera front=/nonexistent.mp4 --data OUT",
    "bag": "--robot robot2 --camera front=/nonexistent.mp4 --out OUT",
    "persons list": "--data DATA",
    "persons merge": "--data DATA p_robot1_1 p_robot1_2",
    "persons split": "--data DATA p_robot1_1",
    "enroll": "--list --data DATA",
    "reindex": "--data DATA",
}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A history of one robot with two persons, as files of the working directory."""
    folder = tmp_path_factory.mktemp("odd")
    history = RobotHistory(folder / "DATA", "robot1", CONTRACT)
    box, image = np.array([20, 10, 60, 90], np.float32), np.zeros((100, 100, 3), np.uint8)
    for number in (1, 2):
        stamp = START_NS + number * SECOND_NS
        embedding = np.eye(4, dtype=np.float32)[number]
        face = Face(box, np.zeros((5, 2), np.float32), 0.9, 0.9, embedding=embedding)
        track = Track(f"t_{number}", f"p_robot1_{number}", TrackState.TRACKING, box, 0.9, face)
        history.add_frame(Frame("front", stamp, number, encode_jpeg(image)))
        history.add_tracks("front", stamp, number, (track,))
        history.add_event(
            PersonEvent(PERSON_IN, stamp, "robot1", "front", track.person_id, number, bbox=(1, 2, 3, 4), confidence=0.9)
        )
    history.close()
    (folder / "FILE").write_text("text")
    (folder / "YAML").write_text("detector: &a\n  model: [*a]\n")
    return folder


def options(command: str) -> Iterator[str]:
    """The options of a command that take a value."""
    name, _, action = command.partition(" ")
    parser = argparse.ArgumentParser()
    importlib.import_module(f"facetrack_ros.cli.{name}").add_arguments(parser)
    if action:
        (actions,) = (each for each in parser._actions if isinstance(each, argparse._SubParsersAction))
        parser = actions.choices[action]
    for each in parser._actions:
        if each.option_strings and each.nargs is None and each.dest not in ("help", "mesh"):
            yield each.option_strings[-1]


def command_lines(command: str) -> Iterator[list[str]]:
    """The command with each odd value of each option; the last value of an option counts."""
    for option in options(command):
        for value in ODD:
            yield [*command.split(), *BASES[command].split(), f"{option}={value}"]


def is_plain(text: str) -> bool:
    """Whether a terminal shows a text as it is."""
    return not any(unicodedata.category(letter) in ("Cc", "Cs") for letter in text if letter not in "\n\r")


@pytest.mark.parametrize("command", BASES)
def test_an_odd_value_is_answered_with_a_sentence_and_an_exit_code(command, data, capsys, monkeypatch, request):
    monkeypatch.chdir(data)
    limit = resource.getrlimit(resource.RLIMIT_AS)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + 4_000_000_000, limit[1]))
    request.addfinalizer(lambda: resource.setrlimit(resource.RLIMIT_AS, limit))
    faults, lines = [], list(command_lines(command))
    for line in lines:
        with pytest.raises(SystemExit) as exited:
            main(line)
        printed = capsys.readouterr()
        if exited.value.code not in EXIT_CODES or not is_plain(printed.out + printed.err):
            faults.append(f"{line}: {exited.value.code} {printed.err!r}")
        shutil.rmtree("OUT", ignore_errors=True)
    assert not faults, "\n".join(faults)
    assert len(lines) >= len(ODD)
    assert Path("DATA/robot1").is_dir()
