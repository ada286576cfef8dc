"""What ``facetrack run`` prints: who comes and goes, and every few seconds how the robot is doing."""

import math
import os
import sys
import threading
import time
from collections.abc import Callable, Collection
from datetime import datetime
from typing import Protocol

from facetrack_ros.cli.console.plain_output import write_raw
from facetrack_ros.core.event import FACE_MATCHED, PERSON_IN, PERSON_OUT, PersonEvent
from facetrack_ros.core.frame import Frame
from facetrack_ros.core.track import Track, TrackState

# How often the state is shown: in place on a terminal, as a line of its own elsewhere.
TERMINAL_S, LINE_S = 1.0, 10.0
# Clears the rest of a terminal's line.
_CLEAR = "\x1b[K"


class CameraFigures(Protocol):
    """Rates of a camera's frames."""

    @property
    def rate_in(self) -> float:
        """Frames a second that arrive."""

    @property
    def rate_out(self) -> float:
        """Frames a second that are analysed."""


class RobotConsole:
    """Lines on people who come and go, and a line on the state of the robot. Thread-safe.

    Times are local. A person is new if this robot gave the id, and not before it started. A terminal shows the state in
    place.

    :param robot_id: the robot's name.
    :param cameras: names, in the order of the state.
    :param figures: of a camera.
    :param known: ids of the people known at the start.
    :param kept: how many faces are stored.
    :param charge: of the battery, 0 to 1; NaN: unknown.
    """

    def __init__(
        self,
        robot_id: str,
        cameras: tuple[str, ...],
        figures: Callable[[str], CameraFigures],
        known: Collection[str],
        kept: Callable[[], int] = lambda: 0,
        charge: Callable[[], float] = lambda: math.nan,
        clock: Callable[[], float] = time.monotonic,
    ):
        self._figures, self._known, self._clock = figures, set(known), clock
        self._kept, self._charge = kept, charge
        self._own = f"p_{robot_id}_"
        self._terminal = sys.stdout.isatty()
        self._lock = threading.Lock()
        self._names: dict[str, str] = {}
        self._in_view = dict.fromkeys(cameras, 0)
        self._faces, self._in_place, self._on = 0, False, True
        self._next_s = clock() + (0.0 if self._terminal else LINE_S)

    def on_tracks(self, frame: Frame, tracks: tuple[Track, ...]) -> None:
        """Take the tracks of a frame."""
        seen = sum(track.state is TrackState.TRACKING and bool(track.person_id) for track in tracks)
        with self._lock:
            self._in_view[frame.camera_id] = seen
            self._faces += sum(track.face is not None and track.face.embedding is not None for track in tracks)
            self._show_state()

    def on_events(self, events: tuple[PersonEvent, ...]) -> None:
        """Print the events of a frame."""
        with self._lock:
            for event in events:
                text = self._text(event)
                if text and self._on:
                    clock = datetime.fromtimestamp(event.stamp_ns / 1e9).strftime("%H:%M:%S")
                    self._write(f"{clock} {event.camera_id}: {text}")

    def say(self, sentence: str) -> None:
        """Print a sentence."""
        with self._lock:
            if self._on:
                self._write(sentence)

    def _text(self, event: PersonEvent) -> str:
        """What an event says; empty: nothing that concerns who is there now."""
        name = self._names.get(event.person_id, event.person_id)
        if event.event == PERSON_IN:
            new = event.person_id.startswith(self._own) and event.person_id not in self._known
            self._known.add(event.person_id)
            return f"new person {name}" if new else f"{name} is back"
        if event.event == PERSON_OUT:
            return f"{name} left after {(event.duration_ns or 0) / 1e9:.0f} s"
        if event.event == FACE_MATCHED and event.search_id is None and event.reference_name:
            self._names[event.person_id] = event.reference_name
            watched = ", on the watch list" if event.watch else ""
            return f"{event.reference_name} is here, {event.similarity or 0.0:.2f} ({event.person_id}{watched})"
        return ""

    def _show_state(self) -> None:
        now = self._clock()
        if now < self._next_s or not self._on:
            return
        self._next_s = now + (TERMINAL_S if self._terminal else LINE_S)
        state = self._state()
        if not self._terminal:
            self._write(state)
            return
        width = _columns() - 1  # a line that fills the last column, or more, cannot be replaced
        if len(state) > width:
            state = self._short_state()
        # The cursor returns to the first column: a line of the log replaces the state instead of following it.
        self._write(state if len(state) <= width else f"{state[: width - 1]}…", end=f"{_CLEAR}\r")
        self._in_place = True

    def _state(self) -> str:
        parts = []
        for camera, people in self._in_view.items():
            figures = self._figures(camera)
            persons = "1 person" if people == 1 else f"{people} people"
            parts.append(f"{camera} {figures.rate_in:.1f} frames/s, {figures.rate_out:.1f} analysed, {persons} in view")
        parts.append(f"{self._faces} faces embedded, {self._kept()} kept")
        return "; ".join([*parts, *self._battery()])

    def _short_state(self) -> str:
        parts = []
        for camera, people in self._in_view.items():
            figures = self._figures(camera)
            parts.append(f"{camera} {figures.rate_in:.0f}/{figures.rate_out:.0f} fps, {people} in view")
        return "; ".join([*parts, f"{self._kept()} faces", *self._battery()])

    def _battery(self) -> list[str]:
        charge = self._charge()
        return [] if math.isnan(charge) else [f"battery {charge:.0%}"]

    def _write(self, line: str, end: str = "\n") -> None:
        try:
            if self._in_place:
                write_raw(f"\r{_CLEAR}")
            print(line, end="")
            write_raw(end)
            sys.stdout.flush()
        except OSError:  # the reader of the output has ended; the robot goes on
            self._on = False
        self._in_place = False


def _columns() -> int:
    """Width of the terminal; 80 where it does not tell."""
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns or 80
    except (OSError, ValueError):
        return 80
