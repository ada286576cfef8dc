"""Writer of mp4 videos with the true time of each frame."""

from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from facetrack_ros.errors import StoreError

#: Ticks a second, the usual clock of video.
_TICKS = 90_000


class Mp4Writer:
    """H.264 in an mp4. Stamps must rise. Images of another size than the first are scaled to its size.

    :raises StoreError: the encoder is missing, or the file cannot be written.
    """

    def __init__(self, path: Path) -> None:
        import av

        av.logging.set_level(av.logging.PANIC)
        self._av = av
        self._path = path
        self._size: tuple[int, int] | None = None
        self._first_ns = 0
        self._last_tick = -1
        try:
            # faststart puts the index in front, so that a browser plays the video while it loads.
            self._container = av.open(str(path), "w", format="mp4", options={"movflags": "faststart"})
            self._stream = self._container.add_stream("libx264", rate=30, options={"preset": "veryfast", "crf": "20"})
        except Exception as error:  # the type for an unknown codec or an unwritable file depends on the version of PyAV
            raise StoreError(f"cannot write {path} as H.264: {error}; choose another format") from error
        self._stream.pix_fmt = "yuv420p"
        self._stream.codec_context.time_base = Fraction(1, _TICKS)

    def add(self, image: np.ndarray, stamp_ns: int) -> None:
        """Add an image, ``(height, width, 3)`` uint8 BGR.

        :raises StoreError: it cannot be written.
        """
        height, width = image.shape[:2]
        if self._size is None:
            self._size = max(width // 2 * 2, 2), max(height // 2 * 2, 2)  # yuv420p halves the colours both ways
            self._stream.width, self._stream.height = self._size
            self._first_ns = stamp_ns
        if (width, height) != self._size:
            image = cv2.resize(image, self._size, interpolation=cv2.INTER_AREA)
        frame = self._av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="bgr24")
        tick = round((stamp_ns - self._first_ns) * _TICKS / 1e9)
        self._last_tick = frame.pts = max(tick, self._last_tick + 1)
        frame.time_base = Fraction(1, _TICKS)
        self._write(frame)

    def close(self) -> None:
        """Finish the file.

        :raises StoreError: it cannot be written.
        """
        try:
            if self._size is not None:
                self._write(None)
        finally:
            try:
                self._container.close()
            except self._av.error.FFmpegError as error:
                raise self._store_error(error) from error

    def _write(self, frame) -> None:
        try:
            for packet in self._stream.encode(frame):
                self._container.mux(packet)
        except self._av.error.FFmpegError as error:
            raise self._store_error(error) from error

    def _store_error(self, error: Exception) -> StoreError:
        return StoreError(f"cannot write {self._path}: {error}; make room or check the permissions")
