"""Writes blocks of the index on a thread of its own, from what the database holds."""

import os
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np

from facetrack_ros.errors import StoreError
from facetrack_ros.history.index.block_file import write_block
from facetrack_ros.history.index.columns import IndexColumns
from facetrack_ros.history.sightings.table import SightingTable

# Cameras and searches go first.
_NICENESS = 10
_PATIENCE_S = 0.05


class IndexBlockWriter:
    """One block at a time.

    :param open_rows: opens the database a second time, for reading.
    :param lock: held while ``done`` is called; whoever holds it may call :meth:`stop`.
    :param done: called on the maker's thread with the path of a written block, or with None when it could not be written,
        in which case the second argument says why.
    """

    def __init__(
        self,
        open_rows: Callable[[], SightingTable],
        database: str,
        lock: threading.RLock,
        done: Callable[[Path | None, str], None],
    ) -> None:
        self._open_rows = open_rows
        self._database = database
        self._lock = lock
        self._done = done
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()

    def make(self, path: Path, after: int, last: int, rows: int) -> None:
        """Begin the block of the sightings ``after < id <= last``.

        :param path: where it is written.
        :param rows: how many they are, at most.
        """
        self._thread = threading.Thread(
            target=self._work, args=(path, after, last, rows), daemon=True, name="block_maker"
        )
        self._thread.start()

    def stop(self) -> None:
        """Give up what is being made and wait for the thread."""
        self._stopping.set()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def _work(self, path: Path, after: int, last: int, rows: int) -> None:
        try:
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
        except OSError:
            pass  # it may be low already
        written, why = None, ""
        try:
            if self._write(path, after, last, rows):
                written = path
        except StoreError as error:
            why = str(error)
        except OSError as error:
            why = f"cannot write {path}: {error.strerror}"
        while not self._lock.acquire(timeout=_PATIENCE_S):
            if self._stopping.is_set():  # by whoever holds the lock and waits for this thread
                path.unlink(missing_ok=True)
                return
        try:
            if self._stopping.is_set():
                path.unlink(missing_ok=True)
            else:
                self._done(written, why)
        finally:
            self._lock.release()

    def _write(self, path: Path, after: int, last: int, rows: int) -> bool:
        columns, vectors, source = IndexColumns(), None, self._open_rows()
        try:
            for *values, part in source.batches(after, last):
                if vectors is None:
                    vectors = np.empty((rows, part.shape[1]), np.float32)
                if self._stopping.is_set() or columns.count + len(part) > rows:
                    return False  # a block of more rows than were told is not the one that was asked for
                vectors[columns.count : columns.count + len(part)] = part
                columns.extend(*values)
        finally:
            source.close()
        if not columns.count or int(columns.ids[columns.count - 1]) != last:
            return False
        write_block(path, self._database, after, columns, vectors[: columns.count])
        return True
