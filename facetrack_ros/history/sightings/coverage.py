"""When each camera was looking, so that "nobody was seen" is told from "nobody looked"."""

from facetrack_ros.history.sightings.database import Database


def merge_spans(spans: list[tuple[int, int]], gap_ns: int = 0) -> tuple[tuple[int, int], ...]:
    """Spans ``(start_ns, end_ns)`` in order of time, joined where no more than ``gap_ns`` lies between them."""
    joined: list[list[int]] = []
    for start, end in sorted(spans):
        if joined and start - joined[-1][1] <= gap_ns:
            joined[-1][1] = max(joined[-1][1], end)
        else:
            joined.append([start, end])
    return tuple((start, end) for start, end in joined)


class Coverage:
    """Time spans in which frames of a camera came in, kept in the store's database.

    Not thread-safe: its owner holds the lock.

    :param gap_ns: frames farther apart than this leave a gap; 2 s, so that a slow camera leaves none.
    """

    def __init__(self, database: Database, gap_ns: int = 2_000_000_000) -> None:
        self._database = database
        self._gap_ns = gap_ns
        self._now: dict[str, list[int]] = {}  # per camera: row id (0: not yet written), start, end
        self._changed: set[str] = set()

    def saw(self, camera_id: str, stamp_ns: int) -> None:
        """A frame came in."""
        now = self._now.get(camera_id)
        if now is None or not now[1] - self._gap_ns <= stamp_ns <= now[2] + self._gap_ns:
            self._write(camera_id)
            now = self._now[camera_id] = [0, stamp_ns, stamp_ns]
        now[1] = min(now[1], stamp_ns)
        now[2] = max(now[2], stamp_ns)
        self._changed.add(camera_id)

    def write(self) -> None:
        """Bring what changed to the database, in its open transaction."""
        for camera_id in tuple(self._changed):
            self._write(camera_id)

    def spans(self, camera_id: str) -> tuple[tuple[int, int], ...]:
        """When a camera looked, in order of time."""
        self.write()
        return merge_spans(
            self._database.rows("SELECT start_ns, end_ns FROM coverage WHERE camera_id = ?", (camera_id,)), self._gap_ns
        )

    def cameras(self) -> tuple[str, ...]:
        """Every camera that ever looked, sorted."""
        self.write()
        return tuple(camera for (camera,) in self._database.rows("SELECT DISTINCT camera_id FROM coverage ORDER BY 1"))

    def delete_before(self, cutoff_ns: int) -> None:
        """Of the time before a stamp nothing is known any more, for what was seen then is deleted."""
        self.write()
        self._database.write("DELETE FROM coverage WHERE end_ns < ?", (cutoff_ns,))
        self._database.write("UPDATE coverage SET start_ns = ? WHERE start_ns < ?", (cutoff_ns, cutoff_ns))

    def forget(self) -> None:
        """Begin new spans: the written ones were taken back or deleted."""
        self._now.clear()
        self._changed.clear()

    def _write(self, camera_id: str) -> None:
        if camera_id not in self._changed:
            return
        row, start, end = self._now[camera_id]
        if row:
            self._database.write("UPDATE coverage SET start_ns = ?, end_ns = ? WHERE id = ?", (start, end, row))
        else:
            self._now[camera_id][0] = self._database.write(
                "INSERT INTO coverage (camera_id, start_ns, end_ns) VALUES (?, ?, ?)", (camera_id, start, end)
            )
        self._changed.discard(camera_id)
