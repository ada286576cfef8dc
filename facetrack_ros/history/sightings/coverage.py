"""Coverage: when each camera delivered frames, and when they were searched for faces.

Tells "no face was seen" from "there was no camera" and from "nothing was analysed".
"""

from collections.abc import Sequence

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


def subtract_spans(
    spans: Sequence[tuple[int, int]], others: Sequence[tuple[int, int]], shortest_ns: int = 0
) -> tuple[tuple[int, int], ...]:
    """The parts of spans outside all others; both are in order of time and without overlaps.

    :param shortest_ns: only parts longer than this.
    """
    parts = []
    for start, end in spans:
        at = start
        for low, high in others:
            if high < at or low > end:
                continue
            parts.append((at, low))
            at = max(at, high)
        parts.append((at, end))
    return tuple((start, end) for start, end in parts if end - start > shortest_ns)


def clip_spans(spans: Sequence[tuple[int, int]], start_ns: int, end_ns: int) -> tuple[tuple[int, int], ...]:
    """The parts of spans between two stamps."""
    return tuple((max(low, start_ns), min(high, end_ns)) for low, high in spans if low <= end_ns and high >= start_ns)


#: Frames farther apart than this leave a gap: 2 s, so that a slow camera leaves none.
GAP_NS = 2_000_000_000
#: Analysed frames farther apart than this leave a gap. Chosen by hand: most people take longer to pass a camera, and
#: models that load, or a busy computer, often take longer than :data:`GAP_NS`.
ANALYSED_GAP_NS = 5_000_000_000
FRAMES, ANALYSED = "coverage", "analysed"


class Coverage:
    """Time spans in which frames of a camera arrived, or were analysed, stored in the database.

    Not thread-safe: its owner holds the lock.

    :param table: :data:`FRAMES` or :data:`ANALYSED`.
    :param gap_ns: frames farther apart than this leave a gap.
    """

    def __init__(self, database: Database, table: str = FRAMES, gap_ns: int = GAP_NS) -> None:
        self._database = database
        self._table = table
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
        sql = f"SELECT start_ns, end_ns FROM {self._table} WHERE camera_id = ?"
        return merge_spans(self._database.rows(sql, (camera_id,)), self._gap_ns)

    def cameras(self) -> tuple[str, ...]:
        """Every camera with a span, sorted."""
        self.write()
        rows = self._database.rows(f"SELECT DISTINCT camera_id FROM {self._table} ORDER BY 1")
        return tuple(camera for (camera,) in rows)

    def delete_before(self, cutoff_ns: int) -> None:
        """Delete the coverage before a stamp, together with the sightings of that time."""
        self.write()
        self._database.write(f"DELETE FROM {self._table} WHERE end_ns < ?", (cutoff_ns,))
        self._database.write(f"UPDATE {self._table} SET start_ns = ? WHERE start_ns < ?", (cutoff_ns, cutoff_ns))

    def delete_between(self, start_ns: int, end_ns: int) -> None:
        """Delete the coverage between two stamps, of all cameras."""
        self.write()
        spans = self._database.rows(
            f"SELECT id, camera_id, start_ns, end_ns FROM {self._table} WHERE start_ns <= ? AND end_ns >= ?",
            (end_ns, start_ns),
        )
        for row, camera, first, last in spans:
            self._database.write(f"DELETE FROM {self._table} WHERE id = ?", (row,))
            for part in subtract_spans([(first, last)], [(start_ns, end_ns)]):
                sql = f"INSERT INTO {self._table} (camera_id, start_ns, end_ns) VALUES (?, ?, ?)"
                self._database.write(sql, (camera, *part))
        self.reset()

    def reset(self) -> None:
        """Begin new spans: the written ones were rolled back or deleted."""
        self._current.clear()
        self._changed.clear()

    def _write(self, camera_id: str) -> None:
        if camera_id not in self._changed:
            return
        row, start, end = self._current[camera_id]
        if row:
            sql = f"UPDATE {self._table} SET start_ns = ?, end_ns = ? WHERE id = ?"
            self._database.write(sql, (start, end, row))
        else:
            sql = f"INSERT INTO {self._table} (camera_id, start_ns, end_ns) VALUES (?, ?, ?)"
            self._current[camera_id][0] = self._database.write(sql, (camera_id, start, end))
        self._changed.discard(camera_id)
