"""Writes overlay frames to an mp4 file as they arrive."""

from pathlib import Path

from facetrack_ros.clips.mp4_writer import Mp4Writer
from facetrack_ros.core.pictures.decoding import decode


class ClipWriter:
    """An mp4 file with the frames' own times, made with the first frame.

    :param path: the file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writer: Mp4Writer | None = None
        self._last_ns = -1
        self._closed = False

    def add(self, stamp_ns: int, jpeg: bytes) -> None:
        """Append a frame; one that does not decode or is not later than the last one is dropped."""
        image = decode(jpeg)
        if image is None or stamp_ns <= self._last_ns or self._closed:
            return
        self._last_ns = stamp_ns
        self._writer = self._writer or Mp4Writer(self._path)
        self._writer.add(image, stamp_ns)

    def close(self) -> None:
        """Finish the file; later frames are dropped."""
        if self._writer is not None and not self._closed:
            self._writer.close()
        self._closed = True
