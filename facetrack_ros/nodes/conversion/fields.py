"""Field values of messages: arrays that rclpy assigns without a check of each element, fields of equal name, and how
much a message may hold."""

import array
from collections.abc import Iterable
from typing import Any

import numpy as np

from facetrack_ros.core import validation
from facetrack_ros.core.printable import LONGEST_TEXT, printable

# Bounds, chosen by hand far above what honest robots send, so that one message costs milliseconds and kilobytes.
#: Persons, faces or tracks of a frame: detectors return 300 at most.
MOST_IN_FRAME = 1000
#: Cameras of a robot; robots, cameras or spans of time in an answer; models in a folder.
MOST_CAMERAS, MOST_ROBOTS, MOST_SPANS, MOST_MODELS = 256, 1000, 20_000, 256
#: Matches of one answer, as ``max_results`` at most; names and ids of one request.
MOST_MATCHES, MOST_NAMES, MOST_IDS = 10_000, 200, 10_000
#: Further embeddings of a request.
MOST_EMBEDDINGS = 1000
#: Bytes of a thumbnail, which has 2 to 8 kB; of an aligned face.
MOST_THUMBNAIL, MOST_CROP = 65_536, 1_000_000
#: Largest coordinate in a picture, pixels, and in a robot's frame of reference, metres.
FARTHEST_PX, FARTHEST_M = 1e6, 1e8
#: Largest number that SQLite stores: of frame numbers and counts.
MOST_COUNT = 2**63 - 1
#: Longest name of a coordinate frame, and of a person of an earlier version.
LONGEST_FRAME, LONGEST_OLD_NAME = 255, 200
#: Similarities are float32, so a little above 1 is 1.
MOST_SIMILAR = 1.001


def float_array(values: np.ndarray | Iterable[float]) -> array.array:
    """Numbers for a ``float32[]`` field."""
    return array.array("f", np.ascontiguousarray(values, np.float32).tobytes())


def byte_array(data: bytes) -> array.array:
    """Bytes for a ``uint8[]`` field."""
    return array.array("B", data)


def pick(source: object, names: Iterable[str]) -> dict[str, Any]:
    """Attributes by name, for a message or value that calls them the same."""
    return {name: getattr(source, name) for name in names}


def box(values: Any, what: str) -> np.ndarray:
    """A box ``x1, y1, x2, y2`` in pixels, ``(4,)`` float32.

    :raises InvalidInput: a number is not finite or too large.
    """
    return validation.numbers(values, what, (4,), -FARTHEST_PX, FARTHEST_PX)


def clean(source: object, names: Iterable[str], longest: int = LONGEST_TEXT) -> dict[str, Any]:
    """Sentences of others by field, printable and cut to ``longest``."""
    return {name: printable(getattr(source, name), longest) for name in names}
