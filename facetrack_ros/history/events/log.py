"""Event log: one line an event, one file a day, only complete lines."""

import os
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from itertools import islice, takewhile
from pathlib import Path

from facetrack_ros.core.event import PersonEvent
from facetrack_ros.core.line_file import truncate_partial_line, write_all_or_nothing
from facetrack_ros.core.sealed_files.sealed_lines import decrypted, to_append
from facetrack_ros.errors import StoreError, store_errors
from facetrack_ros.history.disk_room import DiskRoom
from facetrack_ros.history.events.format import CSV_COLUMNS, OLD_CSV_COLUMNS, csv_header, csv_line, json_line

# Chosen by hand: about 3 MB; a busy robot makes some thousand events a day.
MAX_PENDING = 10_000
# Chosen by hand. Lines of one write need room together, so this is small for a disk that is nearly full.
_MAX_PER_WRITE = 100
# Enough for the first lines of a log, encrypted or not.
_HEADER_READ = 4096
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


class EventLog:
    """Appends person events to ``events-2026-11-23.jsonl`` (or ``.csv``), by the event's own UTC day.

    Lines are written whole, so a reader or a killed process leaves complete lines; an incomplete last line after a
    power failure is cut off when the file is opened again.

    Events that cannot be written are kept and written first when there is room again; beyond ``MAX_PENDING`` the oldest
    are dropped.

    :param directory: created where it is missing.
    :param format: ``jsonl`` or ``csv``.
    :param fsync: whether :meth:`append` returns only when the events are on the medium.
    :ivar room: the space that stays free; events that it has no room for wait.
    :ivar written: events written since this log was opened.
    :ivar lost: events dropped because too many were pending.
    :raises StoreError: unknown format, or the folder cannot be created.
    """

    def __init__(
        self, directory: Path | str, format: str = "jsonl", fsync: bool = False, room: DiskRoom | None = None
    ) -> None:
        if format not in ("jsonl", "csv"):
            raise StoreError(f"an event log is written as jsonl or csv, not as {format!r}")
        self.directory = Path(directory)
        self._format = format
        self._columns = CSV_COLUMNS
        self._day: int | None = None
        self._file = -1
        self._path = ""  # a text: a path object takes longer
        self._failing = False
        self._fsync = fsync
        self.room = room or DiskRoom()
        self.written = 0
        self._pending: deque[PersonEvent] = deque()
        self.lost = 0
        with store_errors(f"cannot make the folder {directory} for the event log"):
            self.directory.mkdir(parents=True, exist_ok=True)

    @property
    def unwritten(self) -> int:
        """Events not on disk: pending and lost ones."""
        return len(self._pending) + self.lost

    def append(self, *events: PersonEvent) -> bool:
        """Write the pending events, then these.

        :returns: whether they are on disk.
        :raises StoreError: they cannot be written (disk full, no permission). Raised for the first failure in a row;
            later ones only count in :attr:`unwritten` until a write succeeds.
        """
        self._pending.extend(events)
        while len(self._pending) > MAX_PENDING:
            self._pending.popleft()
            self.lost += 1
        advice = f"make room or check the permissions, up to {MAX_PENDING} events wait for that"
        try:
            with store_errors(f"cannot write the event log in {self.directory}", advice):
                if self._pending:
                    self.room.check(self.directory, small=True)
                while self._pending:
                    self._write_next()
        except StoreError:
            if self._failing:
                return False
            self._failing = True
            raise
        self._failing = False
        return True

    def drop_waiting(self, doomed: Callable[[PersonEvent], bool]) -> None:
        """Drop events that wait for the disk."""
        self._pending = deque(event for event in self._pending if not doomed(event))

    def close(self) -> None:
        """Close the file; a later :meth:`append` opens it again."""
        file, self._file, self._day = self._file, -1, None
        if file >= 0:
            with suppress(OSError):  # of a disk that is gone; what was written is with the kernel
                os.close(file)

    def _write_next(self) -> None:
        """Write the oldest pending events of one day."""
        day = _day(self._pending[0])
        batch = list(takewhile(lambda event: _day(event) == day, islice(self._pending, _MAX_PER_WRITE)))
        self._open_day(day)
        write_all_or_nothing(self._file, to_append(self._path, self._file, b"".join(map(self._as_line, batch))))
        if self._fsync:
            os.fsync(self._file)
        for _ in batch:
            self._pending.popleft()
        self.written += len(batch)

    def _as_line(self, event: PersonEvent) -> bytes:
        return json_line(event) if self._format == "jsonl" else csv_line(event, self._columns)

    def _open_day(self, day: int) -> None:
        # A file deleted under a running robot would swallow what is written to it: a new one is created.
        if day == self._day and os.fstat(self._file).st_nlink:
            return
        self.close()
        self.directory.mkdir(parents=True, exist_ok=True)
        name = f"events-{_EPOCH + timedelta(days=day):%Y-%m-%d}.{self._format}"
        self._path = str(self.directory / name)
        file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            if truncate_partial_line(file) == 0:
                header = csv_header() if self._format == "csv" else b""
                write_all_or_nothing(file, to_append(self._path, file, header))
            old = csv_header(OLD_CSV_COLUMNS)
            begin = decrypted(self._path, os.pread(file, _HEADER_READ, 0))
            self._columns = OLD_CSV_COLUMNS if begin.startswith(old) else CSV_COLUMNS
        except OSError:
            os.close(file)
            raise
        self._file, self._day = file, day


def _day(event: PersonEvent) -> int:
    return event.stamp_ns // (86_400 * 10**9)
