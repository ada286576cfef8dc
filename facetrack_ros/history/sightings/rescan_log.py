"""Which stored frames were looked at again, and what that found."""

from facetrack_ros.history.sightings.database import Database

_TABLE = "looked_again"
_MADE = f"""CREATE TABLE IF NOT EXISTS {_TABLE} (camera_id TEXT NOT NULL, stamp_ns INTEGER NOT NULL,
    faces INTEGER NOT NULL, PRIMARY KEY (camera_id, stamp_ns)) WITHOUT ROWID"""


class RescanLog:
    """A note for each frame that a rescan looked at, in the store of the model it looked with.

    The table comes with its first row: a store that never was rescanned stays as it was, and an older version of this
    package passes it over. Not thread-safe: its owner holds the lock and commits.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._there = False

    def add(self, camera_id: str, stamp_ns: int, faces: int) -> None:
        """A frame was looked at again, and so many faces were found in it."""
        if not self._there:
            self._database.write(_MADE)
            self._there = True
        self._database.write(f"REPLACE INTO {_TABLE} VALUES (?, ?, ?)", (camera_id, stamp_ns, faces))

    def stamps(self, camera_id: str, start_ns: int, end_ns: int) -> set[int]:
        """Stamps of a camera's frames that were looked at again, between two stamps, both included."""
        if not self._exists():
            return set()
        return {
            stamp
            for (stamp,) in self._database.rows(
                f"SELECT stamp_ns FROM {_TABLE} WHERE camera_id = ? AND stamp_ns BETWEEN ? AND ?",
                (camera_id, start_ns, end_ns),
            )
        }

    def found(self, camera_id: str, stamp_ns: int) -> bool:
        """Whether a face of that frame was found by looking again."""
        return self._exists() and bool(
            self._database.rows(
                f"SELECT 1 FROM {_TABLE} WHERE camera_id = ? AND stamp_ns = ? AND faces > 0", (camera_id, stamp_ns)
            )
        )

    def delete(self, camera_id: str, start_ns: int, end_ns: int) -> None:
        """Delete a camera's notes between two stamps."""
        if self._exists():
            self._database.write(
                f"DELETE FROM {_TABLE} WHERE camera_id = ? AND stamp_ns BETWEEN ? AND ?", (camera_id, start_ns, end_ns)
            )

    def delete_before(self, cutoff_ns: int) -> None:
        """Delete the notes of all cameras before a stamp."""
        if self._exists():
            self._database.write(f"DELETE FROM {_TABLE} WHERE stamp_ns < ?", (cutoff_ns,))

    def forget(self) -> None:
        """What was written last was taken back, the table perhaps with it."""
        self._there = False

    def _exists(self) -> bool:
        self._there = self._there or bool(
            self._database.rows("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?", (_TABLE,))
        )
        return self._there
