"""Failures of a robot's disk, told once, and once more when it takes data again."""

import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from facetrack_ros.errors import DiskError, StoreError
from facetrack_ros.history.disk_room import DiskRoom

_PROBE = b"x" * 4096
# Chosen by hand: so long without a failure, it may take data again. Frames that were left out are told a second later.
_QUIET_S = 3.0
_AGAIN_S = 60.0


class DiskWatch:
    """Tells the failures of one disk. While it fails, the same and other failures are only counted. Thread-safe.

    :param log_error: logs the first failure.
    :param log_info: logs the end of the failures.
    :param note: receives every failure, for the diagnostics.
    """

    def __init__(
        self,
        log_error: Callable[[str], object],
        log_info: Callable[[str], object],
        note: Callable[[str], object] = lambda sentence: None,
    ) -> None:
        self._log_error, self._log_info, self._note = log_error, log_info, note
        self._lock = threading.Lock()
        self._since_s: float | None = None
        self._last_s, self._told_s = 0.0, float("-inf")
        self._failures = 0

    @property
    def failing(self) -> bool:
        """Whether it failed, and has not taken anything since."""
        return self._since_s is not None

    def failed(self, error: DiskError) -> None:
        """Note a failure; the first is logged."""
        self._note(str(error))
        with self._lock:
            self._failures += 1
            self._last_s = time.monotonic()
            first = self._since_s is None
            if first:
                self._since_s = self._last_s
        if first:
            self._log_error(f"{error}; this is told once")

    def not_stored(self, error: StoreError) -> None:
        """Note that something was not stored: the disk failed, or for another reason, logged once a minute."""
        if isinstance(error, DiskError):
            self.failed(error)
            return
        self._note(str(error))
        now = time.monotonic()
        if now - self._told_s >= _AGAIN_S:
            self._told_s = now
            self._log_error(str(error))

    def check(self, folder: Path, room: DiskRoom, catch_up: Callable[[], str]) -> None:
        """Where it failed, try whether it takes data again.

        :param folder: on that disk; a file is written there and deleted.
        :param catch_up: stores what waited; returns what was left out, in words.
        """
        if not self.failing or time.monotonic() - self._last_s < _QUIET_S:
            return
        try:
            room.check(folder, small=True)
            _probe(folder / ".probe")
        except OSError:
            return
        with self._lock:
            since_s, self._since_s = self._since_s, None
            failures, self._failures = self._failures, 0
        if since_s is not None:
            lasted = f"after {time.monotonic() - since_s:.0f} s and {failures} failures"
            self._log_info(f"{folder} takes data again, {lasted}; {catch_up()}")


def _probe(path: Path) -> None:
    """Write a file, wait until it is on the medium, and delete it."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        done = os.write(file, _PROBE)
        os.fsync(file)
    finally:
        os.close(file)
        with suppress(OSError):
            path.unlink()
    if done < len(_PROBE):
        raise OSError(0, "written in part only")
