"""A sighting database and the vector index over it, changed together under one lock."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress

from facetrack_ros.errors import StoreError
from facetrack_ros.history.index.block import ROWS
from facetrack_ros.history.index.vector_index import VectorIndex
from facetrack_ros.history.sightings.coverage import ANALYSED, ANALYSED_GAP_NS, Coverage
from facetrack_ros.history.sightings.database import Database
from facetrack_ros.history.sightings.deduplication import DeduplicationRule, OpenSightings
from facetrack_ros.history.sightings.index_blocks import IndexBlocks
from facetrack_ros.history.sightings.ingest_log import IngestLog
from facetrack_ros.history.sightings.rescan_log import RescanLog
from facetrack_ros.history.sightings.table import SightingTable
from facetrack_ros.models.contract import ModelContract

_COMMIT_NS = 1_000_000_000
_COMMIT_CHANGES = 64


class IndexedDatabase:
    """What the parts of a sighting store share. Its attributes are used with :attr:`lock` held.

    SQLite is the authority: after a failed change the index is loaded again from what the file holds. Sightings that no
    longer change are also stored as index blocks beside the file, so that opening reads those instead of every row; see
    :class:`IndexBlocks`.

    :param rule: when faces of a track are one sighting.
    :param block_rows: sightings a block of the index.
    :raises StoreError: the file is damaged; it is closed then.
    """

    def __init__(
        self, database: Database, contract: ModelContract, rule: DeduplicationRule, block_rows: int = ROWS
    ) -> None:
        self.contract = contract
        self.lock = threading.RLock()
        self._since_ns: int | None = None  # stamp of the first change since the last commit
        self._changes = 0
        self._rule = rule
        self._block_rows = block_rows
        try:
            self._use(database)
            self.reload()
        except BaseException:
            database.close()
            raise

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Hold the lock; when the file refuses a change, return to what it holds."""
        with self.lock:
            try:
                yield
            except StoreError:
                with suppress(StoreError):  # the first error is the one to report
                    self.database.rollback()
                    self.reload()
                raise

    def write_pending(self) -> None:
        """Write spans and coverage that changed in memory, in the open transaction."""
        self.table.write_spans()
        self.coverage.write()
        self.analysed.write()

    def note_change(self, stamp_ns: int | None = None, counts: bool = True) -> None:
        """Commit when a second of stamps or 64 changes have passed since the last commit.

        :param stamp_ns: of the change, None where it has none.
        :param counts: whether it is one of the 64.
        """
        self._changes += counts
        if self._since_ns is None:
            self._since_ns = stamp_ns
        # The distance counts, not the order: the stamps of several cameras are mixed, and a clock may be set back.
        waited_ns = abs(stamp_ns - self._since_ns) if stamp_ns is not None and self._since_ns is not None else 0
        if waited_ns >= _COMMIT_NS or self._changes >= _COMMIT_CHANGES:
            self.commit()
            if stamp_ns is not None:
                self.open_sightings.close_before(stamp_ns)

    def commit(self, freeze: bool = True) -> None:
        """Commit everything added so far.

        :param freeze: whether a block that no longer changes may be written now.
        :raises StoreError: the disk does not take it, or the file was deleted; then a new one is created.
        """
        self._commit()
        if freeze:
            self.blocks.freeze_next()

    def reload(self, read_ahead: bool = True) -> None:
        """Load the index from what the file holds.

        :param read_ahead: read on another thread while this one quantises. Not where it is repeated: with a new thread
            at each pruning a process grew by 62 MB in a day, without by 5 (measured).
        """
        self.index = VectorIndex(self.contract.dimension, block_rows=self._block_rows)
        self.open_sightings = OpenSightings(self._rule, self.index)
        self.unnamed_tracks: set[str] = set()
        self._since_ns, self._changes = None, 0
        for part in (self.table, self.coverage, self.analysed, self.rescans):
            part.reset()
        if read_ahead:
            with ThreadPoolExecutor(1, thread_name_prefix="read_ahead") as reader:
                for batches in self.blocks.load(self.index):
                    following = reader.submit(next, batches, None)
                    while (batch := following.result()) is not None:
                        following = reader.submit(next, batches, None)
                        self.index.extend(*batch)
        else:
            for batches in self.blocks.load(self.index):
                for batch in batches:
                    self.index.extend(*batch)
        self.blocks.freeze_next()

    def close(self) -> None:
        """Commit and close."""
        self.blocks.stop()
        with self.lock:
            try:
                if not self.database.closed:
                    self._commit()
            finally:
                self.database.close()

    def _commit(self) -> None:
        if self.database.deleted():
            self._recreate()
        self.write_pending()
        self.database.commit()
        self._since_ns, self._changes = None, 0

    def _recreate(self) -> None:
        """Begin a new file: the open one was deleted, and what is written to it could never be read again."""
        lost, path = len(self.index), self.database.path
        self.database.close()
        self.blocks.stop()
        self._use(Database.for_writing(path, self.contract, self.database.robot_id))
        self.reload()
        raise StoreError(f"{path} was deleted while the robot ran; its {lost} sightings are lost, a new one is created")

    def _use(self, database: Database) -> None:
        self.database = database
        self.table = SightingTable(database, self.contract.id, self.contract.dimension)
        self.coverage = Coverage(database)
        self.analysed = Coverage(database, ANALYSED, ANALYSED_GAP_NS)
        self.ingests = IngestLog(database)
        self.rescans = RescanLog(database)
        self.blocks = IndexBlocks(database, self.table, self.contract, self.lock, self._lowest_open)

    def _lowest_open(self) -> int | None:
        return self.open_sightings.lowest_row()
