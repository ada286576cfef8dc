"""The window of ``facetrack run --view``: the overlays of all cameras."""

import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from facetrack_ros.cli.console import window_process
from facetrack_ros.concurrency.worker import LatestPerCamera, Worker

# Widest picture of one camera, and of each of several, pixels. Chosen by hand.
WIDEST_PX, WIDEST_OF_SEVERAL_PX = 1280, 640
# Longest wait until a window that is to close has ended.
_END_S = 2.0


class OverlayWindow:
    """A window in a process of its own, so that whatever becomes of it the robot runs on.

    :param title: of the window.
    :param cameras: each has a place in it.
    :param ended: takes a sentence once there is no window, or no longer.
    """

    def __init__(self, title: str, cameras: tuple[str, ...], ended: Callable[[str], object]):
        self._ended, self._closing = ended, False
        self._widest_px = WIDEST_PX if len(cameras) == 1 else WIDEST_OF_SEVERAL_PX
        self._process = subprocess.Popen(
            [sys.executable, "-I", str(Path(window_process.__file__)), title, *cameras],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is for the robot, which closes the window
        )
        self._worker = Worker("window", LatestPerCamera(), self._send)
        self._watcher = threading.Thread(target=self._watch, name="window_end", daemon=True)
        self._watcher.start()

    @property
    def is_open(self) -> bool:
        """Whether there is a window, or one is about to open."""
        return not self._closing and self._process.poll() is None

    def show(self, camera_id: str, picture: np.ndarray) -> None:
        """Show a picture, ``(height, width, 3)`` uint8 BGR; waits for nothing."""
        if self.is_open:
            self._worker.put(camera_id, (camera_id, picture))

    def close(self) -> None:
        """Close the window."""
        self._closing = True
        self._process.kill()  # what waits in its pipe is not awaited
        self._worker.close()
        self._watcher.join(_END_S)

    def _send(self, item: tuple[str, np.ndarray]) -> None:
        camera_id, picture = item
        assert self._process.stdin is not None  # it is a pipe
        height, width = picture.shape[:2]
        if width > self._widest_px:
            size = (self._widest_px, round(height * self._widest_px / width))
            picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
        data = _ppm(picture)
        name = camera_id.encode()
        try:
            self._process.stdin.write(window_process.HEAD.pack(len(name), len(data)) + name + data)
            self._process.stdin.flush()
        except OSError:
            return  # the window is closed

    def _watch(self) -> None:
        assert self._process.stdout is not None
        ready = self._process.stdout.readline().strip() == b"ready"
        assert self._process.stderr is not None
        said = self._process.stderr.read().decode(errors="replace").strip()
        self._process.wait()
        if not self._closing:
            reason = said.splitlines()[-1] if said else f"its process ended with {self._process.returncode}"
            self._ended("the window is closed" if ready and not said else f"there is no window: {reason}")


def _ppm(picture: np.ndarray) -> bytes:
    height, width = picture.shape[:2]
    return b"P6 %d %d 255\n" % (width, height) + cv2.cvtColor(picture, cv2.COLOR_BGR2RGB).tobytes()
