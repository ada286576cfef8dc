"""Sightings as rows of the database: every statement that touches them."""

from collections.abc import Iterator

import numpy as np

from facetrack_ros.errors import DamagedStoreError
from facetrack_ros.history.database import Database
from facetrack_ros.history.sighting import Sighting

_BATCH = 4096
_JOIN = "LEFT JOIN thumbnails t ON t.sighting_id = s.id "
_SELECT = ("SELECT s.id, s.camera_id, s.stamp_ns, s.first_ns, s.last_ns, s.frame_number, s.track_id, s.person_id, "
           "s.bbox, s.face_bbox, s.quality, s.embedding, t.jpeg "
           f"FROM sightings s {_JOIN}")
_WITHIN = "camera_id = ? AND first_ns >= ? AND last_ns <= ?"


class SightingRows:
    """Writes within the database's open transaction; its owner commits and holds the lock.

    :param model_id: of the embeddings in this database.
    """

    def __init__(self, database: Database, model_id: str, dimension: int) -> None:
        self._database = database
        self._model_id = model_id
        self._dimension = dimension

    def insert(self, sighting: Sighting) -> int:
        """Keep a new sighting. Returns its id."""
        row = self._database.write(
            "INSERT INTO sightings (camera_id, stamp_ns, first_ns, last_ns, frame_number, track_id, person_id, bbox, "
            "face_bbox, quality, embedding) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (sighting.camera_id, sighting.stamp_ns, sighting.first_ns, sighting.last_ns, sighting.frame_number,
             sighting.track_id, sighting.person_id, _bytes(sighting.bbox), _bytes(sighting.face_bbox), sighting.quality,
             _bytes(sighting.embedding)))
        self._database.write("INSERT INTO thumbnails VALUES (?, ?)", (row, sighting.thumbnail))
        return row

    def replace_best(self, row: int, better: Sighting) -> None:
        """Give a sighting another best face; its span, track and person stay."""
        self._database.write(
            "UPDATE sightings SET stamp_ns = ?, frame_number = ?, bbox = ?, face_bbox = ?, quality = ?, embedding = ? "
            "WHERE id = ?", (better.stamp_ns, better.frame_number, _bytes(better.bbox), _bytes(better.face_bbox),
                             better.quality, _bytes(better.embedding), row))
        self._database.write("UPDATE thumbnails SET jpeg = ? WHERE sighting_id = ?", (better.thumbnail, row))

    def set_span(self, row: int, first_ns: int, last_ns: int) -> None:
        """Give a sighting another first and last stamp."""
        self._database.write("UPDATE sightings SET first_ns = ?, last_ns = ? WHERE id = ?", (first_ns, last_ns, row))

    def name(self, track_id: str, person_id: str) -> None:
        """Give the sightings of a track that have no person yet this one."""
        self._database.write("UPDATE sightings SET person_id = ? WHERE track_id = ? AND person_id = ''",
                             (person_id, track_id))

    def delete(self, camera_id: str, start_ns: int, end_ns: int) -> None:
        """Delete a camera's sightings that lie wholly between two stamps."""
        values = (camera_id, start_ns, end_ns)
        self._database.write(f"DELETE FROM thumbnails WHERE sighting_id IN (SELECT id FROM sightings WHERE {_WITHIN})",
                             values)
        self._database.write(f"DELETE FROM sightings WHERE {_WITHIN}", values)

    def fetch(self, ids: "list[int]") -> "list[Sighting]":
        """The sightings of these ids, in that order."""
        found = {}
        for start in range(0, len(ids), 500):  # older SQLite takes 999 values a statement
            part = ids[start:start + 500]
            try:
                rows = self._database.rows(f"{_SELECT} WHERE s.id IN ({','.join('?' * len(part))})", part)
            except DamagedStoreError:
                rows = [self._without_picture(row) for row in part]
            found.update((row[0], self._sighting(row)) for row in rows)
        return [found[row] for row in ids]

    def _without_picture(self, row: int) -> tuple:
        """A row where the thumbnails are damaged: the sighting counts without its picture."""
        (found,), = [self._database.rows(_SELECT.replace("t.jpeg", "x''").replace(_JOIN, "") + "WHERE s.id = ?", (row,))]
        return found

    def best_of_person(self, person_id: str) -> "Sighting | None":
        """The sighting of a person with the highest quality."""
        rows = self._database.rows(f"{_SELECT} WHERE s.person_id = ? ORDER BY s.quality DESC, s.id LIMIT 1",
                                   (person_id,))
        return self._sighting(rows[0]) if rows else None

    def persons(self) -> "list[tuple]":
        """``(person id, sightings, first stamp, last stamp)`` of everybody seen, those seen last at the end."""
        return self._database.rows("SELECT person_id, COUNT(*), MIN(first_ns), MAX(last_ns) FROM sightings "
                                   "WHERE person_id != '' GROUP BY person_id ORDER BY MAX(last_ns), person_id")

    def best_faces(self, person_id: str, limit: int) -> "tuple[np.ndarray, np.ndarray]":
        """``(n, dimension)`` embeddings and ``(n,)`` qualities of a person's best sightings."""
        rows = self._database.rows("SELECT embedding, quality FROM sightings WHERE person_id = ? "
                                   "ORDER BY quality DESC, id LIMIT ?", (person_id, limit))
        embeddings = np.frombuffer(b"".join(blob for blob, _ in rows), np.float32).reshape(-1, self._dimension)
        return embeddings, np.array([quality for _, quality in rows], np.float32)

    def of_track(self, track_id: str) -> "list[Sighting]":
        """A track's sightings, the first seen first."""
        return [self._sighting(row) for row in self._database.rows(
            f"{_SELECT} WHERE s.track_id = ? ORDER BY s.first_ns, s.id", (track_id,))]

    def batches(self) -> "Iterator[tuple]":
        """All rows as ``(ids, camera ids, track ids, first, last, (n, dimension) embeddings)``, in order of their ids.

        :raises DamagedStoreError: an embedding is not of the model's length.
        """
        after = -1
        while rows := self._database.rows("SELECT id, camera_id, track_id, first_ns, last_ns, embedding FROM sightings "
                                          "WHERE id > ? ORDER BY id LIMIT ?", (after, _BATCH)):
            *columns, blobs = zip(*rows)
            if set(map(len, blobs)) != {4 * self._dimension}:
                raise DamagedStoreError(f"{self._database.path} is damaged (an embedding has not {self._dimension} numbers); "
                                 "move it away and a new one is begun")
            yield (*columns, np.frombuffer(b"".join(blobs), np.float32).reshape(len(blobs), self._dimension))
            after = rows[-1][0]

    def _sighting(self, row: tuple) -> Sighting:
        _, camera, stamp, first, last, number, track, person, bbox, face_bbox, quality, embedding, jpeg = row
        return Sighting(self._database.robot_id, camera, stamp, first, last, number, track, person,
                        np.frombuffer(bbox, np.float32), np.frombuffer(face_bbox, np.float32), quality,
                        np.frombuffer(embedding, np.float32), self._model_id, jpeg or b"")


def _bytes(values: np.ndarray) -> bytes:
    return np.asarray(values, np.float32).tobytes()
