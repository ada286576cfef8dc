"""Index blocks on disk: loading them into an index, and writing the blocks that no longer change."""

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import numpy as np

from facetrack_ros.errors import StoreError, store_errors
from facetrack_ros.history.index.block import VectorBlock, VectorSource
from facetrack_ros.history.index.block_file import BlockFile
from facetrack_ros.history.index.block_folder import BlockFolder
from facetrack_ros.history.index.columns import IndexColumns
from facetrack_ros.history.index.vector_index import VectorIndex
from facetrack_ros.history.sightings.database import Database, index_path
from facetrack_ros.history.sightings.index_writer import IndexBlockWriter
from facetrack_ros.history.sightings.table import SightingTable
from facetrack_ros.models.contract import ModelContract


class IndexBlocks:
    """Stores an index's full blocks, once their sightings no longer change, on disk instead of in memory.

    The database is the authority: a block file stands for a range of ids and can be deleted at any time. It is written
    by a thread of its own from what is committed, and renamed into place. A sighting in it that any program changes or
    deletes afterwards is noted by a trigger (table ``outdated``), and its block is not used again.

    :param lock: the store's, held during every call but :meth:`stop` and :meth:`wait`.
    :param lowest_open: returns the first row of the index that may still change; None: there is none.
    """

    def __init__(
        self,
        database: Database,
        table: SightingTable,
        contract: ModelContract,
        lock: threading.RLock,
        lowest_open: Callable[[], int | None],
    ) -> None:
        self._database = database
        self._table = table
        self._contract = contract
        self._lock = lock
        self._lowest_open = lowest_open
        self._supported = database.version > 1
        self._database_id, self._last_id = "", 0
        if self._supported:
            self._database_id, self._last_id = database.rows("SELECT database_id, last_id FROM frozen")[0]
        self._folder = BlockFolder(index_path(database.path), self._database_id, contract.dimension)
        self._index = VectorIndex(contract.dimension)
        self._writer: IndexBlockWriter | None = None
        self._writing = False
        self._failed: set[int] = set()  # first rows of blocks that could not be written

    def load(self, index: VectorIndex) -> Iterator[Iterator[tuple]]:
        """Load the blocks on disk into an empty index. The rows between them are returned, to be added in turn.

        :returns: batches as those of :meth:`SightingTable.batches`, one iterator for each gap between blocks.
        """
        self.stop()
        self._index = index
        self._failed.clear()
        used, after = [], -1
        if index.quantized and self._supported:
            last, outdated = self._table.last_id(), self._outdated()
            for file in self._folder.blocks(last):
                if file.header.overlaps(outdated):
                    continue
                try:
                    columns, codes = file.read()
                except StoreError as error:
                    self._folder.report_damaged(str(error))
                    continue
                if file.header.after > max(after, 0):
                    yield self._table.batches(after, file.header.after)
                span = int(columns.first.min()), int(columns.last.max())
                index.extend_frozen(VectorBlock.stored(codes, *span, self._vectors(file, columns)), columns)
                after = file.header.last
                used.append(file.path)
        yield self._table.batches(after)
        if self._database.writable and self._supported:
            with suppress(StoreError, OSError):  # the disk is full: done at the next start
                self._folder.remove_others(used)
                if self._outdated().size:
                    self._database.write("DELETE FROM outdated")
                    self._database.commit()

    def freeze_next(self) -> None:
        """Start to write the first block that no longer changes, if none is being written.

        Called right after a commit.
        """
        index = self._index
        if self._writing or not (self._supported and self._database.writable and index.quantized):
            return
        for number, block in enumerate(index.blocks):
            rows = index.rows_of_block(number)
            if block.frozen or rows.start in self._failed or not block.count:
                continue
            if block.room and number == len(index.blocks) - 1:
                return
            lowest_open = self._lowest_open()
            if lowest_open is None or lowest_open >= rows.stop:
                self._write(block, index.id_of(rows.start - 1) if number else 0, index.id_of(rows.stop - 1), rows)
            return

    def remove(self, ids: np.ndarray) -> None:
        """Delete the block files that hold any of these sightings, before they are deleted from the database.

        :raises StoreError: a file cannot be deleted.
        """
        self.stop()
        with store_errors(f"cannot delete in {self._folder.path}", "check its permissions"):
            self._folder.remove(ids)

    def erase(self, ids: np.ndarray) -> list[Path]:
        """Overwrite sightings in every block file, before they are deleted from the database.

        :param ids: ``(n,)`` int64.
        :returns: the files that are left, to be synced.
        :raises StoreError: the disk refuses.
        """
        self.stop()
        with store_errors(f"cannot erase in {self._folder.path}", "check its permissions"):
            return self._folder.erase(ids)

    def note_erased(self, ids: np.ndarray) -> None:
        """In the transaction that deletes erased sightings: their blocks stay usable."""
        if self._supported:
            for row in ids.tolist():
                self._database.write("DELETE FROM outdated WHERE id = ?", (row,))

    def forget(self, ids: np.ndarray) -> np.ndarray:
        """Remove erased sightings from the index in memory; ``(n,)`` int64, the rows they had, sorted."""
        return self._index.remove(ids, _BlockVectors.keeping)

    def stop(self) -> None:
        """Abort what is being written, and wait for its thread."""
        writer = self._writer
        if writer is not None:
            writer.stop()
        self._writing, self._writer = False, None

    def wait(self) -> None:
        """Wait until nothing is being written."""
        joined = None
        while (writer := self._writer) is not None and writer is not joined:  # one block may be followed by another
            writer.join()
            joined = writer

    def _write(self, block: VectorBlock, after: int, last: int, rows: slice) -> None:
        try:
            if last > self._last_id:  # from now on the triggers note changes of these rows
                self._database.write("UPDATE frozen SET last_id = ?", (last,))
                self._database.commit()
                self._last_id = last
            path = self._folder.unfinished_path(after)
        except (StoreError, OSError) as error:
            with suppress(StoreError):  # the first error is the one to report
                self._database.rollback()
            self._fail(rows, f"cannot write the index in {self._folder.path}: {error}")
            return
        done = partial(self._freeze, block, rows)
        self._writer = IndexBlockWriter(self._open_table, self._database_id, self._lock, done)
        self._writing = True
        self._writer.start(path, after, last, rows.stop - rows.start)

    def _freeze(self, block: VectorBlock, rows: slice, written: Path | None, reason: str) -> None:
        self._writing = False
        if written is None:
            self._fail(rows, reason)
            return
        try:
            file = self._folder.publish(written)
            columns, codes = file.read()
        except (StoreError, OSError) as error:
            self._fail(rows, f"cannot use what was written to {written.parent}: {error}")
            return
        if np.array_equal(columns.ids, self._index.ids_of(rows)):
            block.freeze(codes, self._vectors(file, columns))
            self.freeze_next()
        else:
            self._fail(rows)

    def _fail(self, rows: slice, reason: str = "") -> None:
        self._failed.add(rows.start)
        if reason:
            self._folder.report_damaged(reason)

    def _vectors(self, file: BlockFile, columns: IndexColumns) -> VectorSource:
        return _BlockVectors(file, self._table, columns.ids, self._folder)

    def _open_table(self) -> SightingTable:
        return SightingTable(self._database.reader(self._contract), self._contract.id, self._contract.dimension)

    def _outdated(self) -> np.ndarray:
        return np.array([row for (row,) in self._database.rows("SELECT id FROM outdated")], np.int64)


