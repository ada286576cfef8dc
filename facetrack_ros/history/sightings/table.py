"""Sightings as rows of the database: every statement that touches them."""

from collections.abc import Iterator

import numpy as np

from facetrack_ros.core.pose import RobotPose
from facetrack_ros.errors import DamagedStoreError, StoreError
from facetrack_ros.history.sightings.database import Database
from facetrack_ros.history.sightings.sighting import Sighting

_BATCH = 4096
_PICTURES = "LEFT JOIN thumbnails t ON t.sighting_id = s.id "
_POSES = "LEFT JOIN poses p ON p.sighting_id = s.id "
_SELECT = (
    "SELECT s.id, s.camera_id, s.stamp_ns, s.first_ns, s.last_ns, s.frame_number, s.track_id, s.person_id, "
    "s.bbox, s.face_bbox, s.quality, s.embedding, t.jpeg, "
    f"p.frame_id, p.stamp_ns, p.pose FROM sightings s {_PICTURES}{_POSES}"
)
_WITHIN = "camera_id = ? AND first_ns >= ? AND last_ns <= ?"


class SightingTable:
    """Writes within the database's open transaction; its owner commits and holds the lock.

    :param model_id: of the embeddings in this database.
    """

    def __init__(self, database: Database, model_id: str, dimension: int) -> None:
        self._database = database
        self._model_id = model_id
        self._dimension = dimension
        # A face a frame stretches a sighting: what changed is written once for all of them. By row: first and last stamp.
        self._spans: dict[int, tuple[int, int]] = {}
        # A file of the first version that is only read has no poses.
        self._select = (
            _SELECT
            if database.version > 1
            else _SELECT.replace("p.frame_id, p.stamp_ns, p.pose", "NULL, NULL, NULL").replace(_POSES, "")
        )

    def insert(self, sighting: Sighting) -> int:
        """Keep a new sighting. Returns its id."""
        row = self._database.write(
            "INSERT INTO sightings (camera_id, stamp_ns, first_ns, last_ns, frame_number, track_id, person_id, bbox, "
            "face_bbox, quality, embedding) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                sighting.camera_id,
                sighting.stamp_ns,
                sighting.first_ns,
                sighting.last_ns,
                sighting.frame_number,
                sighting.track_id,
                sighting.person_id,
                _bytes(sighting.bbox),
                _bytes(sighting.face_bbox),
                sighting.quality,
                _bytes(sighting.embedding),
            ),
        )
        self._database.write("INSERT INTO thumbnails VALUES (?, ?)", (row, sighting.thumbnail))
        if sighting.pose is not None:
            self._keep_pose(row, sighting.pose)
        return row

    def replace_best(self, row: int, better: Sighting) -> None:
        """Give a sighting another best face; its span, track and person stay."""
        self._database.write(
            "UPDATE sightings SET stamp_ns = ?, frame_number = ?, bbox = ?, face_bbox = ?, quality = ?, embedding = ? "
            "WHERE id = ?",
            (
                better.stamp_ns,
                better.frame_number,
                _bytes(better.bbox),
                _bytes(better.face_bbox),
                better.quality,
                _bytes(better.embedding),
                row,
            ),
        )
        self._database.write("UPDATE thumbnails SET jpeg = ? WHERE sighting_id = ?", (better.thumbnail, row))
        if better.pose is not None:
            self._keep_pose(row, better.pose)
        else:
            self._database.write("DELETE FROM poses WHERE sighting_id = ?", (row,))

    def set_span(self, row: int, first_ns: int, last_ns: int) -> None:
        """Give a sighting another first and last stamp; in the database with :meth:`write`."""
        self._spans[row] = first_ns, last_ns

    def write(self) -> None:
        """Bring the spans that changed to the database, in its open transaction."""
        for row, span in self._spans.items():
            self._database.write("UPDATE sightings SET first_ns = ?, last_ns = ? WHERE id = ?", (*span, row))
        self._spans.clear()

    def forget(self) -> None:
        """The rows whose spans changed were taken back or deleted."""
        self._spans.clear()

    def name(self, track_id: str, person_id: str) -> None:
        """Give the sightings of a track that have no person yet this one."""
        self._database.write(
            "UPDATE sightings SET person_id = ? WHERE track_id = ? AND person_id = ''", (person_id, track_id)
        )

    def delete(self, camera_id: str, start_ns: int, end_ns: int) -> None:
        """Delete a camera's sightings that lie wholly between two stamps."""
        values = (camera_id, start_ns, end_ns)
        for table in ("thumbnails", "poses"):
            self._database.write(
                f"DELETE FROM {table} WHERE sighting_id IN (SELECT id FROM sightings WHERE {_WITHIN})", values
            )
        self._database.write(f"DELETE FROM sightings WHERE {_WITHIN}", values)

    def delete_before(self, cutoff_ns: int) -> None:
        """Delete the sightings of all cameras that were last seen before a stamp."""
        for table in ("thumbnails", "poses"):
            self._database.write(
                f"DELETE FROM {table} WHERE sighting_id IN (SELECT id FROM sightings WHERE last_ns < ?)", (cutoff_ns,)
            )
        self._database.write("DELETE FROM sightings WHERE last_ns < ?", (cutoff_ns,))

    def ids_before(self, cutoff_ns: int) -> np.ndarray:
        """``(n,)`` int64: those that :meth:`delete_before` would delete."""
        return np.array(
            [row for (row,) in self._database.rows("SELECT id FROM sightings WHERE last_ns < ?", (cutoff_ns,))],
            np.int64,
        )

    def ids_within(self, camera_id: str, start_ns: int, end_ns: int) -> np.ndarray:
        """``(n,)`` int64: those that :meth:`delete` would delete."""
        return np.array(
            [
                row
                for (row,) in self._database.rows(
                    f"SELECT id FROM sightings WHERE {_WITHIN}", (camera_id, start_ns, end_ns)
                )
            ],
            np.int64,
        )

    def stamps(self, camera_id: str) -> np.ndarray:
        """``(n,)`` int64: the stamps of a camera's best faces."""
        return np.array(
            [
                stamp
                for (stamp,) in self._database.rows("SELECT stamp_ns FROM sightings WHERE camera_id = ?", (camera_id,))
            ],
            np.int64,
        )

    def fetch(self, ids: list[int]) -> list[Sighting]:
        """The sightings of these ids, in that order."""
        found = {}
        for start in range(0, len(ids), 500):  # older SQLite takes 999 values a statement
            part = ids[start : start + 500]
            try:
                rows = self._database.rows(f"{self._select} WHERE s.id IN ({','.join('?' * len(part))})", part)
            except DamagedStoreError:
                rows = [self._without_picture(row) for row in part]
            found.update((row[0], self._sighting(row)) for row in rows)
        return [found[row] for row in ids]

    def _without_picture(self, row: int) -> tuple:
        """A row where the thumbnails are damaged: the sighting counts without its picture."""
        ((found,),) = [
            self._database.rows(self._select.replace("t.jpeg", "x''").replace(_PICTURES, "") + "WHERE s.id = ?", (row,))
        ]
        return found

    def best_of_person(self, person_id: str) -> Sighting | None:
        """The sighting of a person with the highest quality."""
        rows = self._database.rows(
            f"{self._select} WHERE s.person_id = ? ORDER BY s.quality DESC, s.id LIMIT 1", (person_id,)
        )
        return self._sighting(rows[0]) if rows else None

    def persons(self) -> list[tuple]:
        """``(person id, sightings, first stamp, last stamp)`` of everybody seen, those seen last at the end, as of the last
        :meth:`write`."""
        return self._database.rows(
            "SELECT person_id, COUNT(*), MIN(first_ns), MAX(last_ns) FROM sightings "
            "WHERE person_id != '' GROUP BY person_id ORDER BY MAX(last_ns), person_id"
        )

    def best_faces(self, person_id: str, limit: int) -> tuple[np.ndarray, np.ndarray]:
        """``(n, dimension)`` embeddings and ``(n,)`` qualities of a person's best sightings."""
        rows = self._database.rows(
            "SELECT embedding, quality FROM sightings WHERE person_id = ? ORDER BY quality DESC, id LIMIT ?",
            (person_id, limit),
        )
        embeddings = np.frombuffer(b"".join(blob for blob, _ in rows), np.float32).reshape(-1, self._dimension)
        return embeddings, np.array([quality for _, quality in rows], np.float32)

    def of_track(self, track_id: str) -> list[Sighting]:
        """A track's sightings, the first seen first."""
        found = [
            self._sighting(row)
            for row in self._database.rows(f"{self._select} WHERE s.track_id = ? ORDER BY s.id", (track_id,))
        ]
        return sorted(found, key=lambda sighting: sighting.first_ns)

    def batches(self, after: int = -1, last: int = 2**63 - 1) -> Iterator[tuple]:
        """Rows as ``(ids, camera ids, track ids, first, last, (n, dimension) embeddings)``, in order of their ids.

        :param after: only ids above this …
        :param last: … and up to this.
        :raises DamagedStoreError: an embedding is not of the model's length.
        """
        while rows := self._database.rows(
            "SELECT id, camera_id, track_id, first_ns, last_ns, embedding FROM sightings "
            "WHERE id > ? AND id <= ? ORDER BY id LIMIT ?",
            (after, last, _BATCH),
        ):
            *columns, blobs = zip(*rows)
            yield (*columns, self._rows_of(blobs))
            after = rows[-1][0]

    def embeddings(self, ids: list[int]) -> np.ndarray:
        """``(n, dimension)`` float32 of these ids, in that order.

        :raises StoreError: one is not there.
        """
        found = {}
        for start in range(0, len(ids), 500):  # older SQLite takes 999 values a statement
            part = ids[start : start + 500]
            found.update(
                self._database.rows(
                    f"SELECT id, embedding FROM sightings WHERE id IN ({','.join('?' * len(part))})", part
                )
            )
        if len(found) != len(ids):
            raise StoreError(f"sightings were deleted from {self._database.path} by another program; open it again")
        return self._rows_of([found[row] for row in ids])

    def last_id(self) -> int:
        """The highest id, 0 when there is none."""
        ((last,),) = self._database.rows("SELECT COALESCE(MAX(id), 0) FROM sightings")
        return last

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    def _rows_of(self, blobs: list[bytes]) -> np.ndarray:
        if set(map(len, blobs)) - {4 * self._dimension}:
            raise DamagedStoreError(
                f"{self._database.path} is damaged (an embedding has not {self._dimension} numbers); "
                "move it away and a new one is begun"
            )
        return np.frombuffer(b"".join(blobs), np.float32).reshape(len(blobs), self._dimension)

    def _keep_pose(self, row: int, pose: RobotPose) -> None:
        self._database.write(
            "INSERT OR REPLACE INTO poses VALUES (?, ?, ?, ?)",
            (row, pose.frame_id, pose.stamp_ns, np.array([*pose.position, *pose.orientation]).tobytes()),
        )

    def _sighting(self, row: tuple) -> Sighting:
        (
            row_id,
            camera,
            stamp,
            first,
            last,
            number,
            track,
            person,
            bbox,
            face_bbox,
            quality,
            embedding,
            jpeg,
            frame_id,
            pose_ns,
            numbers,
        ) = row
        first, last = self._spans.get(row_id, (first, last))
        pose = None
        if numbers is not None:
            values = np.frombuffer(numbers, np.float64).tolist()
            pose = RobotPose(frame_id, pose_ns, tuple(values[:3]), tuple(values[3:]))
        return Sighting(
            self._database.robot_id,
            camera,
            stamp,
            first,
            last,
            number,
            track,
            person,
            np.frombuffer(bbox, np.float32),
            np.frombuffer(face_bbox, np.float32),
            quality,
            np.frombuffer(embedding, np.float32),
            self._model_id,
            jpeg or b"",
            pose,
        )


def _bytes(values: np.ndarray) -> bytes:
    return np.asarray(values, np.float32).tobytes()
