"""What every source provides: pictures, and the time of each relative to the first."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from facetrack_ros.core.frame import encode_jpeg
from facetrack_ros.sources.unused_frames import UnusedFrames


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

    Every frame of a recorded source is either a picture of the iteration or counted in ``unused``.

    :ivar live: whether pictures come as they are taken, without offsets.
    :ivar unused: the frames that were not used since the iteration began, by reason.
    :ivar notes: sentences on what was assumed about the source while it was read, each once.
    :param name: for messages; passwords in addresses are masked.
    """

    live = False

    def __init__(self, name: str):
        self.name = name
        self.unused = UnusedFrames()
        self.notes: list[str] = []
        self._closed = False

    def __iter__(self) -> Iterator[Picture]:
        """The usable pictures in order; the rest is counted in ``unused``, anew in each iteration.

        :raises SourceError: the source fails while it is read.
        """
        self.unused.clear()
        self.notes.clear()
        return self._read_pictures()

    def _read_pictures(self) -> Iterator[Picture]:
        raise NotImplementedError

    def _note(self, sentence: str) -> None:
        if sentence not in self.notes:
            self.notes.append(sentence)

    def close(self) -> None:
        """Release device, connection or file; safe at any time, from any thread, and repeatedly."""
        self._closed = True

    def __enter__(self):
        return self

    def __exit__(self, *error) -> None:
        self.close()
