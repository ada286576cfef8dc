"""Log of rescanned frames and the faces found in them."""

from facetrack_ros.history.sightings.database import Database

_TABLE = "looked_again"
_CREATE = f"""CREATE TABLE IF NOT EXISTS {_TABLE} (camera_id TEXT NOT NULL, stamp_ns INTEGER NOT NULL,
    faces INTEGER NOT NULL, PRIMARY KEY (camera_id, stamp_ns)) WITHOUT ROWID"""


class RescanLog:
    """A row for each frame that was rescanned, in the store of the model used.

    The table is created with its first row: a store that was never rescanned stays unchanged, and an older version of
    this package ignores it. Not thread-safe: its owner holds the lock and commits.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._created = False

    def add(self, camera_id: str, stamp_ns: int, faces: int) -> None:
        """Note a rescanned frame and the number of faces found in it."""
        if not self._created:
            self._database.write(_CREATE)
            self._created = True
        self._database.write(f"REPLACE INTO {_TABLE} VALUES (?, ?, ?)", (camera_id, stamp_ns, faces))

    def stamps(self, camera_id: str, start_ns: int, end_ns: int) -> set[int]:
        """Stamps of a camera's rescanned frames between two stamps, both included."""
        rows = self._rows("camera_id = ? AND stamp_ns BETWEEN ? AND ?", (camera_id, start_ns, end_ns))
        return {stamp for (stamp,) in rows}

    def found(self, camera_id: str, stamp_ns: int) -> bool:
        """Whether a rescan found a face in that frame."""
        return bool(self._rows("camera_id = ? AND stamp_ns = ? AND faces > 0", (camera_id, stamp_ns)))

    def delete(self, camera_id: str, start_ns: int, end_ns: int) -> None:
        """Delete a camera's rows between two stamps."""
        self._delete("camera_id = ? AND stamp_ns BETWEEN ? AND ?", (camera_id, start_ns, end_ns))

    def delete_before(self, cutoff_ns: int) -> None:
        """Delete the rows of all cameras before a stamp."""
        self._delete("stamp_ns < ?", (cutoff_ns,))

    def reset(self) -> None:
        """Forget that the table was created: that may have been rolled back."""
        self._created = False

    def _rows(self, where: str, values: tuple) -> list[tuple]:
        return self._database.rows(f"SELECT stamp_ns FROM {_TABLE} WHERE {where}", values) if self._exists() else []

    def _delete(self, where: str, values: tuple) -> None:
        if self._exists():
            self._database.write(f"DELETE FROM {_TABLE} WHERE {where}", values)

    def _exists(self) -> bool:
        self._created = self._created or bool(
            self._database.rows("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?", (_TABLE,))
        )
        return self._created
