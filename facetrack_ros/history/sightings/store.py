"""The sightings of one robot and one model: SQLite is the truth, the index in memory answers."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from facetrack_ros.core.pose import RobotPose
from facetrack_ros.core.vectors import unit_vector
from facetrack_ros.errors import StoreError
from facetrack_ros.history.index.block import ROWS
from facetrack_ros.history.index.vector_index import VectorIndex
from facetrack_ros.history.sightings.coverage import Coverage
from facetrack_ros.history.sightings.database import Database, database_path, index_path
from facetrack_ros.history.sightings.deduplication import DeduplicationRule, OpenSighting, OpenSightings
from facetrack_ros.history.sightings.index_blocks import IndexBlocks
from facetrack_ros.history.sightings.ingest_log import IngestLog
from facetrack_ros.history.sightings.rescan_log import RescanLog
from facetrack_ros.history.sightings.retention import SightingLimits
from facetrack_ros.history.sightings.sighting import Sighting
from facetrack_ros.history.sightings.table import SightingTable
from facetrack_ros.models.contract import ModelContract

_COMMIT_NS = 1_000_000_000
_COMMIT_ADDS = 64


@dataclass(frozen=True, eq=False)
class TrackHit:
    """A track whose face is like the one searched for: its best sighting, and the span of all that matched."""

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


@dataclass(frozen=True)
class PersonSpan:
    """How many sightings a person has, and from when to when."""

    person_id: str
    sightings: int
    first_ns: int
    last_ns: int


class SightingStore:
    """Keeps face embeddings with where and when they were seen, and compares a face with all of them.

    Safe to use from several threads: one lock guards file and index, so a search sees either all of an addition
    or none of it. What was added is committed when a second of stamps or 64 additions have passed, and by
    :meth:`flush`; a killed process loses no more than that. When the disk does not take something, the index is
    read anew from what the file holds. Sightings that will not change any more are also kept as blocks of the index
    beside the file, so that opening reads those instead of every row; see :class:`IndexBlocks`.

    :param directory: the robot's folder, made when it is not there; one file a model.
    :param contract: of the embedder.
    :param folding: when faces of a track are one sighting.
    :param block_rows: sightings a block of the index.
    :raises StoreError: the file is damaged, read-only, in use by another process, of a newer version, or of
        another model or robot.
    """

    def __init__(
        self,
        directory: Path | str,
        contract: ModelContract,
        robot_id: str,
        folding: DeduplicationRule = DeduplicationRule(),
        block_rows: int = ROWS,
    ) -> None:
        self._block_rows = block_rows
        self._open(Database.for_writing(database_path(directory, contract.id), contract, robot_id), contract, folding)

    @classmethod
    def open_readonly(cls, directory: Path | str, contract: ModelContract) -> "SightingStore":
        """Open a stored history to search it: as it is now, of a finished or a running robot, from any medium.

        :raises StoreError: it is absent, damaged, of a newer version, or of another model.
        """
        store = cls.__new__(cls)
        store._block_rows = ROWS
        store._open(
            Database.for_reading(database_path(directory, contract.id), contract), contract, DeduplicationRule()
        )
        return store

    def _open(self, database: Database, contract: ModelContract, folding: DeduplicationRule) -> None:
        self.contract = contract
        self.robot_id = database.robot_id
        self._folding = folding
        self._lock = threading.RLock()
        self._use(database)
        try:
            self._load()
        except StoreError:
            database.close()
            raise

    def add(
        self,
        camera_id: str,
        stamp_ns: int,
        frame_number: int,
        track_id: str,
        person_id: str,
        bbox: np.ndarray,
        face_bbox: np.ndarray,
        quality: float,
        embedding: np.ndarray,
        thumbnail_maker: Callable[[], bytes],
        pose: RobotPose | None = None,
    ) -> None:
        """Keep one face: folded into a sighting of its track that is nearly equal, or as a new one.

        :param bbox: ``(4,)`` pixels, the person.
        :param face_bbox: ``(4,)`` pixels, the face.
        :param embedding: ``(dimension,)`` unit vector.
        :param thumbnail_maker: called only when this face is the best of its sighting.
        :param pose: where the robot was.
        :raises StoreError: the embedding is not one of the model's, or the disk does not take it.
        """
        vector = unit_vector(embedding, self.contract.dimension)
        with self._changing():
            known = self._open_sightings.match(track_id, stamp_ns, vector)
            if known is None or quality > known.quality:
                face = Sighting(
                    self.robot_id,
                    camera_id,
                    stamp_ns,
                    stamp_ns,
                    stamp_ns,
                    frame_number,
                    track_id,
                    person_id,
                    bbox,
                    face_bbox,
                    float(quality),
                    vector,
                    self.contract.id,
                    thumbnail_maker(),
                    pose,
                )
                if known is None:
                    row = len(self._index)
                    self._index.extend(
                        [self._rows.insert(face)], [camera_id], [track_id], [stamp_ns], [stamp_ns], vector[None]
                    )
                    self._open_sightings.open(track_id, OpenSighting(row, quality))
                else:
                    self._rows.replace_best(self._index.id_of(known.row), face)
                    self._index.replace(known.row, vector)
                    known.quality = quality
            if known is not None:
                self._index.stretch(known.row, stamp_ns)
                self._rows.set_span(self._index.id_of(known.row), *self._index.span(known.row))
            if person_id:
                self._name(track_id, person_id)
            elif track_id:
                self._unnamed.add(track_id)
            self._adds += 1
            self._commit_when_due(stamp_ns)

    def note_frame(self, camera_id: str, stamp_ns: int) -> None:
        """A frame came in, with faces or without: the camera was looking, and time has passed."""
        with self._changing():
            self._coverage.saw(camera_id, stamp_ns)
            self._commit_when_due(stamp_ns)

    def name_track(self, track_id: str, person_id: str) -> None:
        """It became known who a track is: give its sightings that have no person yet this one."""
        with self._changing():
            self._name(track_id, person_id)

    def flush(self) -> None:
        """Commit what was added.

        :raises StoreError: the disk does not take it; what was not committed before is then lost.
        """
        with self._changing():
            self._commit()

    def search(
        self,
        embedding: np.ndarray,
        start_ns: int,
        end_ns: int,
        cameras: tuple[str, ...] = (),
        threshold: float = -1.0,
        limit: int = 20,
    ) -> tuple[list[tuple[Sighting, float]], int]:
        """Compare a face with every sighting whose span touches ``[start_ns, end_ns]``; exact.

        :param embedding: ``(dimension,)`` unit vector.
        :param cameras: only these; empty: all.
        :param threshold: lowest cosine similarity of a hit.
        :param limit: most hits returned.
        :returns: ``(sighting, similarity)`` best first, and how many sightings were compared.
        :raises StoreError: the embedding is not one of the model's.
        """
        vector = unit_vector(embedding, self.contract.dimension)
        with self._lock:
            hits = self._index.search(vector, start_ns, end_ns, cameras, threshold, limit)
            return list(zip(self._fetch(hits.rows), hits.similarity.tolist())), hits.compared

    def search_tracks(
        self, embedding: np.ndarray, start_ns: int, end_ns: int, cameras: tuple[str, ...], threshold: float, limit: int
    ) -> tuple[list[TrackHit], int, int]:
        """Like :meth:`search`, with the sightings of one track folded into its best one.

        :param limit: most tracks returned.
        :returns: tracks best first, how many there are without the limit, how many sightings were compared.
        """
        vector = unit_vector(embedding, self.contract.dimension)
        with self._lock:
            hits = self._index.search(vector, start_ns, end_ns, cameras, threshold)
            best, first, last = self._index.fold_tracks(hits)
            kept = best[:limit]
            found = [
                TrackHit(*values)
                for values in zip(
                    self._fetch(hits.rows[kept]), hits.similarity[kept].tolist(), first.tolist(), last.tolist()
                )
            ]
            return found, int(best.size), hits.compared

    def best_of_person(self, person_id: str) -> Sighting | None:
        """The sighting of a person with the highest quality, None when there is none."""
        with self._lock:
            return self._rows.best_of_person(person_id) if person_id else None

    def persons(self) -> tuple[PersonSpan, ...]:
        """Everybody seen, those seen last at the end."""
        with self._changing():
            self._rows.write()
            return tuple(PersonSpan(*row) for row in self._rows.persons())

    def best_faces(self, person_id: str, limit: int = 90) -> tuple[np.ndarray, np.ndarray]:
        """What a person's face looks like, from their best sightings: ``(n, dimension)`` unit rows, ``(n,)`` qualities."""
        with self._lock:
            return self._rows.best_faces(person_id, limit)

    def of_track(self, track_id: str) -> list[Sighting]:
        """A track's sightings, the first seen first."""
        with self._lock:
            return self._rows.of_track(track_id) if track_id else []

    def between(self, camera_id: str, start_ns: int, end_ns: int) -> list[Sighting]:
        """A camera's sightings whose span touches ``[start_ns, end_ns]``, the first seen first."""
        with self._lock:
            first, last = self._index.spans()
            rows = np.flatnonzero(self._index.rows_of(camera_id) & (first <= end_ns) & (last >= start_ns))
            return self._fetch(rows[np.argsort(first[rows], kind="stable")])

    @property
    def count(self) -> int:
        """How many sightings are kept."""
        with self._lock:
            return len(self._index)

    @property
    def span(self) -> tuple[int, int] | None:
        """First and last stamp of all sightings, None when there are none."""
        with self._lock:
            first, last = self._index.spans()
            return (int(first.min()), int(last.max())) if len(first) else None

    def cameras(self) -> tuple[str, ...]:
        """Every camera that has a sighting or ever looked, sorted."""
        with self._changing():
            return tuple(sorted({*self._index.cameras(), *self._coverage.cameras()}))

    def per_camera(self) -> dict[str, CameraSpan]:
        """Count and span of each camera that has a sighting."""
        with self._lock:
            first, last = self._index.spans()
            rows = {camera: self._index.rows_of(camera) for camera in self._index.cameras()}
            return {
                camera: CameraSpan(int(mine.sum()), int(first[mine].min()), int(last[mine].max()))
                for camera, mine in rows.items()
            }

    def coverage(self, camera_id: str) -> tuple[tuple[int, int], ...]:
        """When a camera was looking, ``(start_ns, end_ns)`` in order of time."""
        with self._changing():
            return self._coverage.spans(camera_id)

    def sighting_spans(self, camera_id: str) -> tuple[np.ndarray, np.ndarray]:
        """First and last stamps of a camera's sightings, ``(n,)`` each, in no order."""
        with self._lock:
            first, last = self._index.spans()
            mine = self._index.rows_of(camera_id)
            return first[mine].copy(), last[mine].copy()

    def sighting_stamps(self, camera_id: str) -> np.ndarray:
        """``(n,)`` int64: the stamps of the frames that a camera's sightings are of, in no order."""
        with self._lock:
            return self._rows.stamps(camera_id)

    def note_rescanned(self, camera_id: str, stamp_ns: int, faces: int) -> None:
        """A stored frame was looked at again, and so many faces in it were added."""
        with self._changing():
            self._looked_again.add(camera_id, stamp_ns, faces)
            self._adds += 1
            if self._adds >= _COMMIT_ADDS:
                self._commit()

    def rescanned_stamps(self, camera_id: str, start_ns: int, end_ns: int) -> set[int]:
        """Stamps of the frames between two stamps that were looked at again."""
        with self._lock:
            return self._looked_again.stamps(camera_id, start_ns, end_ns)

    def found_by_rescan(self, camera_id: str, stamp_ns: int) -> bool:
        """Whether looking again found a face in that frame."""
        with self._lock:
            return self._looked_again.found(camera_id, stamp_ns)

    def was_ingested(self, key: str) -> bool:
        """Whether :meth:`mark_ingested` was called for this key."""
        with self._lock:
            return self._ingests.has(key)

    def mark_ingested(self, key: str, camera_id: str, start_ns: int, end_ns: int) -> None:
        """Note that a recording was taken in, first frame to last; committed together with what it added."""
        with self._changing():
            self._ingests.add(key, camera_id, start_ns, end_ns)
            self._commit()

    def has_data(self, camera_id: str, start_ns: int, end_ns: int) -> bool:
        """Whether anything of a camera is kept between two stamps, both included."""
        with self._changing():
            self._write()
            return self._ingests.has_data(camera_id, start_ns, end_ns)

    def delete_span(self, camera_id: str, start_ns: int, end_ns: int) -> None:
        """Delete what a camera kept wholly between two stamps, so that a broken-off ingest can begin anew.

        Their bytes are gone from all files then: SQLite overwrites them, and the blocks of the index they were in are
        deleted before, so that no moment is left in which a killed process would keep them.
        """
        self._frozen.stop()
        with self._changing():
            self._write()
            self._frozen.remove(self._rows.ids_within(camera_id, start_ns, end_ns))
            self._rows.delete(camera_id, start_ns, end_ns)
            self._ingests.delete(camera_id, start_ns, end_ns)
            self._looked_again.delete(camera_id, start_ns, end_ns)
            self._commit()
            self._database.empty_log()
            self._load()

    def prune(self, limits: SightingLimits, now_ns: int, brake: bool = True) -> int:
        """Delete the sightings that the limits no longer allow, the longest unseen first, as :meth:`delete_span` does.

        When a camera looked is forgotten with them, so that nobody takes "deleted" for "nobody was there".

        :param now_ns: stamp of the newest frame.
        :param brake: stop where more than half would go at once.
        :returns: how many went.
        :raises StoreError: that was stopped, or the disk does not let go.
        """
        with self._lock:
            cutoff_ns = limits.cutoff_ns(self._index.spans()[1], now_ns, brake)
        if cutoff_ns is None:
            return 0
        self._frozen.stop()
        with self._changing():
            self._write()
            before = len(self._index)
            self._frozen.remove(self._rows.ids_before(cutoff_ns))
            self._rows.delete_before(cutoff_ns)
            self._coverage.delete_before(cutoff_ns)
            self._looked_again.delete_before(cutoff_ns)
            self._commit()
            self._database.empty_log()
            self._load(ahead=False)
            return before - len(self._index)

    def take_told(self) -> str:
        """What turned out not to be as it should be with the index on disk, a sentence; empty: nothing."""
        with self._lock:
            return self._frozen.take_told()

    def index_bytes(self) -> int:
        """What the index on disk takes; it can be deleted at any time."""
        return self._frozen.bytes()

    def wait_for_index(self) -> None:
        """Wait until all that can be in the index on disk is there; for tests and benchmarks."""
        self._frozen.wait()

    def close(self) -> None:
        """Commit and close. The store cannot be used afterwards."""
        self._frozen.stop()
        with self._lock:
            try:
                if not self._database.closed:
                    self._commit()
            finally:
                self._database.close()

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """Hold the lock; when the file refuses a change, go back to what it holds."""
        with self._lock:
            try:
                yield
            except StoreError:
                with suppress(StoreError):  # the first error is the one to tell
                    self._database.rollback()
                    self._load()
                raise

    def _begin_anew(self) -> None:
        """The file was deleted below us: what it held is gone, and what goes there now nobody would ever find."""
        gone, path = len(self._index), self._database.path
        self._database.close()
        self._use(Database.for_writing(path, self.contract, self.robot_id))
        self._load()
        raise StoreError(f"{path} was deleted while the robot ran; its {gone} sightings are gone, a new one is begun")

    def _use(self, database: Database) -> None:
        self._database = database
        self._rows = SightingTable(database, self.contract.id, self.contract.dimension)
        self._coverage = Coverage(database)
        self._ingests = IngestLog(database)
        self._looked_again = RescanLog(database)
        if getattr(self, "_frozen", None) is not None:
            self._frozen.stop()
        self._frozen = IndexBlocks(
            index_path(database.path),
            database,
            self._rows,
            self.contract,
            self._lock,
            lambda: self._open_sightings.lowest_row(),
        )

    def _load(self, ahead: bool = True) -> None:
        """Read the index from what the file holds.

        :param ahead: read on another thread while this one codes. Not where it is done again and again: with a new thread at each
            pruning a process grew by 62 MB in a day, without by 5.
        """
        self._index = VectorIndex(self.contract.dimension, block_rows=self._block_rows)
        self._open_sightings = OpenSightings(self._folding, self._index)
        self._unnamed: set[str] = set()
        self._since_ns: int | None = None
        self._adds = 0
        self._rows.forget()
        self._coverage.forget()
        self._looked_again.forget()
        if ahead:
            with ThreadPoolExecutor(1, thread_name_prefix="reading_ahead") as reading:
                for source in self._frozen.load(self._index):
                    # The next rows are read while these are coded.
                    following = reading.submit(next, source, None)
                    while (batch := following.result()) is not None:
                        following = reading.submit(next, source, None)
                        self._index.extend(*batch)
        else:
            for source in self._frozen.load(self._index):
                for batch in source:
                    self._index.extend(*batch)
        self._frozen.freeze_next()

    def _fetch(self, rows: np.ndarray) -> list[Sighting]:
        return self._rows.fetch([self._index.id_of(row) for row in rows])

    def _name(self, track_id: str, person_id: str) -> None:
        if track_id in self._unnamed:
            self._rows.name(track_id, person_id)
            self._unnamed.discard(track_id)

    def _commit_when_due(self, stamp_ns: int) -> None:
        if self._since_ns is None:
            self._since_ns = stamp_ns
        # Stamps of several cameras come mixed and a clock may jump back: distance counts, not order.
        if abs(stamp_ns - self._since_ns) >= _COMMIT_NS or self._adds >= _COMMIT_ADDS:
            self._commit()
            self._open_sightings.close_before(stamp_ns)

    def _write(self) -> None:
        self._rows.write()
        self._coverage.write()

    def _commit(self) -> None:
        if self._database.deleted():
            self._begin_anew()
        self._write()
        self._database.commit()
        self._since_ns, self._adds = None, 0
        self._frozen.freeze_next()
