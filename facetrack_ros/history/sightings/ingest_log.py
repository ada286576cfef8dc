"""Log of ingested recordings, so that ingesting one twice adds nothing."""

from facetrack_ros.history.sightings.database import Database

_SPANS = (("sightings", "first_ns", "last_ns"), ("ingests", "start_ns", "end_ns"), ("coverage", "start_ns", "end_ns"))


class IngestLog:
    """The recordings a store has ingested. Its owner commits and holds the lock."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def has(self, key: str) -> bool:
        """Whether a recording of this key was ingested to its end."""
        return bool(self._database.rows("SELECT 1 FROM ingests WHERE key = ?", (key,)))

    def add(self, key: str, camera_id: str, start_ns: int, end_ns: int) -> None:
        """Note a recording, from its first frame to its last."""
        self._database.write("REPLACE INTO ingests VALUES (?, ?, ?, ?)", (key, camera_id, start_ns, end_ns))

    def has_data(self, camera_id: str, start_ns: int, end_ns: int) -> bool:
        """Whether anything of a camera is stored between two stamps, both included."""
        sql = "SELECT 1 FROM {} WHERE camera_id = ? AND {} <= ? AND {} >= ? LIMIT 1"
        return any(self._database.rows(sql.format(*names), (camera_id, end_ns, start_ns)) for names in _SPANS)

    def delete(self, camera_id: str, start_ns: int, end_ns: int) -> None:
        """Delete a camera's recordings and coverage that lie entirely between two stamps."""
        for table in ("ingests", "coverage"):
            sql = f"DELETE FROM {table} WHERE camera_id = ? AND start_ns >= ? AND end_ns <= ?"
            self._database.write(sql, (camera_id, start_ns, end_ns))
