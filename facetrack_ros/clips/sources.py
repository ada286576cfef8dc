"""The sources of clips: the history of a running robot, and a stored one."""

import heapq
from collections.abc import Iterator
from pathlib import Path

from facetrack_ros.core.frame import Frame
from facetrack_ros.core.track import Track
from facetrack_ros.errors import StoreError
from facetrack_ros.history.events.format import read_events
from facetrack_ros.history.frames.archive import FrameArchive
from facetrack_ros.history.frames.stored_tracks import stored_tracks
from facetrack_ros.history.keeping_rules import KeepingRules
from facetrack_ros.history.layout import RobotFolder
from facetrack_ros.history.messages.event import event_stamp_ns
from facetrack_ros.history.robot_history import RobotHistory
from facetrack_ros.history.sightings.database import stored_models
from facetrack_ros.history.sightings.model_contract import load_contract
from facetrack_ros.history.sightings.sighting import Sighting
from facetrack_ros.history.sightings.store import SightingStore


class ClipSource:
    """A history that clips are taken from. Stamps are inclusive on both ends.

    :ivar robot_id: the robot whose history it is.
    :ivar rules: what the robot keeps and why; None: unknown.
    :param events: folder of the event log.
    """

    def __init__(self, robot_id: str, events: Path, rules: KeepingRules | None = None) -> None:
        self.robot_id, self.rules = robot_id, rules
        self._events = events

    def cameras(self) -> tuple[str, ...]:
        """Cameras with frames, sorted."""
        raise NotImplementedError

    def frames(self, camera_id: str, start_ns: int, end_ns: int) -> Iterator[Frame]:
        """A camera's frames between two stamps, sorted."""
        raise NotImplementedError

    def stamps(self, camera_id: str, start_ns: int, end_ns: int) -> list[int]:
        """Stamps of a camera's frames between two stamps, sorted; no frame is read."""
        raise NotImplementedError

    def tracks(self, camera_id: str, start_ns: int, end_ns: int) -> dict[int, tuple[Track, ...]]:
        """Tracks of a camera's frames by stamp."""
        raise NotImplementedError

    def events(self, start_ns: int, end_ns: int) -> list[dict]:
        """Events as logged, sorted."""
        events = (event for event in read_events(self._events) if start_ns <= event_stamp_ns(event) <= end_ns)
        return sorted(events, key=event_stamp_ns)

    def sightings(self, camera_id: str, start_ns: int, end_ns: int) -> list[Sighting]:
        """Sightings, by every model, whose span overlaps the time."""
        found = (store.between(camera_id, start_ns, end_ns) for store in self._stores())
        return list(heapq.merge(*found, key=lambda sighting: sighting.first_ns))

    def of_track(self, track_id: str) -> list[Sighting]:
        """The sightings of a track."""
        return [sighting for store in self._stores() for sighting in store.of_track(track_id)]

    def best_of_person(self, person_id: str) -> Sighting | None:
        """A person's sighting with the highest quality."""
        found = (store.best_of_person(person_id) for store in self._stores())
        return max((one for one in found if one is not None), default=None, key=lambda sighting: sighting.quality)

    def analysed(self, camera_id: str) -> list[tuple[int, int]]:
        """First and last stamp of each span in which a camera was searched for people."""
        return [span for store in self._stores() for span in store.analysed(camera_id)]

    def _stores(self) -> list[SightingStore]:
        raise NotImplementedError


class LiveSource(ClipSource):
    """The history of a running robot, in memory and on disk."""

    def __init__(self, history: RobotHistory) -> None:
        super().__init__(history.robot_id, history.events.directory, history.rules)
        self._history = history
        self._recorder = history.recorder

    def cameras(self) -> tuple[str, ...]:
        cameras = {camera.camera_id for camera in self._history.status().cameras if camera.frames}
        if self._recorder is not None:
            cameras.update(self._recorder.archive.cameras())
        return tuple(sorted(cameras))

    def frames(self, camera_id: str, start_ns: int, end_ns: int) -> Iterator[Frame]:
        return self._history.frames_between(camera_id, start_ns, end_ns)

    def stamps(self, camera_id: str, start_ns: int, end_ns: int) -> list[int]:
        stamps = set(self._history.stamps_in_memory(camera_id, start_ns, end_ns))
        if self._recorder is not None:
            stamps.update(self._recorder.archive.reader.stamps(camera_id, start_ns, end_ns))
        return sorted(stamps)

    def tracks(self, camera_id: str, start_ns: int, end_ns: int) -> dict[int, tuple[Track, ...]]:
        if self._recorder is None:
            return {}
        return {
            **stored_tracks(self._recorder.archive, camera_id, start_ns, end_ns),
            **self._recorder.tracks_held(camera_id, start_ns, end_ns),
        }

    def _stores(self) -> list[SightingStore]:
        return [self._history.sightings]


class StoredSource(ClipSource):
    """A stored history, read without ROS; a context manager.

    :ivar archive: the stored frames.
    :param frames: the folder of the robot's segments; None: in its own folder.
    :raises StoreError: the history cannot be read.
    """

    def __init__(self, folder: RobotFolder, frames: Path | None = None) -> None:
        if folder.error:
            raise StoreError(folder.error)
        super().__init__(folder.robot_id, folder.path, KeepingRules.read(folder.path))
        self.archive = FrameArchive.open_readonly(frames or folder.path / "frames", folder.robot_id)
        self._opened = [
            SightingStore.open_readonly(folder.path, load_contract(folder.path, model))
            for model in stored_models(folder.path)
        ]

    def __enter__(self) -> "StoredSource":
        return self

    def __exit__(self, *error) -> None:
        for store in self._opened:
            store.close()

    def cameras(self) -> tuple[str, ...]:
        return self.archive.cameras()

    def frames(self, camera_id: str, start_ns: int, end_ns: int) -> Iterator[Frame]:
        return self.archive.reader.between(camera_id, start_ns, end_ns)

    def stamps(self, camera_id: str, start_ns: int, end_ns: int) -> list[int]:
        return self.archive.reader.stamps(camera_id, start_ns, end_ns)

    def tracks(self, camera_id: str, start_ns: int, end_ns: int) -> dict[int, tuple[Track, ...]]:
        return stored_tracks(self.archive, camera_id, start_ns, end_ns)

    def _stores(self) -> list[SightingStore]:
        return self._opened
