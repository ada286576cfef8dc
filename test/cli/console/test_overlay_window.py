"""The window of facetrack run --view, in a process of its own."""

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest

from facetrack_ros.cli.console.overlay_window import OverlayWindow

DEADLINE_S = 30.0
SIZE = 640, 480


def wait_until(condition, what):
    deadline = time.monotonic() + DEADLINE_S
    while not (value := condition()):
        assert time.monotonic() < deadline, f"not within {DEADLINE_S:g} s: {what}"
        time.sleep(0.02)
    return value


@pytest.fixture
def ended():
    return []


def test_without_a_display_a_sentence_says_so(monkeypatch, ended):
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    window = OverlayWindow("robot1", ("front",), ended.append)
    wait_until(lambda: ended, "the end is told")
    assert ended[0].startswith("there is no window: ")
    assert "\n" not in ended[0]
    window.show("front", np.zeros((4, 6, 3), np.uint8))
    assert not window.is_open
    window.close()
    assert len(ended) == 1


@pytest.fixture
def screen(tmp_path, monkeypatch):
    """A function that returns the pixels of a display without a screen, ``(height, width, 3)`` BGR."""
    pytest.importorskip("tkinter", reason="Python has no tkinter")
    server = shutil.which("Xvfb")
    if server is None:
        pytest.skip("Xvfb is not installed")
    reader, writer = os.pipe()
    command = [server, "-displayfd", str(writer), "-screen", "0", f"{SIZE[0]}x{SIZE[1]}x24", "-fbdir", str(tmp_path)]
    process = subprocess.Popen(command, pass_fds=[writer], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os.close(writer)
    with os.fdopen(reader) as numbers:
        monkeypatch.setenv("DISPLAY", f":{numbers.readline().strip()}")

    def pixels():
        # An XWD file: the size of its header, the colours, then the pixels in four bytes each.
        data = (tmp_path / "Xvfb_screen0").read_bytes()
        count = SIZE[0] * SIZE[1] * 4
        start = int.from_bytes(data[:4], "big") + 12 * int.from_bytes(data[76:80], "big")
        return np.frombuffer(data[start : start + count], np.uint8).reshape(SIZE[1], SIZE[0], 4)[..., :3]

    yield pixels
    process.terminate()
    process.wait()


def test_pictures_are_shown_until_it_is_closed(screen, ended):
    window = OverlayWindow("robot1", ("front", "rear"), ended.append)
    blue, red = (np.full((48, 64, 3), colour, np.uint8) for colour in ((200, 30, 10), (10, 30, 200)))

    def shown(colour):
        window.show("front", blue)
        window.show("rear", red)
        return (screen() == colour).all(axis=2).sum() >= 48 * 64

    wait_until(lambda: shown((200, 30, 10)), f"the picture of one camera is shown; {ended}")
    wait_until(lambda: shown((10, 30, 200)), "and that of the other")
    assert window.is_open
    window.close()
    assert not window.is_open
    assert ended == []


def children() -> set[int]:
    return {int(child) for file in Path("/proc/self/task").glob("*/children") for child in file.read_text().split()}


def test_a_window_that_ends_is_told(screen, ended):
    before = children()
    window = OverlayWindow("robot1", ("front",), ended.append)
    (process,) = children() - before
    bright = np.full((48, 64, 3), 250, np.uint8)
    wait_until(lambda: window.show("front", bright) or screen().max() == 250, "it is shown")
    os.kill(process, signal.SIGTERM)
    wait_until(lambda: ended, "the end is told")
    assert ended == ["the window is closed"]
    window.close()
