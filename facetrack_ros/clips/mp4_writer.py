"""Pictures with stamps as an mp4 that shows each for as long as it lasted."""

from fractions import Fraction
from pathlib import Path

import numpy as np

from facetrack_ros.clips.drawing import fitted
from facetrack_ros.errors import StoreError

# The usual clock of video: fine enough for any camera, and players know it.
_TICKS = 90_000


class Mp4Writer:
    """H.264 in an mp4, with the true time of each frame. Stamps must rise.

    :raises StoreError: PyAV cannot write such a file here.
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
            # The index in front: a browser plays it while it loads.
            self._container = av.open(str(path), "w", format="mp4", options={"movflags": "faststart"})
            self._stream = self._container.add_stream("libx264", rate=30, options={"preset": "veryfast", "crf": "20"})
        except Exception as error:  # an unknown codec and an unwritable file come as different errors by version
            raise StoreError(f"cannot write {path} as H.264: {error}; choose another format") from error
        self._stream.pix_fmt = "yuv420p"
        self._stream.codec_context.time_base = Fraction(1, _TICKS)

    def add(self, image: np.ndarray, stamp_ns: int) -> None:
        """One picture, ``(height, width, 3)`` uint8 BGR.

        :raises StoreError: it cannot be written.
        """
        if self._size is None:
            height, width = image.shape[:2]
            self._size = max(width // 2 * 2, 2), max(height // 2 * 2, 2)  # colours are halved both ways
            self._stream.width, self._stream.height = self._size
            self._first_ns = stamp_ns
        frame = self._av.VideoFrame.from_ndarray(np.ascontiguousarray(fitted(image, *self._size)), format="bgr24")
        tick = round((stamp_ns - self._first_ns) * _TICKS / 1e9)
        self._last_tick = frame.pts = max(tick, self._last_tick + 1)
        frame.time_base = Fraction(1, _TICKS)
        self._write(frame)

    def close(self) -> None:
        """End the film.

        :raises StoreError: it cannot be written.
        """
        try:
            if self._size is not None:
                self._write(None)
        finally:
            try:
                self._container.close()
            except self._av.error.FFmpegError as error:
                raise self._refused(error) from error

    def _write(self, frame) -> None:
        try:
            for packet in self._stream.encode(frame):
                self._container.mux(packet)
        except self._av.error.FFmpegError as error:
            raise self._refused(error) from error

    def _refused(self, error: Exception) -> StoreError:
        return StoreError(f"cannot write {self._path}: {error}; make room or check the permissions")
