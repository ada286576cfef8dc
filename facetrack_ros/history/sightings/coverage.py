"""Coverage: when each camera delivered frames. Tells "no face was seen" from "there was no camera"."""

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
    """Time spans in which frames of a camera arrived, stored in the database.

    Not thread-safe: its owner holds the lock.

    :param gap_ns: frames farther apart than this leave a gap; 2 s, so that a slow camera leaves none.
    """

    def __init__(self, database: Database, gap_ns: int = 2_000_000_000) -> None:
        self._database = database
        self._gap_ns = gap_ns
        self._current: dict[str, list[int]] = {}  # per camera: row id (0: not yet written), start, end
        self._changed: set[str] = set()

    def add(self, camera_id: str, stamp_ns: int) -> None:
        """Take in a frame's stamp."""
        span = self._current.get(camera_id)
        if span is None or not span[1] - self._gap_ns <= stamp_ns <= span[2] + self._gap_ns:
            self._write(camera_id)
            span = self._current[camera_id] = [0, stamp_ns, stamp_ns]
        span[1] = min(span[1], stamp_ns)
        span[2] = max(span[2], stamp_ns)
        self._changed.add(camera_id)

    def write(self) -> None:
        """Write what changed to the database, in its open transaction."""
        for camera_id in tuple(self._changed):
            self._write(camera_id)

    def spans(self, camera_id: str) -> tuple[tuple[int, int], ...]:
        """A camera's spans, in order of time."""
        self.write()
        sql = "SELECT start_ns, end_ns FROM coverage WHERE camera_id = ?"
        return merge_spans(self._database.rows(sql, (camera_id,)), self._gap_ns)

    def cameras(self) -> tuple[str, ...]:
        """Every camera with a span, sorted."""
        self.write()
        return tuple(camera for (camera,) in self._database.rows("SELECT DISTINCT camera_id FROM coverage ORDER BY 1"))

    def delete_before(self, cutoff_ns: int) -> None:
        """Delete the coverage before a stamp, together with the sightings of that time."""
        self.write()
        self._database.write("DELETE FROM coverage WHERE end_ns < ?", (cutoff_ns,))
        self._database.write("UPDATE coverage SET start_ns = ? WHERE start_ns < ?", (cutoff_ns, cutoff_ns))

    def reset(self) -> None:
        """Begin new spans: the written ones were rolled back or deleted."""
        self._current.clear()
        self._changed.clear()

    def _write(self, camera_id: str) -> None:
        if camera_id not in self._changed:
            return
        row, start, end = self._current[camera_id]
        if row:
            self._database.write("UPDATE coverage SET start_ns = ?, end_ns = ? WHERE id = ?", (start, end, row))
        else:
            sql = "INSERT INTO coverage (camera_id, start_ns, end_ns) VALUES (?, ?, ?)"
            self._current[camera_id][0] = self._database.write(sql, (camera_id, start, end))
        self._changed.discard(camera_id)
