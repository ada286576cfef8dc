"""Lines of facetrack run: who comes and goes, and the state."""

import fcntl
import math
import os
import pty
import struct
import sys
import termios
import time
from types import SimpleNamespace

import numpy as np
import pytest

from facetrack_ros.cli.console.robot_console import LINE_S, RobotConsole
from facetrack_ros.core.event import FACE_MATCHED, PERSON_IN, PERSON_OUT, PersonEvent
from facetrack_ros.core.face import Face
from facetrack_ros.core.frame import Frame
from facetrack_ros.core.track import Track, TrackState

START_NS = 1_790_000_000_000_000_000
BOX = np.array([0, 0, 20, 20], np.float32)
FACE = Face(BOX, np.zeros((5, 2), np.float32), 0.9, 0.8, embedding=np.array([1, 0], np.float32))


@pytest.fixture
def utc(monkeypatch):
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def event(kind, person, seconds, **more):
    return PersonEvent(kind, START_NS + seconds * 10**9, "robot1", "front", person, 1, **more)


def console(clock=lambda: 0.0, known=("p_robot1_1",), cameras=("front",), charge=math.nan):
    figures = SimpleNamespace(rate_in=12.34, rate_out=8.0)
    return RobotConsole("robot1", cameras, lambda camera: figures, known, lambda: 2, lambda: charge, clock)


def test_who_comes_and_goes_is_told_with_names_once_they_are_known(utc, capsys):
    shown = console()
    shown.on_events((event(PERSON_IN, "p_robot1_2", 0),))
    shown.on_events((event(PERSON_IN, "p_robot1_1", 1), event(PERSON_IN, "p_robot7_3", 1)))
    matched = {"similarity": 0.72, "reference_face_id": "g_robot1_1", "reference_name": "Ada", "watch": True}
    shown.on_events((event(FACE_MATCHED, "p_robot1_2", 2, **matched),))
    shown.on_events((event(FACE_MATCHED, "p_robot1_1", 2, **{**matched, "search_id": "s1"}),))
    shown.on_events((event(PERSON_OUT, "p_robot1_2", 60, duration_ns=54 * 10**9),))
    shown.on_events((event(PERSON_IN, "p_robot1_2", 70),))
    assert capsys.readouterr().out.splitlines() == [
        "14:13:20 front: new person p_robot1_2",
        "14:13:21 front: p_robot1_1 is back",
        "14:13:21 front: p_robot7_3 is back",
        "14:13:22 front: Ada is here, 0.72 (p_robot1_2, on the watch list)",
        "14:14:20 front: Ada left after 54 s",
        "14:14:30 front: Ada is back",
    ]


def test_the_state_is_a_line_every_few_seconds(capsys):
    times = iter((0.0, 0.0, LINE_S / 2, LINE_S, LINE_S * 1.5))
    shown = console(lambda: next(times))
    tracks = (
        Track("t_1", "p_robot1_1", TrackState.TRACKING, BOX, 0.9, FACE),
        Track("t_2", "p_robot1_2", TrackState.LOST, BOX, 0.9),
        Track("t_3", "", TrackState.TRACKING, BOX, 0.9),
    )
    for _ in range(4):
        shown.on_tracks(Frame("front", 1, 1, b""), tracks)
    assert capsys.readouterr().out.splitlines() == [
        "front 12.3 frames/s, 8.0 analysed, 1 person in view; 3 faces embedded, 2 kept"
    ]


def test_a_terminal_shows_the_state_in_place(monkeypatch):
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "w") as terminal:
        monkeypatch.setattr(sys, "stdout", terminal)
        shown = console()
        shown.on_tracks(Frame("front", 1, 1, b""), ())
        shown.on_events((event(PERSON_IN, "p_robot1_2", 0),))
        written = ""
        while not written.endswith("\n"):
            written += os.read(ours, 10_000).decode()
    os.close(ours)
    assert written.startswith("front 12.3 frames/s, 8.0 analysed, 0 people in view; 0 faces embedded, 2 kept\x1b[K\r")
    assert "\r\x1b[K" in written
    assert written.endswith("front: new person p_robot1_2\r\n")


@pytest.mark.parametrize(
    ("columns", "cameras", "expected"),
    [
        (120, 1, "camera1 12.3 frames/s, 8.0 analysed, 0 people in view; 0 faces embedded, 2 kept; battery 82%"),
        (80, 1, "camera1 12/8 fps, 0 in view; 2 faces; battery 82%"),
        (80, 4, "camera1 12/8 fps, 0 in view; camera2 12/8 fps, 0 in view; camera3 12/8 fps, 0 …"),
    ],
)
def test_the_state_fits_into_a_line_of_the_terminal(monkeypatch, columns, cameras, expected):
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    with os.fdopen(theirs, "w") as terminal:
        monkeypatch.setattr(sys, "stdout", terminal)
        names = tuple(f"camera{number + 1}" for number in range(cameras))
        console(cameras=names, charge=0.82).on_tracks(Frame("camera1", 1, 1, b""), ())
        written = os.read(ours, 10_000).decode()
    os.close(ours)
    assert written == f"{expected}\x1b[K\r"
    assert len(expected) < columns


def test_a_reader_that_ends_does_not_end_the_robot(monkeypatch):
    ours, theirs = os.pipe()
    os.close(ours)
    output = os.fdopen(theirs, "w")
    monkeypatch.setattr(sys, "stdout", output)
    shown = console()
    shown.on_events((event(PERSON_IN, "p_robot1_2", 0),))
    shown.on_events((event(PERSON_IN, "p_robot1_3", 0),))
    monkeypatch.undo()
    with pytest.raises(BrokenPipeError):
        output.close()
