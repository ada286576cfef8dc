"""The event log: a line an event, a file a day, whole lines even when the robot is switched off."""

import os
from collections import deque
from datetime import datetime, timedelta, timezone
from itertools import islice, takewhile
from pathlib import Path

from facetrack_ros.core.event import PersonEvent
from facetrack_ros.core.line_file import truncate_partial_line, write_all_or_nothing
from facetrack_ros.errors import StoreError
from facetrack_ros.history.events.format import csv_header, csv_line, json_line

# About 3 MB; a busy robot makes some thousand events a day.
MOST_WAITING = 10_000
# Where a disk is nearly full, lines that go out together wait together for room.
_MOST_TOGETHER = 100
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


class EventLog:
    """Appends person events to ``events-2026-11-23.jsonl`` (or ``.csv``), by the event's own UTC day.

    A line goes out in one write, alone or with those that come at the same time, so a reader or a killed process sees it whole
    or not at all; a tail torn by a power cut is cut off when the file is opened again.

    Events that the disk does not take wait, and are written first when there is room again; only what is too much even to
    wait is lost, the oldest first.

    :param directory: made when it is not there.
    :param format: ``jsonl`` or ``csv``.
    :param fsync: whether each event is on the medium, not only with the operating system, before :meth:`append` returns.
    :raises StoreError: unknown format, or the folder cannot be made.
    """

    def __init__(self, directory: Path | str, format: str = "jsonl", fsync: bool = False) -> None:
        if format not in ("jsonl", "csv"):
            raise StoreError(f"an event log is written as jsonl or csv, not as {format!r}")
        self._directory = Path(directory)
        self._format = format
        self._line = json_line if format == "jsonl" else csv_line
        self._header = csv_header() if format == "csv" else b""
        self._day: int | None = None
        self._file = -1
        self._failing = False
        self._fsync = fsync
        self._written = 0
        self._waiting: deque[PersonEvent] = deque()
        self._lost = 0
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"cannot make the folder {directory} for the event log: {error.strerror}") from error

    @property
    def directory(self) -> Path:
        """Where the files of the log are."""
        return self._directory

    @property
    def written(self) -> int:
        """Events on disk since this log was opened."""
        return self._written

    @property
    def unwritten(self) -> int:
        """Events that are not on disk: those that wait for room, and those that were too many to wait."""
        return len(self._waiting) + self._lost

    @property
    def lost(self) -> int:
        """Events that were too many to wait, and will never be on disk."""
        return self._lost

    def append(self, *events: PersonEvent) -> bool:
        """Write events, after those that wait.

        :returns: whether they are on disk.
        :raises StoreError: the first event in a row that could not be written (disk full, no permission). The
            ones that follow are only counted in :attr:`unwritten` until there is room again.
        """
        self._waiting.extend(events)
        while len(self._waiting) > MOST_WAITING:
            self._waiting.popleft()
            self._lost += 1
        try:
            while self._waiting:
                day = _day(self._waiting[0])
                together = list(takewhile(lambda event: _day(event) == day, islice(self._waiting, _MOST_TOGETHER)))
                self._open_day(day)
                write_all_or_nothing(self._file, b"".join(map(self._line, together)))
                if self._fsync:
                    os.fsync(self._file)
                for _ in together:
                    self._waiting.popleft()
                self._written += len(together)
        except OSError as error:
            if self._failing:
                return False
            self._failing = True
            raise StoreError(
                f"cannot write the event log in {self._directory}: {error.strerror}; make room or check the "
                f"permissions, up to {MOST_WAITING} events wait for that"
            ) from error
        self._failing = False
        return True

    def close(self) -> None:
        """Close the file. A later :meth:`append` opens it again."""
        if self._file >= 0:
            os.close(self._file)
        self._file, self._day = -1, None

    def _open_day(self, day: int) -> None:
        # A file that was deleted under a running robot takes what is written to it along: a new one is begun.
        if day == self._day and os.fstat(self._file).st_nlink:
            return
        self.close()
        self._directory.mkdir(parents=True, exist_ok=True)
        name = f"events-{_EPOCH + timedelta(days=day):%Y-%m-%d}.{self._format}"
        file = os.open(self._directory / name, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            if truncate_partial_line(file) == 0:
                write_all_or_nothing(file, self._header)
        except OSError:
            os.close(file)
            raise
        self._file, self._day = file, day


def _day(event: PersonEvent) -> int:
    return event.stamp_ns // (86_400 * 10**9)
