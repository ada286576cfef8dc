"""A damaged store of sightings: what can still be read goes into a new one, the old file stays beside it."""

import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from facetrack_ros.errors import StoreError
from facetrack_ros.history.sightings.database import Database, index_path
from facetrack_ros.models.contract import ModelContract

_TABLES = ("sightings", "thumbnails", "poses", "coverage", "ingests")
_AT_ONCE = 64
# A page holds 160 rows at most: row by row past one, then in leaps.
_STEPS = 256
_FARTHEST = 2**40


def salvage(path: Path, contract: ModelContract, robot_id: str) -> str:
    """Begin a store anew with the rows of a damaged one that can be read.

    :returns: what happened, a sentence.
    :raises StoreError: the disk does not take it.
    """
    number = 1
    while (aside := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    try:
        for ending in ("", "-wal"):  # the shared index is made anew
            file = path.with_name(path.name + ending)
            if file.exists():
                file.rename(aside.with_name(aside.name + ending))
        path.with_name(path.name + "-shm").unlink(missing_ok=True)
        shutil.rmtree(
            index_path(path), ignore_errors=True
        )  # of the old file; what stays of it is told at the next start
    except OSError as error:
        raise StoreError(
            f"{path} is damaged and cannot be moved away: {error.strerror}; check the permissions"
        ) from error
    fresh = Database.for_writing(path, contract, robot_id)
    damaged = sqlite3.connect(aside)
    try:
        kept = sum(_copy(damaged, fresh, table, contract.dimension) for table in _TABLES)
        # A picture or pose without its sighting belongs to nobody, and its number will be given again.
        for table in ("thumbnails", "poses"):
            fresh.write(f"DELETE FROM {table} WHERE sighting_id NOT IN (SELECT id FROM sightings)")
        fresh.commit()
    finally:
        damaged.close()
        fresh.close()
    return f"{path} was damaged: {kept} sightings could be read and are in a new one, the old file is {aside.name}"


def _copy(damaged: sqlite3.Connection, fresh: Database, table: str, dimension: int) -> int:
    columns = [row[1] for row in fresh.rows(f"PRAGMA table_info({table})")]
    kept = 0
    for row in _readable(damaged, table, columns):
        if table == "sightings" and len(row[columns.index("embedding")] or b"") != 4 * dimension:
            continue
        fresh.write(
            f"INSERT OR IGNORE INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})", row
        )
        kept += table == "sightings"
    return kept


def _readable(damaged: sqlite3.Connection, table: str, columns: list[str]) -> Iterator[tuple]:
    """The rows that can be read, whatever lies between them."""
    sql = f"SELECT rowid, {', '.join(columns)} FROM {table} WHERE rowid > ? ORDER BY rowid LIMIT ?"
    after, step = -1, 0
    while step < _FARTHEST:
        try:
            rows = damaged.execute(sql, (after + step, _AT_ONCE if not step else 1)).fetchall()
        except sqlite3.DatabaseError:
            # Not as many at once, then one at a time from the next row on, then farther and farther.
            try:
                rows = damaged.execute(sql, (after + step, 1)).fetchall()
            except sqlite3.DatabaseError:
                step = step + 1 if step < _STEPS else 2 * step
                continue
        if not rows:
            return
        for row in rows:
            yield row[1:]
        after, step = rows[-1][0], 0
