"""Boxes, ids and the last search's best matches, drawn on a copy of a frame."""

from datetime import datetime, timezone

import cv2
import numpy as np

from facetrack_ros.core.track import Track, TrackState
from facetrack_ros.search.response import Match

FONT = cv2.FONT_HERSHEY_SIMPLEX
INK, PAPER = (40, 34, 30), (250, 250, 250)
# Hues far apart and readable on bright and dark pictures alike, BGR.
COLOURS = ((60, 180, 75), (48, 130, 245), (200, 130, 0), (180, 30, 145), (75, 25, 230), (128, 128, 0), (40, 110, 170))
FACE_COLOUR = (255, 255, 255)
MATCHES_SHOWN = 3


def colour_of(name: str) -> tuple[int, int, int]:
    """A person's colour, BGR: the same on every robot and in every run."""
    return COLOURS[sum(name.encode()) % len(COLOURS)]


def draw_overlay(
    image: np.ndarray,
    tracks: tuple[Track, ...],
    stamp_ns: int,
    title: str,
    active_persons: int,
    matches: tuple[Match, ...] = (),
) -> np.ndarray:
    """A copy of ``image``, ``(height, width, 3)`` uint8 BGR, with what is known drawn on it.

    :param title: robot and camera.
    :param active_persons: how many people are in view of the robot's cameras now.
    :param matches: of the last search, best first; three are shown, with similarity and UTC time of day.
    """
    canvas = image.copy()
    scale = max(0.35, min(1.2, image.shape[1] / 1600))
    for track in tracks:
        colour = colour_of(track.person_id or track.track_id)
        seen = track.state == TrackState.TRACKING
        x1, y1, x2, y2 = (int(round(float(value))) for value in track.bbox)
        if seen:
            cv2.rectangle(canvas, (x1, y1), (x2, y2), colour, 2, cv2.LINE_AA)
        else:
            _dashed(canvas, (x1, y1, x2, y2), colour)
        if track.face is not None:
            fx1, fy1, fx2, fy2 = (int(round(float(value))) for value in track.face.bbox)
            cv2.rectangle(canvas, (fx1, fy1), (fx2, fy2), FACE_COLOUR, 1, cv2.LINE_AA)
        name = f"{track.person_id or 'new'}  {track.confidence:.2f}" + ("" if seen else "  lost")
        # Below the title, also for whoever stands at the picture's upper edge.
        _label(canvas, name, (x1, max(y1, 2 * _text_size(name, scale)[1])), colour, PAPER, scale)
    clock = datetime.fromtimestamp(stamp_ns / 1e9, timezone.utc).strftime("%H:%M:%S.%f")[:-3]
    people = "1 person" if active_persons == 1 else f"{active_persons} people"
    _label(canvas, f"{title}   {clock} UTC   {people} in view", (0, 0), INK, PAPER, scale, below=True)
    for row, match in enumerate(matches[:MATCHES_SHOWN]):
        when = datetime.fromtimestamp(match.stamp_ns / 1e9, timezone.utc).strftime("%H:%M:%S")
        text = f"{match.similarity:.2f}  {match.robot_id}/{match.camera_id}  {when}  {match.person_id}"
        height = _text_size(text, scale)[1]
        bottom = canvas.shape[0] - (min(len(matches), MATCHES_SHOWN) - 1 - row) * height
        _label(canvas, text, (0, bottom), colour_of(match.person_id), PAPER, scale)
    return canvas


def _text_size(text: str, scale: float) -> tuple[int, int]:
    (width, height), base = cv2.getTextSize(text, FONT, scale, 1)
    return width + 8, height + base + 6


def _label(
    canvas: np.ndarray, text: str, corner: tuple[int, int], back: tuple, ink: tuple, scale: float, below: bool = False
) -> None:
    """Text on a filled box whose lower (or, ``below``, upper) left corner is ``corner``, kept within the picture."""
    width, height = _text_size(text, scale)
    left = max(0, min(corner[0], canvas.shape[1] - width))
    top = max(0, min(corner[1] if below else corner[1] - height, canvas.shape[0] - height))
    cv2.rectangle(canvas, (left, top), (left + width, top + height), back, cv2.FILLED)
    base = cv2.getTextSize(text, FONT, scale, 1)[1]
    cv2.putText(canvas, text, (left + 4, top + height - base - 2), FONT, scale, ink, 1, cv2.LINE_AA)


def _dashed(canvas: np.ndarray, box: tuple[int, int, int, int], colour: tuple, dash: int = 8) -> None:
    x1, y1, x2, y2 = box
    for x in range(x1, x2, 2 * dash):
        for y in (y1, y2):
            cv2.line(canvas, (x, y), (min(x + dash, x2), y), colour, 1, cv2.LINE_AA)
    for y in range(y1, y2, 2 * dash):
        for x in (x1, x2):
            cv2.line(canvas, (x, y), (x, min(y + dash, y2)), colour, 1, cv2.LINE_AA)
