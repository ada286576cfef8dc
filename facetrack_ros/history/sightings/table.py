"""Sightings as rows of the database: every SQL statement on them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np

from facetrack_ros.core.pictures.picture_limits import THUMBNAIL
from facetrack_ros.core.pose import RobotPose
from facetrack_ros.errors import DamagedStoreError, StoreError
from facetrack_ros.history.sightings.database import Database, database_path
from facetrack_ros.history.sightings.sighting import Sighting
from facetrack_ros.models.contract import ModelContract

_BATCH = 4096
_MAX_VALUES = 500  # SQLite before 3.32 allows 999 values a statement
_BEST_FACE = ("stamp_ns", "frame_number", "bbox", "face_bbox", "quality", "embedding")
_COLUMNS = ("camera_id", "stamp_ns", "first_ns", "last_ns", "frame_number", "track_id", "person_id", *_BEST_FACE[2:])
_ARRAYS = {"bbox", "face_bbox", "embedding"}  # stored as the bytes of their float32 numbers
# A larger one is none, and is not read: zeros of one byte more stand for it.
_TOO_LARGE = THUMBNAIL.max_bytes + 1
_THUMBNAIL = f"CASE WHEN length(t.jpeg) >= {_TOO_LARGE} THEN zeroblob({_TOO_LARGE}) ELSE t.jpeg END"
_OLD_THUMBNAILS = "sighting_id IN (SELECT id FROM sightings WHERE last_ns < ?)"
_THUMBNAILS = "LEFT JOIN thumbnails t ON t.sighting_id = s.id "
_POSES = "LEFT JOIN poses p ON p.sighting_id = s.id "
_SELECT = (
    f"SELECT s.id, {', '.join(f's.{name}' for name in _COLUMNS)}, {_THUMBNAIL}, p.frame_id, p.stamp_ns, p.pose "
    f"FROM sightings s {_THUMBNAILS}{_POSES}"
)
# An SQL condition on sightings, and its values.
Condition: TypeAlias = tuple[str, tuple]


def within(camera_id: str, start_ns: int, end_ns: int) -> Condition:
    """The sightings of a camera that lie entirely between two stamps."""
    return "camera_id = ? AND first_ns >= ? AND last_ns <= ?", (camera_id, start_ns, end_ns)


def last_seen_before(cutoff_ns: int) -> Condition:
    """The sightings of all cameras that ended before a stamp."""
    return "last_ns < ?", (cutoff_ns,)


@dataclass(frozen=True)
class PersonSpan:
    """How many sightings a person has, and from when to when."""

    person_id: str
    sightings: int
    first_ns: int
    last_ns: int


@dataclass(frozen=True, eq=False)
class SightingTrace:
    """A sighting without its face.

    :param row: its id in the database.
    :param bbox: ``(4,)`` float32, the person at ``stamp_ns``, pixels.
    :param thumbnail: whether it has one.
    """

    row: int
    camera_id: str
    track_id: str
    person_id: str
    stamp_ns: int
    first_ns: int
    last_ns: int
    bbox: np.ndarray
    thumbnail: bool


class SightingTable:
    """Reads and writes sightings within the database's open transaction; its owner commits and holds the lock.

    :param model_id: of the embeddings in this database.
    """

    def __init__(self, database: Database, model_id: str, dimension: int) -> None:
        self._database = database
        self._model_id = model_id
        self._dimension = dimension
        # Every face extends the span of a sighting: changes are written together. By row: first and last stamp.
        self._spans: dict[int, tuple[int, int]] = {}
        self._select = _SELECT
        if database.version == 1:  # opened for reading; it has no poses
            self._select = _SELECT.replace("p.frame_id, p.stamp_ns, p.pose", "NULL, NULL, NULL").replace(_POSES, "")

    def insert(self, sighting: Sighting) -> int:
        """Add a sighting. Returns its id."""
        sql = f"INSERT INTO sightings ({', '.join(_COLUMNS)}) VALUES ({_marks(_COLUMNS)})"
        row = self._database.write(sql, _values(sighting, _COLUMNS))
        self._database.write("INSERT INTO thumbnails VALUES (?, ?)", (row, sighting.thumbnail))
        if sighting.pose is not None:
            self._set_pose(row, sighting.pose)
        return row

    def replace_best(self, row: int, better: Sighting) -> None:
        """Give a sighting another best face; its span, track and person stay."""
        sql = f"UPDATE sightings SET {', '.join(f'{name} = ?' for name in _BEST_FACE)} WHERE id = ?"
        self._database.write(sql, (*_values(better, _BEST_FACE), row))
        self._database.write("UPDATE thumbnails SET jpeg = ? WHERE sighting_id = ?", (better.thumbnail, row))
        if better.pose is not None:
            self._set_pose(row, better.pose)
        else:
            self._database.write("DELETE FROM poses WHERE sighting_id = ?", (row,))

    def set_span(self, row: int, first_ns: int, last_ns: int) -> None:
        """Give a sighting another first and last stamp, written by :meth:`write_spans`."""
        self._spans[row] = first_ns, last_ns

    def write_spans(self) -> None:
        """Write the changed spans to the database."""
        for row, span in self._spans.items():
            self._database.write("UPDATE sightings SET first_ns = ?, last_ns = ? WHERE id = ?", (*span, row))
        self._spans.clear()

    def reset(self) -> None:
        """Drop the changed spans: their rows were rolled back or deleted."""
        self._spans.clear()

    def name(self, track_id: str, person_id: str) -> None:
        """Set the person of a track's sightings that have none."""
        sql = "UPDATE sightings SET person_id = ? WHERE track_id = ? AND person_id = ''"
        self._database.write(sql, (person_id, track_id))

    def delete(self, condition: Condition) -> None:
        """Delete sightings with their thumbnails and poses."""
        where, values = condition
        for table in ("thumbnails", "poses"):
            sql = f"DELETE FROM {table} WHERE sighting_id IN (SELECT id FROM sightings WHERE {where})"
            self._database.write(sql, values)
        self._database.write(f"DELETE FROM sightings WHERE {where}", values)

    def delete_ids(self, ids: Sequence[int]) -> None:
        """Delete sightings of these ids with their thumbnails and poses."""
        for part in _parts(list(ids)):
            for table, column in (("thumbnails", "sighting_id"), ("poses", "sighting_id"), ("sightings", "id")):
                self._database.write(f"DELETE FROM {table} WHERE {column} IN ({_marks(part)})", part)
            for row in part:
                self._spans.pop(row, None)

    def count_thumbnails(self, before_ns: int) -> tuple[int, int]:
        """How many thumbnails of sightings last seen before a stamp there are, and how many in all."""
        ((held,),) = self._database.rows("SELECT count(*) FROM thumbnails")
        ((doomed,),) = self._database.rows(f"SELECT count(*) FROM thumbnails WHERE {_OLD_THUMBNAILS}", (before_ns,))
        return doomed, held

    def delete_thumbnails(self, before_ns: int) -> None:
        """Delete the thumbnails of sightings last seen before a stamp."""
        self._database.write(f"DELETE FROM thumbnails WHERE {_OLD_THUMBNAILS}", (before_ns,))

    def traces(self, column: str, values: Iterable[object]) -> list["SightingTrace"]:
        """What rows with one of the values in a column tell of a person beside the face, as of the last
        :meth:`write_spans`.

        :param column: ``person_id``, ``track_id`` or ``id``.
        """
        found: list[SightingTrace] = []
        for part in _parts(list(values)):
            found += self._traces(f"s.{column} IN ({_marks(part)})", tuple(part))
        return found

    def traces_between(self, start_ns: int, end_ns: int) -> list["SightingTrace"]:
        """:meth:`traces` of the rows whose span overlaps a time."""
        return self._traces("s.first_ns <= ? AND s.last_ns >= ?", (end_ns, start_ns))

    def _traces(self, where: str, values: tuple) -> list["SightingTrace"]:
        rows = self._database.rows(
            "SELECT s.id, s.camera_id, s.track_id, s.person_id, s.stamp_ns, s.first_ns, s.last_ns, s.bbox, "
            f"coalesce(length(t.jpeg), 0) > 0 FROM sightings s {_THUMBNAILS}WHERE {where}",
            values,
        )
        return [
            SightingTrace(
                row, camera, track, person, stamp, first, last, np.frombuffer(box, np.float32), bool(thumbnail)
            )
            for row, camera, track, person, stamp, first, last, box, thumbnail in rows
        ]

    def mark_forgotten(self, order_ids: Iterable[str]) -> None:
        """Note which orders to forget were carried out. The table is made for the first; older versions ignore it."""
        new = [order_id for order_id in order_ids if order_id not in self.forgotten_marks()]
        if new:
            self._database.write("CREATE TABLE IF NOT EXISTS forgotten (order_id TEXT PRIMARY KEY) WITHOUT ROWID")
        for order_id in new:
            self._database.write("INSERT OR IGNORE INTO forgotten VALUES (?)", (order_id,))

    def forgotten_marks(self) -> set[str]:
        """The orders noted by :meth:`mark_forgotten`."""
        if not self._database.rows("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'forgotten'"):
            return set()
        return {order_id for (order_id,) in self._database.rows("SELECT order_id FROM forgotten")}

    def ids(self, condition: Condition) -> np.ndarray:
        """``(n,)`` int64: the ids of sightings."""
        where, values = condition
        return self._integers(f"SELECT id FROM sightings WHERE {where}", values)

    def stamps(self, camera_id: str) -> np.ndarray:
        """``(n,)`` int64: the stamps of a camera's best faces."""
        return self._integers("SELECT stamp_ns FROM sightings WHERE camera_id = ?", (camera_id,))

    def fetch(self, ids: list[int]) -> list[Sighting]:
        """The sightings of these ids, in that order."""
        found: dict[int, Sighting] = {}
        for part in _parts(ids):
            try:
                rows = self._database.rows(f"{self._select} WHERE s.id IN ({_marks(part)})", part)
            except DamagedStoreError:
                rows = [self._without_thumbnail(row) for row in part]
            found.update((row[0], self._sighting(row)) for row in rows)
        return [found[row] for row in ids]

    def _without_thumbnail(self, row: int) -> tuple:
        """A row read without its thumbnail, whose page is damaged."""
        select = self._select.replace(_THUMBNAIL, "x''").replace(_THUMBNAILS, "")
        (found,) = self._database.rows(f"{select} WHERE s.id = ?", (row,))
        return found

    def best_of_person(self, person_id: str) -> Sighting | None:
        """The sighting of a person with the highest quality."""
        sql = f"{self._select} WHERE s.person_id = ? ORDER BY s.quality DESC, s.id LIMIT 1"
        rows = self._database.rows(sql, (person_id,))
        return self._sighting(rows[0]) if rows else None

    def persons(self) -> tuple[PersonSpan, ...]:
        """All persons, the last seen at the end, as of the last :meth:`write_spans`."""
        rows = self._database.rows(
            "SELECT person_id, COUNT(*), MIN(first_ns), MAX(last_ns) FROM sightings "
            "WHERE person_id != '' GROUP BY person_id ORDER BY MAX(last_ns), person_id"
        )
        return tuple(PersonSpan(*row) for row in rows)

    def spans_of_persons(self, person_ids: Sequence[str], start_ns: int, end_ns: int) -> list[tuple]:
        """Id, camera, track, first and last stamp of the persons' sightings that overlap a time, as of the last
        :meth:`write_spans`."""
        found: list[tuple] = []
        for part in _parts([each for each in person_ids if each]):
            sql = (
                "SELECT id, camera_id, track_id, first_ns, last_ns FROM sightings "
                f"WHERE person_id IN ({_marks(part)}) AND first_ns <= ? AND last_ns >= ? ORDER BY id"
            )
            found += self._database.rows(sql, (*part, end_ns, start_ns))
        return found

    def best_faces(self, person_id: str, limit: int) -> tuple[np.ndarray, np.ndarray]:
        """``(n, dimension)`` embeddings and ``(n,)`` qualities of a person's best sightings."""
        sql = "SELECT embedding, quality FROM sightings WHERE person_id = ? ORDER BY quality DESC, id LIMIT ?"
        rows = self._database.rows(sql, (person_id, limit))
        embeddings = np.frombuffer(b"".join(blob for blob, _ in rows), np.float32).reshape(-1, self._dimension)
        return embeddings, np.array([quality for _, quality in rows], np.float32)

    def faces_of_tracks(self, track_ids: Iterable[str], limit: int) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """By track the embeddings and qualities of its best sightings, as :meth:`best_faces`.

        :param limit: most sightings of each track.
        """
        rows: dict[str, list[tuple[float, bytes]]] = {}
        for part in _parts([*track_ids]):
            sql = (
                "SELECT track_id, quality, embedding FROM sightings "
                f"WHERE track_id IN ({_marks(part)}) ORDER BY quality DESC, id"
            )
            for track, quality, blob in self._database.rows(sql, part):
                faces = rows.setdefault(track, [])
                if len(faces) < limit:
                    faces.append((quality, blob))
        return {
            track: (self._matrix([blob for _, blob in faces]), np.array([quality for quality, _ in faces], np.float32))
            for track, faces in rows.items()
        }

    def of_track(self, track_id: str) -> list[Sighting]:
        """A track's sightings, the first seen first."""
        rows = self._database.rows(f"{self._select} WHERE s.track_id = ? ORDER BY s.id", (track_id,))
        return sorted(map(self._sighting, rows), key=lambda sighting: sighting.first_ns)

    def batches(self, after: int = -1, last: int = 2**63 - 1) -> Iterator[tuple]:
        """Rows as ``(ids, camera ids, track ids, first, last, (n, dimension) embeddings)``, in order of their ids.

        :param after: only ids above this …
        :param last: … and up to this.
        :raises DamagedStoreError: an embedding does not have the model's length.
        """
        while rows := self._database.rows(
            "SELECT id, camera_id, track_id, first_ns, last_ns, embedding FROM sightings "
            "WHERE id > ? AND id <= ? ORDER BY id LIMIT ?",
            (after, last, _BATCH),
        ):
            *columns, blobs = zip(*rows)
            yield (*columns, self._matrix(blobs))
            after = rows[-1][0]

    def embeddings(self, ids: list[int]) -> np.ndarray:
        """``(n, dimension)`` float32 of these ids, in that order.

        :raises StoreError: one is missing.
        """
        found: dict[int, bytes] = {}
        for part in _parts(ids):
            found.update(self._database.rows(f"SELECT id, embedding FROM sightings WHERE id IN ({_marks(part)})", part))
        if len(found) != len(ids):
            raise StoreError(f"sightings were deleted from {self._database.path} by another program; open it again")
        return self._matrix([found[row] for row in ids])

    def last_id(self) -> int:
        """The highest id, 0 when there is none."""
        ((last,),) = self._database.rows("SELECT COALESCE(MAX(id), 0) FROM sightings")
        return last

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    def _integers(self, sql: str, values: tuple) -> np.ndarray:
        return np.array([value for (value,) in self._database.rows(sql, values)], np.int64)

    def _matrix(self, blobs: Sequence[bytes]) -> np.ndarray:
        if set(map(len, blobs)) - {4 * self._dimension}:
            problem = f"{self._database.path} is damaged (an embedding does not have {self._dimension} numbers)"
            raise DamagedStoreError(f"{problem}; move it away and a new one is created")
        return np.frombuffer(b"".join(blobs), np.float32).reshape(len(blobs), self._dimension)

    def _set_pose(self, row: int, pose: RobotPose) -> None:
        values = row, pose.frame_id, pose.stamp_ns, np.array([*pose.position, *pose.orientation]).tobytes()
        self._database.write("INSERT OR REPLACE INTO poses VALUES (?, ?, ?, ?)", values)

    def _sighting(self, row: tuple) -> Sighting:
        row_id, camera, stamp, first, last, number, track, person, bbox, face_bbox, quality, embedding, *rest = row
        jpeg, frame_id, pose_ns, numbers = rest
        pose = None
        if numbers is not None:
            x, y, z, qx, qy, qz, qw = np.frombuffer(numbers, np.float64).tolist()
            pose = RobotPose(frame_id, pose_ns, (x, y, z), (qx, qy, qz, qw))
        first, last = self._spans.get(row_id, (first, last))
        place = self._database.robot_id, camera, stamp, first, last, number, track, person
        box, face_box, vector = (np.frombuffer(array, np.float32) for array in (bbox, face_bbox, embedding))
        face = box, face_box, quality, vector, self._model_id, jpeg or b"", pose
        return Sighting(*place, *face)


