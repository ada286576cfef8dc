"""Everything one robot remembers: frames, sightings, events."""

import heapq
import threading
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from facetrack_ros.config import Config, optional_path
from facetrack_ros.core.event import FACE_MATCHED, PersonEvent
from facetrack_ros.core.frame import Frame
from facetrack_ros.core.track import Track
from facetrack_ros.errors import DamagedStoreError, FrameError, StoreError
from facetrack_ros.history.clock_offsets import ClockOffsets
from facetrack_ros.history.events.log import EventLog
from facetrack_ros.history.frames.archive import FrameArchive
from facetrack_ros.history.frames.recorder import FrameRecorder
from facetrack_ros.history.frames.ring_buffer import FrameRing
from facetrack_ros.history.frames.settings import OFF, FrameSettings
from facetrack_ros.history.layout import robot_folder
from facetrack_ros.history.pose_history import PoseHistory
from facetrack_ros.history.sightings.database import database_path
from facetrack_ros.history.sightings.deduplication import DeduplicationRule
from facetrack_ros.history.sightings.model_contract import save_contract
from facetrack_ros.history.sightings.recovery import salvage
from facetrack_ros.history.sightings.retention import SightingLimits
from facetrack_ros.history.sightings.sighting import Sighting
from facetrack_ros.history.sightings.store import SightingStore, TrackHit
from facetrack_ros.history.sightings.thumbnail import Thumbnails, face_thumbnail, reduction_for
from facetrack_ros.history.status import CameraStatus, HistoryStatus
from facetrack_ros.models.contract import ModelContract


