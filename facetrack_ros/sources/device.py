"""A camera attached to this computer."""

import threading
from collections.abc import Iterator

import cv2

from facetrack_ros.errors import SourceError
from facetrack_ros.sources.source import FrameSource, Picture


class DeviceSource(FrameSource):
    """A camera by its index, read with OpenCV.

    :raises SourceError: the device cannot be opened.
    """

    live = True

    def __init__(self, index: int):
        super().__init__(f"camera device {index}")
        _silence_opencv()
        self._lock = threading.Lock()
        self._capture = cv2.VideoCapture(index)
        if not self._capture.isOpened():
            self._capture.release()
            advice = "check that it is plugged in, that no other program uses it, and that you may read it"
            raise SourceError(f"{self.name} cannot be opened: {advice}")

    def _read_pictures(self) -> Iterator[Picture]:
        """:raises SourceError: the device stops delivering pictures."""
        while True:
            with self._lock:
                if self._closed:
                    return
                done, image = self._capture.read()
            if not done:
                raise SourceError(f"{self.name} stopped giving pictures: check its cable, then open it again")
            yield Picture(image=image)

    def close(self) -> None:
        """Release the device; waits for a running read."""
        super().close()
        with self._lock:
            self._capture.release()


def _silence_opencv() -> None:
    """Keep OpenCV from writing to stderr; a SourceError reports its failures."""
    if hasattr(cv2, "setLogLevel"):  # OpenCV 4
        cv2.setLogLevel(0)
    else:
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
