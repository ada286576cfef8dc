"""Deletion of sightings, so that no byte of them remains in any file.

SQLite overwrites deleted rows. Index blocks that hold them are deleted first, so that a process killed in between
leaves none.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from facetrack_ros.core.disk.overwriting import sync_files
from facetrack_ros.errors import store_errors
from facetrack_ros.history.sightings.indexed_database import IndexedDatabase
from facetrack_ros.history.sightings.retention import SightingLimits
from facetrack_ros.history.sightings.table import Condition, last_seen_before, within


def delete_span(indexed: IndexedDatabase, camera_id: str, start_ns: int, end_ns: int) -> int:
    """Delete a camera's sightings, recordings, coverage and rescans that lie entirely between two stamps.

    :returns: how many sightings were deleted.
    """

    def delete_others() -> None:
        indexed.ingests.delete(camera_id, start_ns, end_ns)
        indexed.rescans.delete(camera_id, start_ns, end_ns)

    return _delete(indexed, within(camera_id, start_ns, end_ns), delete_others)


def erase(indexed: IndexedDatabase, ids: np.ndarray) -> int:
    """Delete sightings wherever they are in the store; index and files stay usable, and no byte of them remains.

    Every step can be done again: a process killed in between leaves sightings that a second call finds.

    :param ids: ``(n,)`` int64.
    :returns: how many there were.
    :raises StoreError: the disk refuses, or another program keeps old bytes in the file.
    """
    indexed.blocks.stop()
    # The disk takes the changed blocks while SQLite deletes.
    with indexed.changing(), ThreadPoolExecutor(1, thread_name_prefix="sync_blocks") as syncing:
        indexed.commit(freeze=False)
        before = len(indexed.index)
        synced = syncing.submit(sync_files, indexed.blocks.erase(ids))
        indexed.table.delete_ids(ids.tolist())
        indexed.blocks.note_erased(ids)
        indexed.commit(freeze=False)
        indexed.open_sightings.remove(indexed.blocks.forget(ids))
        indexed.database.clear_traces()
        with store_errors(f"cannot erase sightings in {indexed.database.path.parent}"):
            synced.result()
        indexed.blocks.freeze_next()
        return before - len(indexed.index)


def uncover(indexed: IndexedDatabase, start_ns: int, end_ns: int) -> None:
    """Delete coverage, recordings and rescans between two stamps, as if no frame had arrived then."""
    with indexed.changing():
        indexed.write_pending()
        for coverage in (indexed.coverage, indexed.analysed):
            coverage.delete_between(start_ns, end_ns)
        for camera in set(indexed.index.cameras()) | set(indexed.coverage.cameras()):
            indexed.ingests.delete(camera, start_ns, end_ns)
            indexed.rescans.delete(camera, start_ns, end_ns)
        indexed.commit()


def prune(indexed: IndexedDatabase, limits: SightingLimits, now_ns: int, brake: bool, held: int = 0) -> int:
    """Delete the sightings beyond the limits, the longest unseen first, with the coverage and rescans of their time.

    :param held: the most sightings of the last day.
    :returns: how many sightings were deleted.
    :raises StoreError: see :meth:`SightingLimits.cutoff_ns`.
    """
    with indexed.lock:
        cutoff_ns = limits.cutoff_ns(indexed.index.spans()[1], now_ns, brake, held)
    if cutoff_ns is None:
        return 0

    def delete_others() -> None:
        indexed.coverage.delete_before(cutoff_ns)
        indexed.analysed.delete_before(cutoff_ns)
        indexed.rescans.delete_before(cutoff_ns)

    return _delete(indexed, last_seen_before(cutoff_ns), delete_others, read_ahead=False)


def prune_thumbnails(indexed: IndexedDatabase, limits: SightingLimits, now_ns: int, brake: bool) -> int:
    """Delete the thumbnails beyond their age; their sightings stay.

    :returns: how many were deleted.
    :raises StoreError: see :meth:`SightingLimits.check_thumbnails`.
    """
    cutoff_ns = limits.thumbnails_cutoff_ns(now_ns)
    if cutoff_ns is None:
        return 0
    with indexed.changing():
        indexed.write_pending()
        doomed, held = indexed.table.count_thumbnails(cutoff_ns)
        if brake:
            limits.check_thumbnails(doomed, held)
        if doomed:
            indexed.table.delete_thumbnails(cutoff_ns)
            indexed.commit()
            indexed.database.empty_log()
        return doomed


def _delete(
    indexed: IndexedDatabase, condition: Condition, delete_others: Callable[[], None], read_ahead: bool = True
) -> int:
    indexed.blocks.stop()
    with indexed.changing():
        indexed.write_pending()
        before = len(indexed.index)
        indexed.blocks.remove(indexed.table.ids(condition))
        indexed.table.delete(condition)
        delete_others()
        indexed.commit()
        indexed.database.empty_log()
        indexed.reload(read_ahead)
        return before - len(indexed.index)