class RobotHistory:
    """Keeps frames in memory and on disk, sightings and events below ``directory/robot_id``.

    A damaged store of sightings is begun anew with what of it can be read, and the first :meth:`flush` tells so.

    Safe to use from several threads. :meth:`flush` bounds what a killed robot loses while no frames come in.

    :param directory: the data folder; robots may share it.
    :param contract: of the embedder.
    :param frames: how many frames are kept in memory, which go to disk, and for how long.
    :param event_format: ``jsonl`` or ``csv``.
    :param event_fsync: whether each event is on the medium before the next one.
    :param event_dir: below it one folder a robot with its event log; None: in the robot's folder.
    :param poses: where the robot was, where it is told.
    :param sightings: how many sightings are kept, and for how long.
    :raises StoreError: the folder cannot be written, is in use, or is another robot's.
    """

    def __init__(
        self,
        directory: Path | str,
        robot_id: str,
        contract: ModelContract,
        frames: FrameSettings = FrameSettings(),
        event_format: str = "jsonl",
        event_fsync: bool = False,
        event_dir: Path | None = None,
        poses: PoseHistory | None = None,
        sightings: SightingLimits = SightingLimits(),
    ) -> None:
        self.robot_id = robot_id
        self._limits, self._refused = sightings, False
        self.contract = contract
        self._poses = poses
        self.path = robot_folder(directory, robot_id)
        self.events = EventLog(robot_folder(event_dir, robot_id) if event_dir else self.path, event_format, event_fsync)
        self.clock_offsets = ClockOffsets(self.path)
        self._told: list[str] = []
        try:
            self.sightings = self._open_sightings()
        except DamagedStoreError:
            self._salvage()
        save_contract(self.path, contract)
        self._frames = frames
        self._rings: dict[str, FrameRing] = {}
        self._latest: dict[str, Frame] = {}
        self._seen: deque[tuple[str, int]] = deque()
        self._lock = threading.Lock()
        self.recorder: FrameRecorder | None = None
        if frames.mode != OFF:
            try:
                archive = FrameArchive(frames.folder(self.path), robot_id, frames.limits)
                self.recorder = FrameRecorder(archive, frames, contract.id, self._all_rings)
            except StoreError:
                self.sightings.close()
                raise

    @classmethod
    def of_config(
        cls,
        config: Config,
        directory: Path | str,
        robot_id: str,
        contract: ModelContract,
        poses: PoseHistory | None = None,
        wait: bool = False,
    ) -> "RobotHistory":
        """Open a history as the settings say; see the class.

        :param wait: whether frames wait for the disk, see :class:`FrameSettings`.
        """
        return cls(
            directory,
            robot_id,
            contract,
            FrameSettings.of_config(config, wait=wait),
            event_format=config.event_logging.format,
            event_fsync=config.event_logging.fsync == "each",
            event_dir=optional_path(config.event_logging.dir),
            poses=poses,
            sightings=SightingLimits.of_config(config),
        )

    def apply_frame_settings(self, frames: FrameSettings) -> None:
        """Keep frames by other settings from now on: how many, around what, and for how long.

        :param frames: with the mode, the folder and the format of before.
        """
        with self._lock:
            self._frames = frames
            for ring in self._rings.values():
                ring.resize(frames.ring_frames)
        if self.recorder is not None:
            self.recorder.change(frames)

    def apply_sighting_limits(self, limits: SightingLimits) -> None:
        """Keep sightings by other limits from now on; what is too much goes with the next :meth:`flush`."""
        self._limits, self._refused = limits, False

    def _prune_sightings(self) -> None:
        newest_ns = self.newest_ns
        if newest_ns is None:
            return
        try:
            self.sightings.prune(self._limits, newest_ns)
        except StoreError:
            if not self._refused:  # told once; it stays so until somebody looks
                self._refused = True
                raise
        else:
            self._refused = False

    def _open_sightings(self) -> SightingStore:
        return SightingStore(self.path, self.contract, self.robot_id, DeduplicationRule.of_model(self.contract))

    def _salvage(self) -> None:
        self._told.append(salvage(database_path(self.path, self.contract.id), self.contract, self.robot_id))
        self.sightings = self._open_sightings()

    def _begin_anew(self) -> None:
        """A damaged page turned up while the robot ran."""
        try:
            self.sightings.close()
        except StoreError:
            pass  # the very damage
        self._salvage()

    def ring(self, camera_id: str) -> FrameRing:
        """The frames of a camera in memory; empty for one never heard of."""
        with self._lock:
            return self._rings.setdefault(camera_id, FrameRing(self._frames.ring_frames))

    def add_frame(self, frame: Frame) -> None:
        """Keep a frame. Waits for no disk and no search."""
        self.ring(frame.camera_id).append(frame)
        with self._lock:
            self._latest[frame.camera_id] = frame
        if self.recorder is not None:
            self.recorder.add_frame(frame)
        self._seen.append((frame.camera_id, frame.stamp_ns))

    def add_tracks(
        self,
        camera_id: str,
        stamp_ns: int,
        frame_number: int,
        tracks: tuple[Track, ...],
        frame: Frame | Thumbnails | None = None,
    ) -> None:
        """Keep the faces of one frame's tracks that have an embedding, with a thumbnail if that frame is still held.

        A track that has got its person passes it on to its earlier sightings.

        :param frame: that very frame, where it is at hand: decoded already, it is not decoded again for a thumbnail. Or its
            thumbnails, where they were made already.
        :raises StoreError: an embedding is not one of the model's, or the disk does not take it.
        """
        self._note_seen()
        if self.recorder is not None:
            self.recorder.add_tracks(camera_id, stamp_ns, frame_number, tracks)
        try:
            self._keep_faces(camera_id, stamp_ns, frame_number, tracks, frame)
        except DamagedStoreError:
            self._begin_anew()
            self._keep_faces(camera_id, stamp_ns, frame_number, tracks, frame)

    def _keep_faces(
        self,
        camera_id: str,
        stamp_ns: int,
        frame_number: int,
        tracks: tuple[Track, ...],
        frame: Frame | Thumbnails | None,
    ) -> None:
        picture = (
            frame if isinstance(frame, Thumbnails) else _Picture(lambda: frame or self.frame_at(camera_id, stamp_ns))
        )
        pose = self._poses.at(stamp_ns) if self._poses is not None else None
        for track in tracks:
            face = track.face
            if face is not None and face.embedding is not None:
                self.sightings.add(
                    camera_id,
                    stamp_ns,
                    frame_number,
                    track.track_id,
                    track.person_id,
                    track.bbox,
                    face.bbox,
                    face.quality,
                    face.embedding,
                    lambda box=face.bbox: picture.thumbnail(box),
                    pose,
                )
            elif track.person_id:
                self.sightings.name_track(track.track_id, track.person_id)

    def add_event(self, *events: PersonEvent) -> bool:
        """Log events, as :meth:`EventLog.append` does. A recognised face is an alert, where the settings say so; one that a
        search found is none, for a question changes nothing of what is kept.

        :raises StoreError: the first event in a row that the disk does not take.
        """
        for event in events:
            if event.event == FACE_MATCHED and not event.search_id and self._frames.on_alert:
                self.alert(event.stamp_ns, event.camera_id)
        with self._lock:
            return self.events.append(*events)

    def alert(self, stamp_ns: int, camera_id: str = "") -> None:
        """Keep the frames around a stamp on disk; of all cameras where ``camera_id`` is empty. In mode ``off`` nothing is."""
        if self.recorder is not None:
            self.recorder.alert(stamp_ns, camera_id)

    def search_tracks(
        self, embedding: np.ndarray, start_ns: int, end_ns: int, cameras: tuple[str, ...], threshold: float, limit: int
    ) -> tuple[list[TrackHit], int, int]:
        """Compare a face with the sightings, see :meth:`SightingStore.search_tracks`."""
        return self.sightings.search_tracks(embedding, start_ns, end_ns, cameras, threshold, limit)

    def found_by_rescan(self, camera_id: str, stamp_ns: int) -> bool:
        """Whether looking again at stored frames found a face in that frame."""
        return self.sightings.found_by_rescan(camera_id, stamp_ns)

    def best_of_person(self, person_id: str) -> Sighting | None:
        """The sighting of a person with the highest quality."""
        return self.sightings.best_of_person(person_id)

    def status(self) -> HistoryStatus:
        """What is kept, in numbers."""
        self._note_seen()
        rings = self._all_rings()
        kept = self.sightings.per_camera()
        cameras = []
        for camera in sorted({*rings, *self.sightings.cameras()}):
            frames = rings[camera].stats() if camera in rings else FrameRing(1).stats()
            stamps = [stamp for stamp in (frames.oldest_ns, frames.newest_ns) if stamp is not None]
            if camera in kept:
                stamps += [kept[camera].first_ns, kept[camera].last_ns]
            cameras.append(
                CameraStatus(
                    camera,
                    frames.frames,
                    frames.bytes,
                    min(stamps, default=None),
                    max(stamps, default=None),
                    kept[camera].sightings if camera in kept else 0,
                )
            )
        frame_bytes = self.recorder.archive.stats().bytes if self.recorder is not None else 0
        return HistoryStatus(
            self.robot_id,
            self.contract.id,
            tuple(cameras),
            self.events.written,
            self.events.unwritten,
            _folder_bytes(self.path) + self.sightings.index_bytes() + frame_bytes,
        )

    def flush(self) -> None:
        """Commit what was added; to be called about once a second.

        :raises StoreError: the disk does not take something, or part of what was stored is damaged.
        """
        work = [
            lambda: robot_folder(self.path.parent, self.robot_id),  # somebody may have deleted it
            self._note_seen,
            lambda: self.sightings.flush(),
            self._prune_sightings,
        ]
        if self.recorder is not None:
            work.append(self.recorder.flush)
        errors, self._told = self._told, []
        for step in work:
            try:
                step()
            except DamagedStoreError:
                self._begin_anew()
                errors += self._told
                self._told = []
            except StoreError as error:  # the others' turn comes all the same
                errors.append(str(error))
        told = self.sightings.take_told()
        if told:
            errors.append(told)
        if errors:
            raise StoreError("; ".join(dict.fromkeys(errors)))

    def close(self) -> None:
        """Commit and close.

        :raises StoreError: the disk does not take the last sightings.
        """
        with self._lock:
            self.events.close()
        if self.recorder is not None:
            self.recorder.close()
        try:
            self._note_seen()
        finally:
            self.sightings.close()

    def frame_at(self, camera_id: str, stamp_ns: int) -> Frame | None:
        """The frame of that very stamp, decoded already when it is the camera's latest; None when it is gone."""
        with self._lock:
            latest = self._latest.get(camera_id)
        if latest is not None and latest.stamp_ns == stamp_ns:
            return latest
        return self.ring(camera_id).near(stamp_ns, 0)

    @property
    def newest_ns(self) -> int | None:
        """Stamp of the newest frame that came in, None before the first."""
        with self._lock:
            return max((frame.stamp_ns for frame in self._latest.values()), default=None)

    def find_frame(self, camera_id: str, stamp_ns: int, tolerance_ns: int) -> Frame | None:
        """The frame nearest to a stamp, in memory or on disk."""
        found = [self._known_ring(camera_id).near(stamp_ns, tolerance_ns)]
        if self.recorder is not None:
            found.append(self.recorder.archive.reader.near(camera_id, stamp_ns, tolerance_ns))
        return min(
            (frame for frame in found if frame is not None),
            default=None,
            key=lambda frame: abs(frame.stamp_ns - stamp_ns),
        )

    def frames_between(self, camera_id: str, start_ns: int, end_ns: int) -> Iterator[Frame]:
        """Frames with ``start_ns <= stamp <= end_ns`` in memory or on disk, each once, in order of their stamps."""
        held = self._known_ring(camera_id).between(start_ns, end_ns)
        if self.recorder is None:
            return iter(held)
        in_memory = {frame.stamp_ns for frame in held}
        stored = (
            frame
            for frame in self.recorder.archive.reader.between(camera_id, start_ns, end_ns)
            if frame.stamp_ns not in in_memory
        )
        return heapq.merge(held, stored, key=lambda frame: frame.stamp_ns)

    def stamps_in_memory(self, camera_id: str, start_ns: int, end_ns: int) -> list[int]:
        """Stamps of a camera's frames in memory between two stamps, both included, in order."""
        return [frame.stamp_ns for frame in self._known_ring(camera_id).between(start_ns, end_ns)]

    def _note_seen(self) -> None:
        """Tell the store of the frames that came in; here, because it may have to wait for a search or the disk."""
        while self._seen:
            try:
                self.sightings.note_frame(*self._seen.popleft())
            except IndexError:
                return  # another thread was at it

    def _known_ring(self, camera_id: str) -> FrameRing:
        return self._all_rings().get(camera_id) or FrameRing(1)

    def _all_rings(self) -> dict[str, FrameRing]:
        with self._lock:
            return dict(self._rings)


class _Picture:
    """The frame behind some tracks, looked up and decoded only when a thumbnail is wanted, and only as large as it needs."""

    def __init__(self, find: Callable[[], Frame | None]) -> None:
        self._find = find
        self._frame: Frame | None = None
        self._looked = False
        self._smaller: dict[int, np.ndarray] = {}

    def thumbnail(self, face_bbox: np.ndarray) -> bytes:
        if not self._looked:
            self._frame, self._looked = self._find(), True
        if self._frame is None:
            return b""
        try:
            factor = 1 if self._frame.decoded else reduction_for(face_bbox)
            # One that was decoded larger for another face does as well.
            factor = max((known for known in self._smaller if known <= factor), default=factor)
            if factor not in self._smaller:
                self._smaller[factor] = self._frame.smaller(factor)
            return face_thumbnail(self._smaller[factor], face_bbox / factor)
        except FrameError:
            return b""  # the sighting counts without its picture


def _folder_bytes(path: Path) -> int:
    size = 0
    for file in path.iterdir():
        try:
            size += file.stat().st_size
        except OSError:  # SQLite removes its side files when it likes
            continue
    return size
