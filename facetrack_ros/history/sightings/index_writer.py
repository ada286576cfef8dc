"""Writes an index block on a thread of its own, from committed rows."""

import os
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from facetrack_ros.errors import StoreError
from facetrack_ros.history.index.block_file import write_block
from facetrack_ros.history.index.columns import IndexColumns
from facetrack_ros.history.sightings.table import SightingTable

_NICENESS = 10  # cameras and searches have priority
_POLL_S = 0.05


@dataclass(eq=False)
class IndexBlockWriter:
    """Writes one block.

    :param open_table: opens the database a second time, for reading.
    :param database: id of the database.
    :param lock: held while ``done`` is called. :meth:`stop` may be called with and without it.
    :param done: called on the writer's thread with the path of the written block, or with None and the reason.
    """

    open_table: Callable[[], SightingTable]
    database: str
    lock: threading.RLock
    done: Callable[[Path | None, str], None]
    _thread: threading.Thread | None = None
    _begun: threading.Event = field(default_factory=threading.Event)
    _stopping: threading.Event = field(default_factory=threading.Event)

    def start(self, path: Path, after: int, last: int, rows: int) -> None:
        """Start writing the sightings ``after < id <= last``, at most ``rows``, to a file."""
        self._thread = threading.Thread(
            target=self._work, args=(path, after, last, rows), daemon=True, name="index_block_writer"
        )
        try:
            self._thread.start()
        finally:
            self._begun.set()

    def stop(self) -> None:
        """Abort writing and wait for the thread."""
        self._stopping.set()
        self.join()

    def join(self) -> None:
        """Wait for the thread."""
        if self._thread is not None and self._thread is not threading.current_thread():
            self._begun.wait()  # another thread may be starting it
            if self._thread.ident is not None:
                self._thread.join()

    def _work(self, path: Path, after: int, last: int, rows: int) -> None:
        with suppress(OSError):  # the thread's priority may be low already
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
        written, reason = None, ""
        try:
            if self._write(path, after, last, rows):
                written = path
        except StoreError as error:
            reason = str(error)
        except OSError as error:
            reason = f"cannot write {path}: {error.strerror}"
        # The thread that holds the lock may be waiting in stop().
        while not self._stopping.is_set():
            if self.lock.acquire(timeout=_POLL_S):
                try:
                    if not self._stopping.is_set():
                        self.done(written, reason)
                        return
                finally:
                    self.lock.release()
        path.unlink(missing_ok=True)

    def _write(self, path: Path, after: int, last: int, rows: int) -> bool:
        columns, vectors, table = IndexColumns(), None, self.open_table()
        try:
            for *values, embeddings in table.batches(after, last):
                if vectors is None:
                    vectors = np.empty((rows, embeddings.shape[1]), np.float32)
                if self._stopping.is_set() or columns.count + len(embeddings) > rows:
                    return False  # stopped, or the database has other rows than the index
                vectors[columns.count : columns.count + len(embeddings)] = embeddings
                columns.extend(*values)
        finally:
            table.close()
        if vectors is None or int(columns.ids[columns.count - 1]) != last:
            return False
        write_block(path, self.database, after, columns, vectors[: columns.count])
        return True
