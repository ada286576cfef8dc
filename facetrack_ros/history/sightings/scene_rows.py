"""Sightings of a database as columns, without thumbnails: samples of a store, and when persons were seen."""

from itertools import pairwise

import numpy as np

from facetrack_ros.history.sightings.database import Database
from facetrack_ros.history.sightings.scene import SampledSightings


class SceneRows:
    """Reads what is written; see :meth:`SightingTable.write_spans`. Its owner holds the lock.

    :param dimension: of the embeddings.
    """

    def __init__(self, database: Database, dimension: int) -> None:
        self._database = database
        self._dimension = dimension

    def spans_of_person(self, person_id: str, limit: int) -> tuple[list[tuple[str, str]], np.ndarray]:
        """Camera and track, and first and last stamp ``(n, 2)`` int64, of a person's best sightings."""
        rows = self._database.rows(
            "SELECT camera_id, track_id, first_ns, last_ns FROM sightings "
            "WHERE person_id = ? ORDER BY quality DESC LIMIT ?",
            (person_id, limit),
        )
        return [row[:2] for row in rows], np.array([row[2:] for row in rows], np.int64).reshape(-1, 2)

    def sample(self, rows: int, stretches: int) -> SampledSightings:
        """Sightings in stretches of consecutive ones, evenly over all.

        :param rows: about how many at most.
        """
        ((last,),) = self._database.rows("SELECT COALESCE(MAX(id), 0) FROM sightings")
        each = max(1, rows // stretches)
        sql = (
            "SELECT person_id, camera_id, track_id, quality, first_ns, last_ns, embedding FROM sightings "
            "WHERE id >= ? AND id < ? ORDER BY id LIMIT ?"
        )
        starts = [*range(1, last + 1, max(each, -(-last // stretches))), last + 1]
        found = [row for span in pairwise(starts) for row in self._database.rows(sql, (*span, each))]
        people, cameras, tracks, qualities, first, last_ns, blobs = zip(*found) if found else ((),) * 7
        embeddings = np.frombuffer(b"".join(blobs), np.float32).reshape(-1, self._dimension)
        spans = np.array([first, last_ns], np.int64).reshape(2, -1).T
        return SampledSightings(people, cameras, tracks, spans, np.array(qualities, np.float32), embeddings)
