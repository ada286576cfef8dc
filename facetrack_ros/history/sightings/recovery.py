"""Recovery of a damaged sighting store: its readable rows go into a new one, the old file stays beside it."""

import logging
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from facetrack_ros.errors import DamagedStoreError, StoreError, store_errors
from facetrack_ros.history.sightings.connection import Connection, connect, database_errors
from facetrack_ros.history.sightings.database import Database, database_path, index_path
from facetrack_ros.history.sightings.deduplication import DeduplicationRule
from facetrack_ros.history.sightings.store import SightingStore
from facetrack_ros.models.contract import ModelContract

logger = logging.getLogger(__name__)

_TABLES = ("sightings", "thumbnails", "poses", "coverage", "analysed", "ingests", "partial_ingests")
_BATCH = 64
# A page holds 160 rows at most: skip a damaged part row by row up to this many, then in steps that double.
_SINGLE_STEPS = 256
_MAX_STEP = 2**40


def open_or_recover(directory: Path, contract: ModelContract, robot_id: str) -> SightingStore:
    """Open a robot's store; where it is damaged, create a new one with its readable rows.

    :raises StoreError: it cannot be used.
    """
    rule = DeduplicationRule.of_model(contract)
    try:
        store = SightingStore(directory, contract, robot_id, rule)
        try:
            store.cameras()  # reads what heartbeats read, which opening does not
        except DamagedStoreError:
            with suppress(StoreError):  # caused by the same damage
                store.close()
            raise
        return store
    except DamagedStoreError:
        recover(database_path(directory, contract.id), contract, robot_id)
        return SightingStore(directory, contract, robot_id, rule)


def reopen_recovered(store: SightingStore) -> SightingStore:
    """Close a store that turned out to be damaged while it was open, recover and open it again.

    :raises StoreError: the disk does not take it.
    """
    with suppress(StoreError):  # caused by the same damage
        store.close()
    recover(store.path, store.contract, store.robot_id)
    return open_or_recover(store.path.parent, store.contract, store.robot_id)


def recover(path: Path, contract: ModelContract, robot_id: str) -> None:
    """Replace a damaged store by a new one with its readable rows, and log how many.

    :raises StoreError: the disk does not take it.
    """
    number = 1
    while (aside := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    with store_errors(f"{path} is damaged and cannot be moved away", "check the permissions"):
        for ending in ("", "-wal"):  # SQLite makes its shared index again
            file = path.with_name(path.name + ending)
            if file.exists():
                file.rename(aside.with_name(aside.name + ending))
        path.with_name(path.name + "-shm").unlink(missing_ok=True)
        # Blocks of the old database; those that cannot be deleted are reported at the next start.
        shutil.rmtree(index_path(path), ignore_errors=True)
    fresh = Database.for_writing(path, contract, robot_id)
    damaged = connect(aside)
    try:
        copied = {table: _copy(damaged, fresh, table, contract.dimension) for table in _TABLES}
        # The id of a lost sighting will be used again: delete its thumbnail and pose.
        for table in ("thumbnails", "poses"):
            fresh.write(f"DELETE FROM {table} WHERE sighting_id NOT IN (SELECT id FROM sightings)")
        fresh.commit()
    finally:
        damaged.close()
        fresh.close()
    outcome = "%s was damaged: %d sightings could be read and are in a new one, the old file is %s"
    logger.warning(outcome, path, copied["sightings"], aside.name)


def _copy(damaged: Connection, fresh: Database, table: str, dimension: int) -> int:
    columns = [row[1] for row in fresh.rows(f"PRAGMA table_info({table})")]
    insert = f"INSERT OR IGNORE INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"
    copied = 0
    for row in _readable_rows(damaged, table, columns):
        if table != "sightings" or len(row[columns.index("embedding")] or b"") == 4 * dimension:
            fresh.write(insert, row)
            copied += 1
    return copied


def _readable_rows(damaged: Connection, table: str, columns: list[str]) -> Iterator[tuple]:
    """The rows that can be read, before and after damaged parts."""
    sql = f"SELECT rowid, {', '.join(columns)} FROM {table} WHERE rowid > ? ORDER BY rowid LIMIT ?"
    after, step = -1, 0
    while step < _MAX_STEP:
        try:
            rows = damaged.execute(sql, (after + step, _BATCH if not step else 1)).fetchall()
        except database_errors():
            # Fewer at once, then single rows farther and farther away.
            try:
                rows = damaged.execute(sql, (after + step, 1)).fetchall()
            except database_errors() as error:
                if "not a database" in str(error):
                    return  # nothing of it can be read
                step = step + 1 if step < _SINGLE_STEPS else 2 * step
                continue
        if not rows:
            return
        for row in rows:
            yield row[1:]
        after, step = rows[-1][0], 0
