"""The history of one robot: frames, sightings, events."""

import heapq
import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from facetrack_ros.config import Config, optional_path
from facetrack_ros.core.event import FACE_MATCHED, PERSON_OUT, PersonEvent
from facetrack_ros.core.frame import Frame
from facetrack_ros.core.private_files import make_tree_private
from facetrack_ros.core.track import Track
from facetrack_ros.errors import DamagedStoreError, DiskError, StoreError
from facetrack_ros.history.clock_offsets import ClockOffsets
from facetrack_ros.history.disk_room import DiskRoom, folder_bytes
from facetrack_ros.history.events.log import EventLog
from facetrack_ros.history.events.retention import prune_event_logs
from facetrack_ros.history.forget.places import ForgetPlaces
from facetrack_ros.history.frames.archive import FrameArchive
from facetrack_ros.history.frames.enrolled_frames import EnrolledFrames
from facetrack_ros.history.frames.recorder import FrameRecorder
from facetrack_ros.history.frames.ring_buffer import FrameRing
from facetrack_ros.history.frames.settings import ALERT, OFF, FrameSettings
from facetrack_ros.history.frames.visit_frames import BestFrame, VisitFrames
from facetrack_ros.history.keeping_rules import KeepingRules
from facetrack_ros.history.layout import refuse_shared, robot_folder
from facetrack_ros.history.left_open import close_visits
from facetrack_ros.history.pose_history import PoseHistory
from facetrack_ros.history.set_aside import set_foreign_aside
from facetrack_ros.history.sightings.database import stored_models
from facetrack_ros.history.sightings.model_contract import load_contract, save_contract
from facetrack_ros.history.sightings.recovery import open_or_recover, reopen_recovered
from facetrack_ros.history.sightings.retention import SightingLimits
from facetrack_ros.history.sightings.thumbnail import LazyThumbnails, Thumbnails
from facetrack_ros.history.status import CameraStatus, HistoryStatus
from facetrack_ros.models.contract import ModelContract
from facetrack_ros.security.storage_key import is_encrypted
from facetrack_ros.tracking.factory import enrolled_only as only_enrolled

_HOUR_NS = 3_600_000_000_000

logger = logging.getLogger(__name__)


