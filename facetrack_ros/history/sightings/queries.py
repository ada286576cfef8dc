"""Reading side of a sighting store: searches, sightings by track and time, spans and counts."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from facetrack_ros.core.vectors import unit_vector
from facetrack_ros.history.disk_room import folder_bytes
from facetrack_ros.history.sightings.database import ANALYSED_SINCE, index_path
from facetrack_ros.history.sightings.indexed_database import IndexedDatabase
from facetrack_ros.history.sightings.scene import SAMPLE_ROWS, SAMPLE_STRETCHES, Scene
from facetrack_ros.history.sightings.scene_rows import SceneRows
from facetrack_ros.history.sightings.sighting import Sighting
from facetrack_ros.history.sightings.table import PersonSpan, SightingTrace
from facetrack_ros.tracking.identity_merges import IdentityMerges

#: Faces that stand for a track, the best.
FACES_OF_A_TRACK = 30
# Sightings of a person looked at to find with whom the person was seen.
_MOST_SPANS = 1000
# The sample of the scene is read again when there are so many times as many sightings.
_GROWN = 1.25


@dataclass(frozen=True, eq=False)
class TrackHit:
    """A matching track: its best sighting, and the span of all its sightings that matched."""

    sighting: Sighting
    similarity: float
    first_ns: int
    last_ns: int


@dataclass(frozen=True)
class CameraSpan:
    """How many sightings a camera has, and from when to when."""

    sightings: int
    first_ns: int
    last_ns: int


class SightingQueries:
    """Queries of the sightings of one robot and one model.

    Thread-safe: one lock guards file and index, so a search sees all of an addition or nothing of it.
    """

    def __init__(self, indexed: IndexedDatabase) -> None:
        self._indexed = indexed
        self.contract = indexed.contract
        self.robot_id = indexed.database.robot_id
        self._scene: tuple[Scene | None, object, int] = (None, None, 0)

    @property
    def path(self) -> Path:
        """The SQLite file."""
        return self._indexed.database.path

    def search(
        self,
        embedding: np.ndarray,
        start_ns: int,
        end_ns: int,
        cameras: tuple[str, ...] = (),
        threshold: float = -1.0,
        limit: int = 20,
    ) -> tuple[list[tuple[Sighting, float]], int]:
        """Compare a face with every sighting whose span overlaps ``[start_ns, end_ns]``; exact.

        :param embedding: ``(dimension,)`` unit vector.
        :param cameras: only these; empty: all.
        :param threshold: lowest cosine similarity of a hit.
        :param limit: most hits returned.
        :returns: ``(sighting, similarity)`` best first, and how many sightings were compared.
        :raises StoreError: the embedding is not one of the model's.
        """
        vector = unit_vector(embedding, self.contract.dimension)
        with self._indexed.lock:
            hits = self._indexed.index.search(vector, start_ns, end_ns, cameras, threshold, limit)
            return list(zip(self._fetch(hits.rows), hits.similarity.tolist())), hits.compared

    def search_tracks(
        self, embedding: np.ndarray, start_ns: int, end_ns: int, cameras: tuple[str, ...], threshold: float, limit: int
    ) -> tuple[list[TrackHit], int, int]:
        """Like :meth:`search`, reduced to the best sighting of each track.

        :param limit: most tracks returned.
        :returns: tracks best first, how many there are without the limit, how many sightings were compared.
        """
        vector = unit_vector(embedding, self.contract.dimension)
        with self._indexed.lock:
            hits = self._indexed.index.search(vector, start_ns, end_ns, cameras, threshold)
            best, first, last = self._indexed.index.fold_tracks(hits)
            kept = best[:limit]
            sightings, similarity = self._fetch(hits.rows[kept]), hits.similarity[kept].tolist()
            found = [TrackHit(*values) for values in zip(sightings, similarity, first.tolist(), last.tolist())]
            return found, int(best.size), hits.compared

    def tracks_of_persons(
        self, embedding: np.ndarray, person_ids: Sequence[str], start_ns: int, end_ns: int, cameras: Sequence[str] = ()
    ) -> list[TrackHit]:
        """The tracks of persons in ``[start_ns, end_ns]``, each with its sighting most similar to a face.

        :param embedding: ``(dimension,)`` unit vector.
        :param cameras: only these; empty: all.
        """
        vector = unit_vector(embedding, self.contract.dimension)
        with self._indexed.changing():
            self._indexed.table.write_spans()
            rows = self._indexed.table.spans_of_persons(person_ids, start_ns, end_ns)
            rows = [row for row in rows if not cameras or row[1] in cameras]
            if not rows:
                return []
            similarity = self._indexed.table.embeddings([row[0] for row in rows]) @ vector
            tracks: dict[object, list[int]] = {}
            for number, (sighting_id, camera, track, _, _) in enumerate(rows):
                tracks.setdefault((camera, track) if track else sighting_id, []).append(number)
            best = [max(numbers, key=lambda number: float(similarity[number])) for numbers in tracks.values()]
            found = self._indexed.table.fetch([rows[number][0] for number in best])
            return [
                TrackHit(
                    sighting,
                    float(similarity[number]),
                    min(rows[each][3] for each in numbers),
                    max(rows[each][4] for each in numbers),
                )
                for sighting, number, numbers in zip(found, best, tracks.values())
            ]

    def faces_of_tracks(
        self, track_ids: Collection[str], limit: int = FACES_OF_A_TRACK
    ) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """By track ``(n, dimension)`` embeddings and ``(n,)`` qualities of its best sightings.

        :param limit: most sightings of each track.
        """
        with self._indexed.lock:
            return self._indexed.table.faces_of_tracks(track_ids, limit)

    def seen_together(self, person_id: str, others: Iterable[str]) -> set[str]:
        """Which of other persons were in one camera's view together with a person, as two tracks.

        Of a person with very many sightings the best are looked at.
        """
        with self._indexed.changing():
            self._indexed.table.write_spans()
            rows = SceneRows(self._indexed.database, self.contract.dimension)
            tracks, spans = rows.spans_of_person(person_id, _MOST_SPANS)
            return {other for other in others if _met(tracks, spans, *rows.spans_of_person(other, _MOST_SPANS))}

    def scene(self, merges_of: Callable[[Path], IdentityMerges] = lambda _folder: IdentityMerges()) -> Scene:
        """The people of the store and how alike different ones are; of a sample, read again as the store grows.

        :param merges_of: reads the decisions on person ids of a robot's folder.
        """
        with self._indexed.changing():
            index, count = self._indexed.index, len(self._indexed.index)
            scene, of_index, of_count = self._scene
            if scene is None or of_index is not index or count > _GROWN * of_count:
                self._indexed.table.write_spans()
                rows = SceneRows(self._indexed.database, self.contract.dimension)
                sample = rows.sample(SAMPLE_ROWS, SAMPLE_STRETCHES)
                scene = Scene.of(sample, merges_of(self.path.parent))
                self._scene = scene, index, count
            return scene

    def best_of_person(self, person_id: str) -> Sighting | None:
        """The sighting of a person with the highest quality, None when there is none."""
        with self._indexed.lock:
            return self._indexed.table.best_of_person(person_id) if person_id else None

    def last_of_person(self, person_id: str, camera_id: str, start_ns: int, end_ns: int) -> Sighting | None:
        """The sighting of a person in a camera that lasted longest, of those that overlap ``[start_ns, end_ns]``."""
        with self._indexed.changing():
            self._indexed.table.write_spans()
            rows = self._indexed.table.spans_of_persons([person_id], start_ns, end_ns)
            here = [row for row in rows if row[1] == camera_id]
            if not here:
                return None
            return self._indexed.table.fetch([max(here, key=lambda row: row[4])[0]])[0]

    def persons(self) -> tuple[PersonSpan, ...]:
        """All persons, the last seen at the end."""
        with self._indexed.changing():
            self._indexed.table.write_spans()
            return self._indexed.table.persons()

    def best_faces(self, person_id: str, limit: int = 90) -> tuple[np.ndarray, np.ndarray]:
        """``(n, dimension)`` embeddings and ``(n,)`` qualities of a person's best sightings."""
        with self._indexed.lock:
            return self._indexed.table.best_faces(person_id, limit)

    def traces_of(
        self, person_ids: Iterable[str] = (), track_ids: Iterable[str] = (), ids: Iterable[int] = ()
    ) -> list[SightingTrace]:
        """The sightings of persons, of tracks and of database ids, without faces, each once."""
        with self._indexed.changing():
            table = self._indexed.table
            table.write_spans()
            named = (("person_id", person_ids), ("track_id", track_ids), ("id", ids))
            found = {trace.row: trace for column, values in named for trace in table.traces(column, values)}
            return list(found.values())

    def of_persons(self, person_ids: Iterable[str], track_ids: Iterable[str] = ()) -> list[Sighting]:
        """All sightings of persons and of tracks, each once."""
        rows = [trace.row for trace in self.traces_of(person_ids, track_ids)]
        with self._indexed.lock:
            return self._indexed.table.fetch(rows)

    def traces_between(self, start_ns: int, end_ns: int) -> list[SightingTrace]:
        """The sightings of all cameras whose span overlaps a time, without faces."""
        with self._indexed.changing():
            self._indexed.table.write_spans()
            return self._indexed.table.traces_between(start_ns, end_ns)

    def matches_of(self, embedding: np.ndarray, threshold: float) -> dict[int, float]:
        """Similarity of every sighting from a threshold on, by database id.

        :param embedding: ``(dimension,)`` unit vector.
        """
        with self._indexed.lock:
            hits = self._indexed.index.search(embedding, -(2**63), 2**63 - 1, (), threshold)
            return {self._indexed.index.id_of(row): value for row, value in zip(hits.rows, hits.similarity.tolist())}

    def embeddings_of(self, ids: list[int]) -> np.ndarray:
        """``(n, dimension)`` float32 of sightings by their database ids.

        :raises StoreError: one is missing.
        """
        with self._indexed.lock:
            return self._indexed.table.embeddings(ids)

    def all_embeddings(self) -> Iterator[tuple[int, np.ndarray]]:
        """Database id and ``(dimension,)`` float32 of every sighting; the lock is held for a batch at a time."""
        after = -1
        while True:
            with self._indexed.lock:
                ids, *_, embeddings = next(self._indexed.table.batches(after), ((), None))
            if not ids:
                return
            yield from zip(ids, embeddings)
            after = ids[-1]

    def of_track(self, track_id: str) -> list[Sighting]:
        """A track's sightings, the first seen first."""
        with self._indexed.lock:
            return self._indexed.table.of_track(track_id) if track_id else []

    def between(self, camera_id: str, start_ns: int, end_ns: int) -> list[Sighting]:
        """A camera's sightings whose span overlaps ``[start_ns, end_ns]``, the first seen first."""
        with self._indexed.lock:
            first, last = self._indexed.index.spans()
            rows = np.flatnonzero(self._indexed.index.rows_of(camera_id) & (first <= end_ns) & (last >= start_ns))
            return self._fetch(rows[np.argsort(first[rows], kind="stable")])

    @property
    def count(self) -> int:
        """How many sightings are stored."""
        with self._indexed.lock:
            return len(self._indexed.index)

    @property
    def span(self) -> tuple[int, int] | None:
        """First and last stamp of all sightings, None when there are none."""
        with self._indexed.lock:
            first, last = self._indexed.index.spans()
            return (int(first.min()), int(last.max())) if len(first) else None

    def cameras(self) -> tuple[str, ...]:
        """Every camera with sightings or coverage, sorted."""
        with self._indexed.changing():
            return tuple(sorted({*self._indexed.index.cameras(), *self._indexed.coverage.cameras()}))

    def per_camera(self) -> dict[str, CameraSpan]:
        """Count and span of each camera that has a sighting."""
        with self._indexed.lock:
            found = {}
            for camera in self._indexed.index.cameras():
                first, last = self.sighting_spans(camera)
                found[camera] = CameraSpan(len(first), int(first.min()), int(last.max()))
            return found

    def coverage(self, camera_id: str) -> tuple[tuple[int, int], ...]:
        """When a camera delivered frames, ``(start_ns, end_ns)`` in order of time."""
        with self._indexed.changing():
            return self._indexed.coverage.spans(camera_id)

    def analysed(self, camera_id: str) -> tuple[tuple[int, int], ...]:
        """When a camera's frames were searched for faces, ``(start_ns, end_ns)`` in order of time.

        A file of an older version, opened for reading, does not tell: it gives all of :meth:`coverage`.
        """
        with self._indexed.changing():
            known = self._indexed.database.version >= ANALYSED_SINCE
            return (self._indexed.analysed if known else self._indexed.coverage).spans(camera_id)

    def sighting_spans(self, camera_id: str) -> tuple[np.ndarray, np.ndarray]:
        """First and last stamps of a camera's sightings, ``(n,)`` int64 each, unordered."""
        with self._indexed.lock:
            first, last = self._indexed.index.spans()
            rows = self._indexed.index.rows_of(camera_id)
            return first[rows], last[rows]

    def sighting_stamps(self, camera_id: str) -> np.ndarray:
        """``(n,)`` int64: the stamps of the best faces of a camera's sightings, unordered."""
        with self._indexed.lock:
            return self._indexed.table.stamps(camera_id)

    def rescanned_stamps(self, camera_id: str, start_ns: int, end_ns: int) -> set[int]:
        """Stamps of the rescanned frames between two stamps, both included."""
        with self._indexed.lock:
            return self._indexed.rescans.stamps(camera_id, start_ns, end_ns)

    def found_by_rescan(self, camera_id: str, stamp_ns: int) -> bool:
        """Whether a rescan found a face in that frame."""
        with self._indexed.lock:
            return self._indexed.rescans.found(camera_id, stamp_ns)

    def was_ingested(self, key: str) -> bool:
        """Whether a recording of this key was ingested to its end."""
        with self._indexed.lock:
            return self._indexed.ingests.has(key)

    def partly_ingested_stamps(self, camera_id: str) -> set[int]:
        """Stamps of the frames of a camera that are used of recordings taken in only in part."""
        with self._indexed.lock:
            return self._indexed.ingests.partial_stamps(camera_id)

    def has_data(self, camera_id: str, start_ns: int, end_ns: int) -> bool:
        """Whether anything of a camera is stored between two stamps, both included."""
        with self._indexed.changing():
            self._indexed.write_pending()
            return self._indexed.ingests.has_data(camera_id, start_ns, end_ns)

    def index_size(self) -> int:
        """Bytes that the index on disk takes; it can be deleted at any time."""
        return folder_bytes(index_path(self.path))

    def wait_for_index(self) -> None:
        """Wait until all blocks of the index that can be on disk are there; for tests and benchmarks."""
        self._indexed.blocks.wait()

    def close(self) -> None:
        """Commit and close. The store cannot be used afterwards."""
        self._indexed.close()

    def _fetch(self, rows: np.ndarray) -> list[Sighting]:
        return self._indexed.table.fetch([self._indexed.index.id_of(row) for row in rows])


def _met(
    tracks: list[tuple[str, str]], spans: np.ndarray, other_tracks: list[tuple[str, str]], other_spans: np.ndarray
) -> bool:
    """Whether any two sightings are of one camera and time and of two tracks."""
    first = np.maximum(spans[:, None, 0], other_spans[None, :, 0])
    last = np.minimum(spans[:, None, 1], other_spans[None, :, 1])
    pairs = ((tracks[row], other_tracks[other]) for row, other in zip(*np.nonzero(first <= last)))
    return any(camera == other_camera and track != other for (camera, track), (other_camera, other) in pairs)