def best_faces_stored(
    directory: Path | str, contract: ModelContract, person_ids: Iterable[str], limit: int = 30
) -> tuple[np.ndarray, np.ndarray]:
    """Embeddings and qualities of the best sightings of a person in a stored history, read without its index.

    :param directory: the robot's folder.
    :param person_ids: all ids of the person.
    :param limit: most faces of each id.
    :returns: as :meth:`SightingTable.best_faces`.
    :raises StoreError: the store is absent, damaged, of a newer version, or of another model.
    """
    database = Database.for_reading(database_path(directory, contract.id), contract)
    try:
        table = SightingTable(database, contract.id, contract.dimension)
        faces = [table.best_faces(person_id, limit) for person_id in person_ids]
    finally:
        database.close()
    return np.concatenate([rows for rows, _ in faces]), np.concatenate([qualities for _, qualities in faces])


def _values(sighting: Sighting, columns: Iterable[str]) -> list:
    values = ((name, getattr(sighting, name)) for name in columns)
    return [np.asarray(value, np.float32).tobytes() if name in _ARRAYS else value for name, value in values]


def _parts(ids: list) -> Iterator[list]:
    return (ids[start : start + _MAX_VALUES] for start in range(0, len(ids), _MAX_VALUES))


def _marks(values: Sequence) -> str:
    return ", ".join("?" * len(values))
