"""Orientation of stored images: EXIF, display matrices of FFmpeg, and images turned upright.

An orientation is a number from 1 to 8 as EXIF counts: 1 upright, 2 mirrored, 3 head down, 6 and 8 lying on a side.
"""

from itertools import pairwise
from typing import Any

import cv2
import numpy as np

UPRIGHT = 1
#: Signs of the display matrix's upper left four numbers (a, b, c, d) by orientation: x' = ax + cy, y' = bx + dy.
_MATRICES = {
    (1, 0, 0, 1): 1,
    (-1, 0, 0, 1): 2,
    (-1, 0, 0, -1): 3,
    (1, 0, 0, -1): 4,
    (0, 1, 1, 0): 5,
    (0, 1, -1, 0): 6,
    (0, -1, -1, 0): 7,
    (0, -1, 1, 0): 8,
}


def upright(image: np.ndarray, orientation: int) -> np.ndarray:
    """The image as it is to be shown, contiguous; the same array where it already is upright.

    :param image: ``(height, width, channels)`` or ``(height, width)``.
    """
    if orientation == UPRIGHT:
        return image
    if orientation >= 5:
        image = cv2.transpose(image)
    flip = {2: 1, 3: -1, 4: 0, 6: 1, 7: -1, 8: 0}.get(orientation)
    return image if flip is None else cv2.flip(image, flip)


def turn_of(orientation: int) -> tuple[int, bool]:
    """What sets an image of this orientation upright: degrees clockwise, after mirroring left to right if True."""
    return {1: 0, 2: 0, 3: 180, 4: 180, 5: 270, 6: 90, 7: 90, 8: 270}[orientation], orientation in (2, 4, 5, 7)


def orientation_of_matrix(matrix: Any) -> int:
    """The orientation nearest to a display matrix.

    :param matrix: nine numbers, row by row.
    """
    a, b, c, d = (int(matrix[at]) for at in (0, 1, 3, 4))
    straight = abs(a) + abs(d) >= abs(b) + abs(c)
    signs = (_sign(a), 0, 0, _sign(d)) if straight else (0, _sign(b), _sign(c), 0)
    return _MATRICES.get(signs, UPRIGHT)


def _sign(number: int) -> int:
    return (number > 0) - (number < 0)


def orientation_of_frame(frame: Any) -> int:
    """The orientation that FFmpeg states for a frame of PyAV.

    Reading it makes the frame refer to itself: it keeps its pixels until Python collects garbage. So ask few frames.
    """
    from av.sidedata.sidedata import Type

    try:
        data = frame.side_data.get(Type.DISPLAYMATRIX)
    except ValueError:  # a kind of side data newer than PyAV
        kinds: Any = Type
        known = _without_newer_side_data(frame, max(kind.value for kind in kinds))
        data = known.side_data.get(Type.DISPLAYMATRIX)
    return UPRIGHT if data is None else orientation_of_matrix(np.frombuffer(bytes(data), np.int32))


def _without_newer_side_data(frame: Any, newest: int) -> Any:
    """The frame without side data of the 32 kinds after ``newest``."""
    import av

    graph = av.filter.Graph()
    nodes = [
        graph.add_buffer(width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base),
        *(graph.add("sidedata", f"mode=delete:type={kind}") for kind in range(newest + 1, newest + 33)),
        graph.add("buffersink"),
    ]
    for before, after in pairwise(nodes):
        before.link_to(after)
    graph.configure()
    graph.push(frame)
    return graph.pull()
