"""The most that a folder held within a day, kept in a file: the brake on deletion counts over a day and restarts."""

import json
import logging
import os
from pathlib import Path

from facetrack_ros.bounded_file import read_bounded_text

logger = logging.getLogger(__name__)

_HOUR_NS = 3_600_000_000_000
_HOURS = 24
# The file is written again when the largest number of an hour has grown by this share.
_GROWTH = 0.02


class DayPeak:
    """Largest number held in each of the last 24 hours. A file that cannot be read or written counts as empty.

    :param path: of the file; created at the first :meth:`note`.
    :param series: what is counted; a file has several.
    """

    def __init__(self, path: Path, series: str) -> None:
        self._path, self._series = path, series
        self._hours = _read(path).get(series, {})

    def note(self, count: int, now_ns: int) -> int:
        """Note what is held now; the most of the last 24 hours.

        :param now_ns: stamp of the newest frame.
        """
        now = now_ns // _HOUR_NS
        known = self._hours.get(now, -1)
        if count > known + _GROWTH * max(known, 0):
            self._hours[now] = count
            self._write(now)
        return max((most for hour, most in self._hours.items() if abs(now - hour) < _HOURS), default=count)

    def reset(self, count: int, now_ns: int) -> None:
        """Forget what was held: a user has asked for the deletion."""
        self._hours = {now_ns // _HOUR_NS: count}
        self._write(now_ns // _HOUR_NS)

    def _write(self, now: int) -> None:
        self._hours = {hour: most for hour, most in self._hours.items() if abs(now - hour) < _HOURS}
        stored = {**_read(self._path), self._series: self._hours}
        whole = self._path.with_suffix(".tmp")
        try:
            whole.write_text(json.dumps(stored))
            os.replace(whole, self._path)
        except OSError as error:
            logger.debug("cannot write %s: %s", self._path, error.strerror)


def _read(path: Path) -> dict[str, dict[int, int]]:
    try:
        stored = json.loads(read_bounded_text(path))
        return {
            str(series): {int(hour): int(most) for hour, most in list(hours.items())[: 2 * _HOURS]}
            for series, hours in stored.items()
        }
    except (OSError, ValueError, TypeError, AttributeError, RecursionError):  # missing, damaged or of another form
        return {}
