"""The sightings of one robot and one model."""

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from facetrack_ros.core.pose import RobotPose
from facetrack_ros.core.vectors import unit_vector
from facetrack_ros.history.day_peak import DayPeak
from facetrack_ros.history.index.block import ROWS
from facetrack_ros.history.sightings import deletion
from facetrack_ros.history.sightings.database import Database, database_path
from facetrack_ros.history.sightings.deduplication import DeduplicationRule, OpenSighting
from facetrack_ros.history.sightings.indexed_database import IndexedDatabase
from facetrack_ros.history.sightings.queries import SightingQueries
from facetrack_ros.history.sightings.retention import SightingLimits
from facetrack_ros.history.sightings.sighting import Sighting
from facetrack_ros.models.contract import ModelContract


class SightingStore(SightingQueries):
    """Stores face embeddings with camera, time and boxes, and compares a face with all of them.

    Thread-safe. Additions are committed after a second of stamps or 64 additions, and by :meth:`flush`; a killed
    process loses no more than that.

    :param directory: the robot's folder, created where absent; one file a model.
    :param contract: of the embedder.
    :param rule: when faces of a track are one sighting; None: :class:`DeduplicationRule`'s defaults.
    :param block_rows: sightings a block of the index.
    :raises StoreError: the file is damaged, read-only, in use by another process, of a newer version, or of another
        model or robot.
    """

    def __init__(
        self,
        directory: Path | str,
        contract: ModelContract,
        robot_id: str,
        rule: DeduplicationRule | None = None,
        block_rows: int = ROWS,
    ) -> None:
        database = Database.for_writing(database_path(directory, contract.id), contract, robot_id)
        super().__init__(IndexedDatabase(database, contract, rule or DeduplicationRule(), block_rows))
        self._thumbnails_pruned: tuple[SightingLimits, int] | None = None
        self._peak = DayPeak(Path(directory) / "most_sightings.json", contract.id)

    @classmethod
    def open_readonly(cls, directory: Path | str, contract: ModelContract) -> "SightingStore":
        """Open a snapshot of a stored history to search it, of a stopped or a running robot, from any medium.

        :raises StoreError: it is absent, damaged, of a newer version, or of another model.
        """
        store = cls.__new__(cls)
        database = Database.for_reading(database_path(directory, contract.id), contract)
        SightingQueries.__init__(store, IndexedDatabase(database, contract, DeduplicationRule()))
        return store

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
        make_thumbnail: Callable[[], bytes],
        pose: RobotPose | None = None,
    ) -> None:
        """Store one face: merged into a nearly equal sighting of its track, or as a new one.

        :param bbox: ``(4,)`` pixels, the person.
        :param face_bbox: ``(4,)`` pixels, the face.
        :param embedding: ``(dimension,)`` unit vector.
        :param make_thumbnail: called only when this face is the best of its sighting.
        :param pose: of the robot.
        :raises StoreError: the embedding is not one of the model's, or the disk does not take it.
        """
        vector = unit_vector(embedding, self.contract.dimension)
        with self._indexed.changing():
            index, table = self._indexed.index, self._indexed.table
            known = self._indexed.open_sightings.match(track_id, stamp_ns, vector)
            if known is None or quality > known.quality:
                place = self.robot_id, camera_id, stamp_ns, stamp_ns, stamp_ns, frame_number, track_id, person_id
                face = bbox, face_bbox, float(quality), vector, self.contract.id, make_thumbnail(), pose
                sighting = Sighting(*place, *face)
                if known is None:
                    row, new = len(index), table.insert(sighting)
                    index.extend([new], [camera_id], [track_id], [stamp_ns], [stamp_ns], vector[None])
                    self._indexed.open_sightings.open(track_id, OpenSighting(row, quality))
                else:
                    table.replace_best(index.id_of(known.row), sighting)
                    index.replace(known.row, vector)
                    known.quality = quality
            if known is not None:
                index.extend_span(known.row, stamp_ns)
                table.set_span(index.id_of(known.row), *index.span(known.row))
            if person_id:
                self._name(track_id, person_id)
            elif track_id:
                self._indexed.unnamed_tracks.add(track_id)
            self._indexed.note_change(stamp_ns)

    def note_frame(self, camera_id: str, stamp_ns: int, analysed: bool = True) -> None:
        """Note that a camera delivered a frame, with faces or without.

        :param analysed: whether it was searched for faces; else :meth:`note_analysed` may say so later.
        """
        with self._indexed.changing():
            self._indexed.coverage.add(camera_id, stamp_ns)
            if analysed:
                self._indexed.analysed.add(camera_id, stamp_ns)
            self._indexed.note_change(stamp_ns, counts=False)

    def note_analysed(self, camera_id: str, stamp_ns: int) -> None:
        """Note that a frame was searched for faces."""
        with self._indexed.changing():
            self._indexed.analysed.add(camera_id, stamp_ns)
            self._indexed.note_change(stamp_ns, counts=False)

    def name_track(self, track_id: str, person_id: str) -> None:
        """Set the person of a track's sightings that have none."""
        with self._indexed.changing():
            self._name(track_id, person_id)

    def note_rescanned(self, camera_id: str, stamp_ns: int, faces: int) -> None:
        """Note a rescanned frame and the number of its faces that were added."""
        with self._indexed.changing():
            self._indexed.rescans.add(camera_id, stamp_ns, faces)
            self._indexed.note_change()

    def mark_ingested(self, key: str, camera_id: str, start_ns: int, end_ns: int) -> None:
        """Note that a recording was ingested, first frame to last; committed together with what it added."""
        with self._indexed.changing():
            self._indexed.ingests.add(key, camera_id, start_ns, end_ns)
            self._indexed.commit()

    def mark_partly_ingested(self, key: str, camera_id: str, stamps_ns: Iterable[int]) -> None:
        """Note the frames that were used of a recording; the others are tried when it is ingested again."""
        with self._indexed.changing():
            self._indexed.ingests.add_partial(key, camera_id, stamps_ns)
            self._indexed.commit()

    def flush(self) -> None:
        """Commit what was added.

        :raises StoreError: the disk does not take it; what was not committed before is then lost.
        """
        with self._indexed.changing():
            self._indexed.commit()

    def delete_span(self, camera_id: str, start_ns: int, end_ns: int) -> int:
        """Delete everything of a camera that lies entirely between two stamps, see :mod:`deletion`.

        :returns: how many sightings were deleted.
        """
        return deletion.delete_span(self._indexed, camera_id, start_ns, end_ns)

    def erase(self, ids: np.ndarray) -> int:
        """Delete sightings by their database ids so that no byte of them remains, see :func:`.deletion.erase`.

        :returns: how many there were.
        :raises StoreError: the disk refuses, or another program keeps old bytes in the file.
        """
        self._scene = (None, None, 0)
        return deletion.erase(self._indexed, ids)

    def mark_forgotten(self, order_ids: Iterable[str]) -> None:
        """Note in the file which orders to forget were carried out in it: a backup from before lacks them."""
        with self._indexed.changing():
            self._indexed.table.mark_forgotten(order_ids)
            self._indexed.commit()

    def forgotten_marks(self) -> set[str]:
        """The orders noted by :meth:`mark_forgotten`."""
        with self._indexed.lock:
            return self._indexed.table.forgotten_marks()

    def uncover(self, start_ns: int, end_ns: int) -> None:
        """Delete what says that there were frames between two stamps."""
        deletion.uncover(self._indexed, start_ns, end_ns)

    def prune(self, limits: SightingLimits, now_ns: int, brake: bool = True) -> int:
        """Delete the sightings beyond the limits, the longest unseen first, and the coverage of their time.

        Without that coverage, a search cannot take "deleted" for "nothing was seen".

        :param now_ns: stamp of the newest frame.
        :param brake: refuse to delete more than half at once, or of what was held within the last day.
        :returns: how many sightings were deleted.
        :raises StoreError: it was refused, or a file cannot be deleted.
        """
        held = self._peak.note(self.count, now_ns)
        deleted = deletion.prune(self._indexed, limits, now_ns, brake, held)
        self._prune_thumbnails(limits, now_ns, brake)
        if not brake:
            self._peak.reset(self.count, now_ns)
        return deleted

    def _prune_thumbnails(self, limits: SightingLimits, now_ns: int, brake: bool) -> None:
        """Delete the thumbnails beyond their age, when a twentieth of it has passed since the last time."""
        if brake and self._thumbnails_pruned is not None:
            before, pruned_ns = self._thumbnails_pruned
            if before == limits and abs(now_ns - pruned_ns) < limits.thumbnail_age_ns // 20:
                return
        self._thumbnails_pruned = limits, now_ns
        deletion.prune_thumbnails(self._indexed, limits, now_ns, brake)

    def _name(self, track_id: str, person_id: str) -> None:
        if track_id in self._indexed.unnamed_tracks:
            self._indexed.table.name(track_id, person_id)
            self._indexed.unnamed_tracks.discard(track_id)
