"""Drawing of tracks and search matches on a copy of a frame."""

from collections.abc import Sequence
from datetime import datetime, timezone

import cv2
import numpy as np

from facetrack_ros.core.track import Track, TrackState

FONT = cv2.FONT_HERSHEY_SIMPLEX
TEXT, BACKGROUND = (250, 250, 250), (40, 34, 30)
#: Colours of persons, BGR: distant hues, chosen by hand to be legible on bright and on dark images.
COLOURS = ((60, 180, 75), (48, 130, 245), (200, 130, 0), (180, 30, 145), (75, 25, 230), (128, 128, 0), (40, 110, 170))
FACE_COLOUR = (255, 255, 255)
#: Number of match lines drawn.
MATCHES_SHOWN = 3


def colour_of(name: str) -> tuple[int, int, int]:
    """A person's colour, BGR; it depends on the id only, so it is the same on every robot."""
    return COLOURS[sum(name.encode()) % len(COLOURS)]


def draw_overlay(
    image: np.ndarray, tracks: Sequence[Track], stamp_ns: int, title: str, matches: Sequence[tuple[str, str]] = ()
) -> np.ndarray:
    """Draw tracks, a title line and search matches on a copy of ``image``, ``(height, width, 3)`` uint8 BGR.

    The title has the number of people detected in this frame. A person who is followed but not detected in it has a
    dashed box.

    :param title: robot and camera.
    :param matches: line of text and person id of each match, best first; the first :data:`MATCHES_SHOWN` are drawn.
    """
    canvas = image.copy()
    scale = max(0.35, min(1.2, image.shape[1] / 1600))
    for track in tracks:
        _draw_track(canvas, track, scale)
    clock = datetime.fromtimestamp(stamp_ns / 1e9, timezone.utc).strftime("%H:%M:%S.%f")[:-3]
    in_view = sum(track.state == TrackState.TRACKING for track in tracks)
    people = "1 person" if in_view == 1 else f"{in_view} people"
    _label(canvas, f"{title}   {clock} UTC   {people} in view", (0, 0), BACKGROUND, scale, below=True)
    shown = matches[:MATCHES_SHOWN]
    for below, (text, person_id) in zip(range(len(shown) - 1, -1, -1), shown):
        bottom = canvas.shape[0] - below * _text_size(text, scale)[1]
        _label(canvas, text, (0, bottom), colour_of(person_id), scale)
    return canvas


def _draw_track(canvas: np.ndarray, track: Track, scale: float) -> None:
    colour = colour_of(track.person_id or track.track_id)
    visible = track.state == TrackState.TRACKING
    x1, y1, x2, y2 = _corners(track.bbox)
    if visible:
        cv2.rectangle(canvas, (x1, y1), (x2, y2), colour, 2, cv2.LINE_AA)
    else:
        _dashed(canvas, (x1, y1, x2, y2), colour)
    if track.face is not None:
        left, top, right, bottom = _corners(track.face.bbox)
        cv2.rectangle(canvas, (left, top), (right, bottom), FACE_COLOUR, 1, cv2.LINE_AA)
    name = f"{track.person_id or 'new'}  " + (f"detected {track.confidence:.2f}" if visible else "not detected")
    # At least two lines down, so that a box at the upper edge does not cover the title.
    _label(canvas, name, (x1, max(y1, 2 * _text_size(name, scale)[1])), colour, scale)


def _corners(bbox: np.ndarray) -> tuple[int, int, int, int]:
    x1, y1, x2, y2 = (round(float(value)) for value in bbox)
    return x1, y1, x2, y2


def _text_size(text: str, scale: float) -> tuple[int, int]:
    (width, height), base = cv2.getTextSize(text, FONT, scale, 1)
    return width + 8, height + base + 6


def _label(
    canvas: np.ndarray, text: str, corner: tuple[int, int], back: tuple, scale: float, below: bool = False
) -> None:
    """Text on a filled box whose lower (or, ``below``, upper) left corner is ``corner``, kept within the image."""
    width, height = _text_size(text, scale)
    left = max(0, min(corner[0], canvas.shape[1] - width))
    top = max(0, min(corner[1] if below else corner[1] - height, canvas.shape[0] - height))
    cv2.rectangle(canvas, (left, top), (left + width, top + height), back, cv2.FILLED)
    base = cv2.getTextSize(text, FONT, scale, 1)[1]
    cv2.putText(canvas, text, (left + 4, top + height - base - 2), FONT, scale, TEXT, 1, cv2.LINE_AA)


def _dashed(canvas: np.ndarray, box: tuple[int, int, int, int], colour: tuple, dash: int = 8) -> None:
    x1, y1, x2, y2 = box
    for x in range(x1, x2, 2 * dash):
        for y in (y1, y2):
            cv2.line(canvas, (x, y), (min(x + dash, x2), y), colour, 1, cv2.LINE_AA)
    for y in range(y1, y2, 2 * dash):
        for x in (x1, x2):
            cv2.line(canvas, (x, y), (x, min(y + dash, y2)), colour, 1, cv2.LINE_AA)