class _BlockVectors:
    """Vectors of a frozen block: read from its file, or from the database when the file fails.

    The file is read, not mapped into memory: a disk error or a truncated file would end a process that touches a
    mapping. Reading takes no longer for the few rows of a search.

    :param ids: of the block's rows.
    """

    def __init__(self, file: BlockFile | None, table: SightingTable, ids: np.ndarray, folder: BlockFolder) -> None:
        self._file = file
        self._table = table
        self._ids = ids
        self._folder = folder

    def read(self, rows: np.ndarray) -> np.ndarray:
        """``(n, dimension)`` float32.

        :param rows: ``(n,)`` of the block.
        :raises StoreError: the database does not return them either.
        """
        if self._file is not None:
            try:
                return self._file.vectors(rows)
            except StoreError as error:
                self._stop_using_file(str(error))
        return self._table.embeddings(self._ids[rows].tolist())

    @staticmethod
    def keeping(source: VectorSource, rows: np.ndarray) -> VectorSource:
        """What reads only some rows of a block, after the others were erased.

        :param rows: ``(n,)`` of the block.
        """
        assert isinstance(source, _BlockVectors)
        file = source._file
        if file is not None and file.path.exists():
            file.keep(file.places[rows])
        else:
            file = None
        return _BlockVectors(file, source._table, source._ids[rows], source._folder)

    def report_damaged(self) -> None:
        """The file contains wrong vectors: read from the database from now on."""
        if self._file is not None:
            self._stop_using_file(f"{self._file.path} is damaged")

    def _stop_using_file(self, reason: str) -> None:
        self._folder.report_damaged(reason)
        self._file = None
