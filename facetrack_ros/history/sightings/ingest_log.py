"""Log of ingested recordings, so that ingesting one twice adds nothing."""

import zlib
from collections.abc import Iterable

import numpy as np

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
        self._database.write("DELETE FROM partial_ingests WHERE key = ?", (key,))

    def add_partial(self, key: str, camera_id: str, stamps_ns: Iterable[int]) -> None:
        """Note a recording of which only the frames of these stamps were used; it may be tried again."""
        stamps = np.unique(np.fromiter(stamps_ns, np.int64))
        packed = zlib.compress(np.diff(stamps, prepend=0).tobytes())
        row = key, camera_id, int(stamps[0]), int(stamps[-1]), packed
        self._database.write("REPLACE INTO partial_ingests VALUES (?, ?, ?, ?, ?)", row)

    def partial_stamps(self, camera_id: str) -> set[int]:
        """Stamps of the frames of a camera that are used of recordings taken in only in part."""
        rows = self._database.rows("SELECT stamps FROM partial_ingests WHERE camera_id = ?", (camera_id,))
        unpacked = (np.cumsum(np.frombuffer(zlib.decompress(packed), np.int64)) for (packed,) in rows)
        return {stamp for stamps in unpacked for stamp in stamps.tolist()}

    def has_data(self, camera_id: str, start_ns: int, end_ns: int) -> bool:
        """Whether anything of a camera is stored between two stamps, both included."""
        sql = "SELECT 1 FROM {} WHERE camera_id = ? AND {} <= ? AND {} >= ? LIMIT 1"
        return any(self._database.rows(sql.format(*names), (camera_id, end_ns, start_ns)) for names in _SPANS)

    def delete(self, camera_id: str, start_ns: int, end_ns: int) -> None:
        """Delete a camera's recordings and coverage that lie entirely between two stamps."""
        for table in ("ingests", "partial_ingests", "coverage", "analysed"):
            sql = f"DELETE FROM {table} WHERE camera_id = ? AND start_ns >= ? AND end_ns <= ?"
            self._database.write(sql, (camera_id, start_ns, end_ns))
