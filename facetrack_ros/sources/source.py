"""What every source gives: pictures, and when each was taken relative to the first."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from facetrack_ros.core.frame import encode_jpeg


@dataclass(frozen=True, eq=False)
class Picture:
    """One picture of a source, either as JPEG bytes or as pixels: exactly one of the two is there.

    :param offset_ns: nanoseconds since the source's first picture; None from a live source, whose pictures
        are stamped as they arrive.
    :param stamp_ns: nanoseconds since the epoch, where the source itself knows (the header of a bag's message).
    :param jpeg: the bytes as they came, untouched.
    :param image: ``(height, width, 3)`` uint8 BGR.
    :param frame_id: coordinate frame, where the source itself names one.
    """

    offset_ns: int | None = None
    stamp_ns: int | None = None
    jpeg: bytes | None = None
    image: np.ndarray | None = None
    frame_id: str = ""

    def to_jpeg(self, quality: int = 90) -> bytes:
        """The JPEG bytes that came, or else the pixels encoded.

        :raises FrameError: pixels that JPEG cannot hold.
        """
        return self.jpeg if self.jpeg is not None else encode_jpeg(self.image, quality)


class FrameSource(Protocol):
    """Pictures of one camera, in order.

    Iterating a recorded source again starts at its beginning; a clip that ends just ends the iteration. Iterating
    a live source waits for the next picture. ``close`` may be called at any time, from any thread and twice; an
    iteration that is under way then ends after its current picture. A source is a context manager that closes.

    :ivar name: how messages call it; passwords of addresses are masked.
    :ivar live: whether pictures come as they are taken, without offsets.
    :ivar skipped: how many pictures could not be used so far (damaged, or not later than the one before).
    """

    name: str
    live: bool
    skipped: int

    def __iter__(self) -> Iterator[Picture]:
        """:raises SourceError: the source breaks down while it is read."""

    def close(self) -> None:
        """Let go of device, connection or file."""

    def __enter__(self) -> "FrameSource":
        """Itself."""

    def __exit__(self, *error) -> None:
        """Close."""


class Closing:
    """The part of a source that all share: its name, its count of skipped pictures, and ending on ``close``."""

    live = False

    def __init__(self, name: str):
        self.name = name
        self.skipped = 0
        self._closed = False

    def close(self) -> None:
        """Let go of device, connection or file; safe at any time, from any thread, and twice."""
        self._closed = True

    def __enter__(self):
        return self

    def __exit__(self, *error) -> None:
        self.close()
