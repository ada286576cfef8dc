"""Overlay frames as they come, written as a film with their true times."""

from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np


class ClipWriter:
    """An H.264 file in mp4, frame times as stamped. A context manager.

    :param path: the file to write.
    """

    def __init__(self, path: Path):
        self._container = av.open(str(path), "w")
        self._stream = None
        self._first_ns = 0
        self._last_ns = -1
        self.frames = 0

    def __enter__(self) -> "ClipWriter":
        return self

    def __exit__(self, *error) -> None:
        self.close()

    def add(self, stamp_ns: int, jpeg: bytes) -> None:
        """Append a frame; one that is no picture or no later than the one before is left out."""
        image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
        if image is None or stamp_ns <= self._last_ns or self._container is None:
            return
        if self._stream is None:
            self._stream = self._container.add_stream("libx264", rate=30, options={"crf": "23", "preset": "veryfast"})
            # yuv420p needs even sides.
            self._stream.width, self._stream.height = image.shape[1] & ~1, image.shape[0] & ~1
            self._stream.pix_fmt = "yuv420p"
            self._stream.codec_context.time_base = Fraction(1, 1000)
            self._first_ns = stamp_ns
        self._last_ns = stamp_ns
        frame = av.VideoFrame.from_ndarray(
            np.ascontiguousarray(image[: self._stream.height, : self._stream.width]), format="bgr24"
        )
        frame.pts, frame.time_base = (stamp_ns - self._first_ns) // 1_000_000, Fraction(1, 1000)
        self._container.mux(self._stream.encode(frame))
        self.frames += 1

    def close(self) -> None:
        """Finish the file."""
        if self._container is not None:
            if self._stream is not None:
                self._container.mux(self._stream.encode())
            self._container.close()
            self._container = None