class RobotHistory:
    """Keeps frames in memory and on disk, sightings and events below ``directory/robot_id``.

    A damaged store of sightings is replaced by a new one with its readable rows, which is logged.

    Thread-safe. :meth:`flush` bounds what a killed robot loses while no frames arrive.

    :ivar room: the space that stays free on the disk.
    :param directory: the data folder; robots may share it.
    :param contract: of the embedder.
    :param frames: how many frames are kept in memory, which are written to disk, and for how long; None: the defaults.
    :param event_format: ``jsonl`` or ``csv``.
    :param event_fsync: whether each event is synced to disk before the next one.
    :param event_dir: below it one folder a robot with its event log; None: in the robot's folder.
    :param poses: of the robot, None when unknown.
    :param sightings: how many sightings are kept, and for how long; None: without limits.
    :param event_age_ns: greatest age of events; whole days are deleted; 0: no limit.
    :param enrolled_only: whether only enrolled people are kept: faces whose track says so, and of each frame the part
        that shows such a person.
    :raises StoreError: the folder cannot be written, is in use, or is another robot's.
    """

    def __init__(
        self,
        directory: Path | str,
        robot_id: str,
        contract: ModelContract,
        frames: FrameSettings | None = None,
        event_format: str = "jsonl",
        event_fsync: bool = False,
        event_dir: Path | None = None,
        poses: PoseHistory | None = None,
        sightings: SightingLimits | None = None,
        enrolled_only: bool = False,
        event_age_ns: int = 0,
    ) -> None:
        self.robot_id = robot_id
        self.contract = contract
        self._frames = frames = frames or FrameSettings()
        self._limits, self._prune_refused = sightings or SightingLimits(), set[str]()
        self._event_age_ns, self._events_pruned_hour = event_age_ns, -1
        self.rules: KeepingRules | None = None
        self._poses = poses
        self.path = robot_folder(directory, robot_id)
        if frames.directory is not None:
            refuse_shared(frames.directory)
        set_foreign_aside(self.path)
        self.room = DiskRoom(frames.limits.free_bytes)
        log = robot_folder(event_dir, robot_id) if event_dir else self.path
        if frames.directory is not None and is_encrypted(self.path):
            robot_folder(frames.directory, robot_id)  # it has a data key of its own
        _make_private(self.path, log, frames.folder(self.path))
        self.events = EventLog(log, event_format, event_fsync, self.room)
        self.clock_offsets = ClockOffsets(self.path)
        self.sightings = open_or_recover(self.path, contract, robot_id)
        save_contract(self.path, contract)
        self._enrolled = EnrolledFrames() if enrolled_only else None
        self._visit_frames = VisitFrames()
        self._rings: dict[str, FrameRing] = {}
        self._latest: dict[str, Frame] = {}
        # Frames that arrived, and frames that were analysed, not yet noted in the coverage.
        self._uncovered: deque[tuple[str, int]] = deque()
        self._analysed: deque[tuple[str, int]] = deque()
        self._lock = threading.Lock()
        self._events_lock = threading.Lock()
        # Ids of persons and tracks that were forgotten in this process: the tracker may still use them for a moment.
        self._forgotten: frozenset[str] = frozenset()
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
        rules = KeepingRules.of_config(config)
        history = cls(
            directory,
            robot_id,
            contract,
            FrameSettings.of_config(config, wait=wait),
            event_format=config.event_logging.format,
            event_fsync=config.event_logging.fsync == "each",
            event_dir=optional_path(config.event_logging.dir),
            poses=poses,
            sightings=SightingLimits.of_config(config),
            enrolled_only=only_enrolled(config),
            event_age_ns=_event_age_ns(config),
        )
        try:
            history._note_rules(rules)
        except StoreError:
            history.close()
            raise
        return history

    def change(self, config: Config) -> None:
        """Keep by other settings from now on, as far as they may change.

        :raises StoreError: the rules cannot be stored.
        """
        self.apply_frame_settings(FrameSettings.of_config(config))
        self.apply_sighting_limits(SightingLimits.of_config(config))
        self._event_age_ns, self._events_pruned_hour = _event_age_ns(config), -1
        self._note_rules(KeepingRules.of_config(config))

    def _note_rules(self, rules: KeepingRules) -> None:
        self.rules = rules
        rules.write(self.path)

    def apply_frame_settings(self, frames: FrameSettings) -> None:
        """Keep frames by other settings from now on; mode, folder and format stay."""
        with self._lock:
            self._frames = frames
            for ring in self._rings.values():
                ring.resize(frames.ring_frames)
            self.room = self.events.room = DiskRoom(frames.limits.free_bytes)
        if self.recorder is not None:
            self.recorder.change(frames)

    def apply_sighting_limits(self, limits: SightingLimits) -> None:
        """Keep sightings by other limits from now on; the next :meth:`flush` deletes those beyond."""
        self._limits = limits
        self._prune_refused.clear()

    def ring(self, camera_id: str) -> FrameRing:
        """The frames of a camera in memory; created where absent."""
        with self._lock:
            return self._rings.setdefault(camera_id, FrameRing(self._frames.ring_frames))

    def add_frame(self, frame: Frame) -> None:
        """Keep a frame; where only enrolled people are kept, once its tracks come. Waits for no disk and no search."""
        with self._lock:
            self._latest[frame.camera_id] = frame
        if self._enrolled is not None:
            self.ring(frame.camera_id)
            self._enrolled.add(frame)
        else:
            self._keep_frame(frame)
        self._uncovered.append((frame.camera_id, frame.stamp_ns))

    def _keep_frame(self, frame: Frame) -> None:
        self.ring(frame.camera_id).append(frame)
        if self.recorder is not None:
            self.recorder.add_frame(frame)

    def add_analysed(self, camera_id: str, stamp_ns: int) -> None:
        """Note that a frame was searched for faces. Waits for no disk and no search."""
        self._analysed.append((camera_id, stamp_ns))

    def add_tracks(
        self,
        camera_id: str,
        stamp_ns: int,
        frame_number: int,
        tracks: tuple[Track, ...],
        frame: Frame | Thumbnails | None = None,
    ) -> None:
        """Store the embedded faces of one frame's tracks, with a thumbnail if that frame is still in memory.

        A track that has received its person passes it on to its earlier sightings.

        :param frame: that frame, if at hand, so that a decoded one is not decoded again for a thumbnail; or its
            thumbnails, if already made.
        :raises StoreError: an embedding is not one of the model's, or the disk does not take it.
        """
        self._note_coverage()
        tracks = tuple(track for track in tracks if not self._is_forgotten(track))
        thumbnails: Thumbnails | LazyThumbnails
        shown: Callable[[], Frame | None] = partial(self.frame_at, camera_id, stamp_ns)
        if self._enrolled is not None:
            kept = self._keep_enrolled(self._enrolled, camera_id, stamp_ns, tracks)
            shown = partial(_itself, kept)
            thumbnails = LazyThumbnails(shown)
            tracks = tuple(
                replace(track, face=track.face if track.face_kept else None) for track in tracks if track.kept
            )
        elif isinstance(frame, Thumbnails):
            thumbnails = frame
        else:
            shown = partial(_itself, frame) if frame is not None else shown
            thumbnails = LazyThumbnails(shown)
        if self.recorder is not None:
            self.recorder.add_tracks(camera_id, stamp_ns, frame_number, tracks)
        if self._keeps_visits:
            self._visit_frames.add(camera_id, tracks, shown)
        place = camera_id, stamp_ns, frame_number
        try:
            self._add_faces(*place, tracks, thumbnails)
        except DamagedStoreError:
            self.sightings = reopen_recovered(self.sightings)
            self._add_faces(*place, tracks, thumbnails)

    def _add_faces(
        self,
        camera_id: str,
        stamp_ns: int,
        frame_number: int,
        tracks: tuple[Track, ...],
        thumbnails: Thumbnails | LazyThumbnails,
    ) -> None:
        pose = self._poses.at(stamp_ns) if self._poses is not None else None
        if any(track.face is not None for track in tracks):
            self.room.require(self.path, "sightings")
        for track in tracks:
            face = track.face
            if face is not None and face.embedding is not None:
                place = camera_id, stamp_ns, frame_number, track.track_id, track.person_id, track.bbox
                thumbnail = partial(thumbnails.thumbnail, face.bbox)
                self.sightings.add(*place, face.bbox, face.quality, face.embedding, thumbnail, pose)
            elif track.person_id:
                self.sightings.name_track(track.track_id, track.person_id)

    def _keep_enrolled(
        self, frames: EnrolledFrames, camera_id: str, stamp_ns: int, tracks: tuple[Track, ...]
    ) -> Frame | None:
        """Keep what a frame shows of enrolled people; that, or None: nothing."""
        shown = frames.shown(camera_id, stamp_ns, tracks)
        if shown is not None:
            self._keep_frame(shown)
        return shown

    @property
    def _keeps_visits(self) -> bool:
        """Whether the frame with the best face of each visit is stored."""
        return self.recorder is not None and self._frames.mode == ALERT and self._frames.visits

    def _store_visit(self, best: BestFrame | None) -> None:
        if best is not None and self.recorder is not None and self._keeps_visits:
            tracks = tuple(track for track in best.tracks if not self._is_forgotten(track))
            self.recorder.add_single(best.frame, tracks)

    def add_event(self, *events: PersonEvent) -> bool:
        """Log events, as :meth:`EventLog.append` does.

        A recognised face is an alert, where the settings say so; one that a search found is none, because a search does
        not change what is kept.

        :raises StoreError: the first event in a row that the disk does not take.
        """
        for event in events:
            if event.event == FACE_MATCHED and not event.search_id and self._frames.on_alert:
                self.alert(event.stamp_ns, event.camera_id)
            elif event.event == PERSON_OUT:
                self._store_visit(self._visit_frames.end(event.camera_id, event.person_id))
        events = tuple(event for event in events if event.person_id not in self._forgotten)
        with self._events_lock:
            return self.events.append(*events)

    def catch_up(self) -> str:
        """Write the events that waited for the disk; what is left out since the start, in words.

        :raises StoreError: the disk does not take them.
        """
        waited = self.events.unwritten - self.events.lost
        self.add_event()
        frames = self.recorder.lost if self.recorder is not None else 0
        return (
            f"{waited} events that waited are written; left out are {frames} frames, {self.events.lost} events so far"
        )

    def close_left_open(self) -> tuple[PersonEvent, ...]:
        """Log a PERSON_OUT, ``reason: restarted``, for each visit that the process before this one did not end.

        Only before this process logs its first event.

        :returns: these events.
        :raises StoreError: the log cannot be read, or the disk does not take them.
        """
        archive = self.recorder.archive if self.recorder is not None else None
        events = tuple(close_visits(self.events.directory, self.sightings, archive))
        self.add_event(*events)
        return events

    @contextmanager
    def forget_places(self) -> Iterator[ForgetPlaces]:
        """What is open of the robot's folder, to forget in it; events wait meanwhile.

        :raises StoreError: part of the folder cannot be used.
        """
        if self.recorder is not None:
            self.recorder.drain()
        archive = self.recorder.archive if self.recorder is not None else None
        with self._events_lock, ExitStack() as stack:
            self.events.close()
            others = [
                stack.enter_context(closing(open_or_recover(self.path, load_contract(self.path, model), self.robot_id)))
                for model in stored_models(self.path)
                if model != self.contract.id
            ]
            yield ForgetPlaces(self.path, self.robot_id, (self.sightings, *others), archive, self.events.directory)

    def drop(self, person_ids: Iterable[str], track_ids: Iterable[str], hides: Callable[[str, int], bool]) -> None:
        """Drop persons and tracks from memory, and take nothing more of them: their ids are forgotten.

        :param hides: whether a camera's frame of a stamp goes, too.
        """
        self._forgotten |= {*person_ids, *track_ids}
        for camera, ring in self._all_rings().items():
            ring.remove(partial(hides, camera))
        with self._lock:
            self._latest = {
                camera: frame for camera, frame in self._latest.items() if not hides(camera, frame.stamp_ns)
            }
        self._visit_frames.drop(lambda frame: hides(frame.camera_id, frame.stamp_ns))
        if self.recorder is not None:
            self.recorder.drop_tracks(self._is_forgotten)
        self.events.drop_waiting(lambda event: event.person_id in self._forgotten)

    def _is_forgotten(self, track: Track) -> bool:
        return track.person_id in self._forgotten or track.track_id in self._forgotten

    def alert(self, stamp_ns: int, camera_id: str = "") -> None:
        """Keep the frames around a stamp on disk, of all cameras where ``camera_id`` is empty; not in mode ``off``."""
        if self.recorder is not None:
            self.recorder.alert(stamp_ns, camera_id)

    def status(self) -> HistoryStatus:
        """What is kept, in numbers."""
        self._note_coverage()
        rings = self._all_rings()
        spans = self.sightings.per_camera()
        cameras = []
        for camera in sorted({*rings, *self.sightings.cameras()}):
            frames, span = rings.get(camera, FrameRing(1)).stats(), spans.get(camera)
            stamps = [stamp for stamp in (frames.oldest_ns, frames.newest_ns) if stamp is not None]
            if span is not None:
                stamps += [span.first_ns, span.last_ns]
            oldest_ns, newest_ns = min(stamps, default=None), max(stamps, default=None)
            sightings = span.sightings if span is not None else 0
            cameras.append(CameraStatus(camera, frames.frames, frames.bytes, oldest_ns, newest_ns, sightings))
        disk_bytes = folder_bytes(self.path) + self.sightings.index_size()
        if self.recorder is not None:
            disk_bytes += self.recorder.archive.stats().bytes
        counts = self.events.written, self.events.unwritten, disk_bytes
        return HistoryStatus(self.robot_id, self.contract.id, tuple(cameras), *counts, rules=self.rules)

    def flush(self, clock_ns: int | None = None) -> None:
        """Commit what was added; to be called about once a second.

        :param clock_ns: the time: frames stamped later make no others old; None: the newest frame tells it.
        :raises StoreError: the disk does not take something, or part of what was stored is damaged.
        """
        steps: list[Callable[[], object]] = [
            lambda: robot_folder(self.path.parent, self.robot_id),  # it may have been deleted
            self._note_coverage,
            lambda: self.sightings.flush(),
            lambda: self._prune("sightings", clock_ns, self._prune_sightings),
            lambda: self._prune("events", clock_ns, self._prune_events),
        ]
        if self.recorder is not None:
            if clock_ns is not None:
                self.recorder.archive.note_clock(clock_ns)
            steps.append(self.recorder.flush)
        errors = []
        for step in steps:
            try:
                step()
            except DamagedStoreError:
                self.sightings = reopen_recovered(self.sightings)
            except StoreError as error:  # the other steps are done all the same
                errors.append(error)
        if errors:
            kind = DiskError if any(isinstance(error, DiskError) for error in errors) else StoreError
            raise kind("; ".join(dict.fromkeys(map(str, errors))))

    def close(self) -> None:
        """Commit and close.

        :raises StoreError: the disk does not take the last sightings.
        """
        with self._events_lock:
            self.events.close()
        if self.recorder is not None:
            for best in self._visit_frames.end_all():
                self._store_visit(best)
            self.recorder.close()
        try:
            self._note_coverage()
        finally:
            self.sightings.close()

    def frame_at(self, camera_id: str, stamp_ns: int) -> Frame | None:
        """The frame of exactly that stamp in memory, decoded already when it is the camera's latest; None when gone."""
        with self._lock:
            latest = self._latest.get(camera_id)
        if latest is not None and latest.stamp_ns == stamp_ns:
            return latest
        return self.ring(camera_id).near(stamp_ns, 0)

    @property
    def newest_ns(self) -> int | None:
        """Stamp of the newest frame that arrived, None before the first."""
        with self._lock:
            return max((frame.stamp_ns for frame in self._latest.values()), default=None)

    def find_frame(self, camera_id: str, stamp_ns: int, tolerance_ns: int) -> Frame | None:
        """The frame nearest to a stamp, in memory or on disk."""
        found = [self._known_ring(camera_id).near(stamp_ns, tolerance_ns)]
        if self.recorder is not None:
            found.append(self.recorder.archive.reader.near(camera_id, stamp_ns, tolerance_ns))
        frames = (frame for frame in found if frame is not None)
        return min(frames, default=None, key=lambda frame: abs(frame.stamp_ns - stamp_ns))

    def frames_between(self, camera_id: str, start_ns: int, end_ns: int) -> Iterator[Frame]:
        """Frames with ``start_ns <= stamp <= end_ns`` in memory or on disk, each once, in order of their stamps."""
        held = self._known_ring(camera_id).between(start_ns, end_ns)
        if self.recorder is None:
            return iter(held)
        in_memory = {frame.stamp_ns for frame in held}
        stored = self.recorder.archive.reader.between(camera_id, start_ns, end_ns)
        only_stored = (frame for frame in stored if frame.stamp_ns not in in_memory)
        return heapq.merge(held, only_stored, key=lambda frame: frame.stamp_ns)

    def stamps_in_memory(self, camera_id: str, start_ns: int, end_ns: int) -> list[int]:
        """Stamps of a camera's frames in memory between two stamps, both included, in order."""
        return [frame.stamp_ns for frame in self._known_ring(camera_id).between(start_ns, end_ns)]

    def _prune(self, kind: str, clock_ns: int | None, prune: Callable[[int], object]) -> None:
        """Delete what is too old.

        :param prune: takes the stamp of the newest frame.
        """
        newest_ns = self.newest_ns
        if newest_ns is None:
            return
        try:
            prune(newest_ns if clock_ns is None else min(newest_ns, clock_ns))
        except StoreError:
            if kind not in self._prune_refused:  # raised once, since it stays refused until a user acts
                self._prune_refused.add(kind)
                raise
        else:
            self._prune_refused.discard(kind)

    def _prune_sightings(self, now_ns: int) -> None:
        self.sightings.prune(self._limits, now_ns)

    def _prune_events(self, now_ns: int) -> None:
        if now_ns // _HOUR_NS != self._events_pruned_hour:
            self._events_pruned_hour = now_ns // _HOUR_NS
            prune_event_logs(self.events.directory, self._event_age_ns, now_ns)

    def _note_coverage(self) -> None:
        """Note the frames that arrived and were analysed; not in :meth:`add_frame`, because it may wait for a search or
        the disk."""
        while self._uncovered:
            try:
                self.sightings.note_frame(*self._uncovered.popleft(), analysed=False)
            except IndexError:
                break  # another thread took the last one
        while self._analysed:
            try:
                self.sightings.note_analysed(*self._analysed.popleft())
            except IndexError:
                return

    def _known_ring(self, camera_id: str) -> FrameRing:
        return self._all_rings().get(camera_id) or FrameRing(1)

    def _all_rings(self) -> dict[str, FrameRing]:
        with self._lock:
            return dict(self._rings)


def _itself(frame: Frame | None) -> Frame | None:
    return frame


def _event_age_ns(config: Config) -> int:
    return round(config.event_logging.max_age_h * _HOUR_NS)


def _make_private(*folders: Path) -> None:
    """Take what others may do with a robot's files, as an older version or a copy may have left them, and log it."""
    for folder in dict.fromkeys(folders):
        if found := make_tree_private(folder):
            logger.info("%d files in %s were open to other users: now their owner alone may use them", found, folder)
