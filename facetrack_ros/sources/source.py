"""What every source provides: pictures, and the time of each relative to the first."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from facetrack_ros.core.frame import encode_jpeg


@dataclass(frozen=True, eq=False)
class Picture:
    """One picture of a source, either as JPEG bytes or as pixels; exactly one of the two is set.

    :param offset_ns: nanoseconds since the source's first picture; None from a live source, whose pictures are
        stamped on arrival.
    :param stamp_ns: nanoseconds since the epoch, if the source knows them (the header of a bag's message).
    :param jpeg: the bytes as received.
    :param image: ``(height, width, 3)`` uint8 BGR.
    :param frame_id: coordinate frame, if the source names one.
    """

    offset_ns: int | None = None
    stamp_ns: int | None = None
    jpeg: bytes | None = None
    image: np.ndarray | None = None
    frame_id: str = ""

    def to_jpeg(self, quality: int = 90) -> bytes:
        """The JPEG bytes as received, or else the pixels encoded.

        :raises FrameError: JPEG cannot hold the pixels.
        """
        if self.jpeg is not None:
            return self.jpeg
        assert self.image is not None, "a picture has JPEG bytes or pixels"
        return encode_jpeg(self.image, quality)


class FrameSource:
    """The pictures of one camera in order; a context manager that closes.

    Iterating a recorded source again starts at its beginning; the end of a clip ends the iteration. Iterating a live
    source waits for the next picture. A running iteration ends after its current picture when the source is closed.

    :ivar live: whether pictures come as they are taken, without offsets.
    :ivar skipped: number of pictures not used so far: damaged, or not later than the one before.
    :param name: for messages; passwords in addresses are masked.
    """

    live = False

    def __init__(self, name: str):
        self.name = name
        self.skipped = 0
        self._closed = False

    def __iter__(self) -> Iterator[Picture]:
        """:raises SourceError: the source fails while it is read."""
        raise NotImplementedError

    def close(self) -> None:
        """Release device, connection or file; safe at any time, from any thread, and repeatedly."""
        self._closed = True

    def __enter__(self):
        return self

    def __exit__(self, *error) -> None:
        self.close()
