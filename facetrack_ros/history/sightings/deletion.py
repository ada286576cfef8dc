"""Deletion of sightings, so that no byte of them remains in any file.

SQLite overwrites deleted rows. Index blocks that hold them are deleted first, so that a process killed in between
leaves none.
"""

from collections.abc import Callable

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
