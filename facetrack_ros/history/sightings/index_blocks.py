"""Which blocks of an index are frozen, loaded from disk and written to it."""

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np

from facetrack_ros.errors import StoreError
from facetrack_ros.history.index.block import VectorBlock
from facetrack_ros.history.index.block_folder import BlockFolder
from facetrack_ros.history.index.vector_index import VectorIndex
from facetrack_ros.history.sightings.database import Database
from facetrack_ros.history.sightings.index_vectors import BlockVectors
from facetrack_ros.history.sightings.index_writer import IndexBlockWriter
from facetrack_ros.history.sightings.table import SightingTable
from facetrack_ros.models.contract import ModelContract


class IndexBlocks:
    """Keeps an index's full blocks, none of whose sightings will change, on disk instead of in memory.

    The database is the truth: a block file stands for a range of ids and can be deleted at any time. It is written by a
    thread of its own from what is committed, and renamed into place. A sighting in it that is changed or deleted all the
    same, by whatever program, is noted by the database itself (table ``outdated``), and its block is not used again.

    :param folder: of the block files.
    :param lock: the store's, held whenever this is called, except for :meth:`stop`, :meth:`wait` and :meth:`bytes`.
    :param lowest_open: gives the first row of the index that may still change; None: none may.
    """

    def __init__(
        self,
        folder: Path,
        database: Database,
        rows: SightingTable,
        contract: ModelContract,
        lock: threading.RLock,
        lowest_open: Callable[[], int | None],
    ) -> None:
        self._database = database
        self._rows = rows
        self._contract = contract
        self._lock = lock
        self._lowest_open = lowest_open
        self._known = database.version > 1
        self._database_id, self._last_id = (
            database.rows("SELECT database_id, last_id FROM frozen")[0] if self._known else ("", 0)
        )
        self._stored = BlockFolder(folder, self._database_id, contract.dimension)
        self._index: VectorIndex | None = None
        self._maker: IndexBlockWriter | None = None
        self._making: VectorBlock | None = None
        self._failed: set[int] = set()
        self._idle = threading.Event()
        self._idle.set()

    def load(self, index: VectorIndex) -> Iterator[Iterator[tuple]]:
        """Put the blocks on disk into an empty index. What lies between them comes as batches, to be added in turn.

        :returns: sources of batches as :meth:`SightingTable.batches` gives them.
        """
        self.stop()
        self._index = index
        self._failed.clear()
        used, after = [], -1
        if index.coded and self._known:
            last, outdated = self._rows.last_id(), self._outdated()
            for file in self._stored.blocks(last):
                if ((outdated > file.header.after) & (outdated <= file.header.last)).any():
                    continue
                try:
                    columns, codes = file.read()
                except StoreError as error:
                    self._stored.doubt(str(error))
                    continue
                if file.header.after > max(after, 0):
                    yield self._rows.batches(after, file.header.after)
                kept = BlockVectors(file, self._rows, columns.ids, self._stored)
                block = VectorBlock.stored(
                    codes, int(columns.first.min()), int(columns.last.max()), kept.read, kept.doubt
                )
                index.extend_frozen(block, columns)
                after = file.header.last
                used.append(file.path)
        yield self._rows.batches(after)
        if self._database.writes and self._known:
            with suppress(StoreError, OSError):  # a full disk: next time
                self._tidy(used)

    def freeze_next(self) -> None:
        """Begin to write the first block that will not change any more, if none is being written.

        Called right after a commit.
        """
        index = self._index
        if self._making is not None or index is None or not (self._known and self._database.writes and index.coded):
            return
        for number, block in enumerate(index.blocks):
            rows = index.rows_of_block(number)
            if block.frozen or rows.start in self._failed or not block.count:
                continue
            if block.room and number == len(index.blocks) - 1:
                return
            lowest_open = self._lowest_open()
            if lowest_open is not None and lowest_open < rows.stop:
                return
            self._make(block, index.id_of(rows.start - 1) if number else 0, index.id_of(rows.stop - 1), rows)
            return

    def remove(self, ids: np.ndarray) -> None:
        """Delete the block files that hold any of these sightings, before the database does.

        :raises StoreError: the disk does not let go of one.
        """
        self.stop()
        try:
            self._stored.remove(ids)
        except OSError as error:
            raise StoreError(
                f"cannot delete in {self._stored.path}: {error.strerror}; check its permissions"
            ) from error

    def stop(self) -> None:
        """Give up what is being written, and wait for its thread."""
        maker = self._maker
        if maker is not None:
            maker.stop()
        self._making, self._maker = None, None
        self._idle.set()

    def wait(self) -> None:
        """Wait until nothing is being written."""
        self._idle.wait()

    def take_told(self) -> str:
        """What could not be used or written, a sentence; empty: nothing."""
        return self._stored.take_told()

    def bytes(self) -> int:
        """What the files take."""
        return self._stored.bytes()

    def _make(self, block: VectorBlock, after: int, last: int, rows: slice) -> None:
        try:
            if last > self._last_id:  # from here on the database itself notes what changes
                self._database.write("UPDATE frozen SET last_id = ?", (last,))
                self._database.commit()
                self._last_id = last
            path = self._stored.fresh_path(after)
        except (StoreError, OSError) as error:
            with suppress(StoreError):  # the first error is the one to tell
                self._database.rollback()
            self._failed.add(rows.start)
            self._stored.doubt(f"cannot write the index in {self._stored.path}: {error}")
            return
        self._making = block
        self._idle.clear()

        def done(written: Path | None, why: str) -> None:
            self._making = None
            self._freeze(block, rows, written, why)
            if self._making is None:
                self._idle.set()

        self._maker = maker = IndexBlockWriter(self._second_rows, self._database_id, self._lock, done)
        maker.make(path, after, last, rows.stop - rows.start)

    def _freeze(self, block: VectorBlock, rows: slice, written: Path | None, why: str) -> None:
        if written is None:
            self._failed.add(rows.start)
            if why:
                self._stored.doubt(why)
            return
        try:
            file = self._stored.keep(written)
            columns, codes = file.read()
        except (StoreError, OSError) as error:
            self._failed.add(rows.start)
            self._stored.doubt(f"cannot use what was written to {written.parent}: {error}")
            return
        if np.array_equal(columns.ids, self._index.ids_of(rows)):
            kept = BlockVectors(file, self._rows, columns.ids, self._stored)
            block.freeze(codes, kept.read, kept.doubt)
            self.freeze_next()
        else:
            self._failed.add(rows.start)

    def _second_rows(self) -> SightingTable:
        return SightingTable(self._database.reader(self._contract), self._contract.id, self._contract.dimension)

    def _outdated(self) -> np.ndarray:
        return np.array([row for (row,) in self._database.rows("SELECT id FROM outdated")], np.int64)

    def _tidy(self, used: list[Path]) -> None:
        self._stored.keep_only(used)
        if self._outdated().size:
            self._database.write("DELETE FROM outdated")
            self._database.commit()
