"""Where clips come from: a robot that runs, and what one has stored."""

import heapq
from collections.abc import Iterator
from pathlib import Path

from facetrack_ros.core.frame import Frame
from facetrack_ros.core.track import Track
from facetrack_ros.errors import StoreError
from facetrack_ros.history.events.format import read_events
from facetrack_ros.history.frames.archive import FrameArchive
from facetrack_ros.history.frames.stored_tracks import stored_tracks
from facetrack_ros.history.layout import RobotFolder
from facetrack_ros.history.messages.event import event_stamp_ns
from facetrack_ros.history.robot_history import RobotHistory
from facetrack_ros.history.sightings.database import stored_models
from facetrack_ros.history.sightings.model_contract import load_contract
from facetrack_ros.history.sightings.sighting import Sighting
from facetrack_ros.history.sightings.store import SightingStore


class LiveSource:
    """The history of a robot that runs: memory and disk."""

    def __init__(self, history: RobotHistory) -> None:
        self.robot_id = history.robot_id
        self._history = history

    def cameras(self) -> tuple[str, ...]:
        """Those that have frames, in memory or on disk."""
        recorder = self._history.recorder
        return tuple(
            sorted(
                {camera.camera_id for camera in self._history.status().cameras if camera.frames}
                | set(recorder.archive.cameras() if recorder is not None else ())
            )
        )

    def frames(self, camera_id: str, start_ns: int, end_ns: int) -> Iterator[Frame]:
        """Frames between two stamps, in order."""
        return self._history.frames_between(camera_id, start_ns, end_ns)

    def stamps(self, camera_id: str, start_ns: int, end_ns: int) -> list[int]:
        """Stamps of the frames between two stamps, in order."""
        recorder = self._history.recorder
        stored = recorder.archive.reader.stamps(camera_id, start_ns, end_ns) if recorder is not None else ()
        return sorted({*self._history.stamps_in_memory(camera_id, start_ns, end_ns), *stored})

    def tracks(self, camera_id: str, start_ns: int, end_ns: int) -> dict[int, tuple[Track, ...]]:
        """By stamp, who was followed."""
        recorder = self._history.recorder
        if recorder is None:
            return {}
        return {
            **stored_tracks(recorder.archive, camera_id, start_ns, end_ns),
            **recorder.tracks_held(camera_id, start_ns, end_ns),
        }

    def events(self, start_ns: int, end_ns: int) -> list[dict]:
        """Events of that time."""
        return _events(self._history.events.directory, start_ns, end_ns)

    def sightings(self, camera_id: str, start_ns: int, end_ns: int) -> list[Sighting]:
        """Sightings of that time."""
        return self._history.sightings.between(camera_id, start_ns, end_ns)

    def of_track(self, track_id: str) -> list[Sighting]:
        """A track's sightings."""
        return self._history.sightings.of_track(track_id)

    def best_of_person(self, person_id: str) -> Sighting | None:
        """A person's best sighting."""
        return self._history.best_of_person(person_id)


class StoredSource:
    """What a robot has stored, read without ROS. A context manager.

    :param frames: the folder of its segments; None: in its own folder.
    :raises StoreError: the history cannot be read.
    """

    def __init__(self, folder: RobotFolder, frames: Path | None = None) -> None:
        if folder.error:
            raise StoreError(folder.error)
        self.robot_id = folder.robot_id
        self._path = folder.path
        self.archive = FrameArchive.open_readonly(frames or folder.path / "frames", folder.robot_id)
        self._stores = [
            SightingStore.open_readonly(folder.path, load_contract(folder.path, model))
            for model in stored_models(folder.path)
        ]

    def __enter__(self) -> "StoredSource":
        return self

    def __exit__(self, *error) -> None:
        for store in self._stores:
            store.close()

    def cameras(self) -> tuple[str, ...]:
        """Those that have frames on disk."""
        return self.archive.cameras()

    def frames(self, camera_id: str, start_ns: int, end_ns: int) -> Iterator[Frame]:
        """Frames between two stamps, in order."""
        return self.archive.reader.between(camera_id, start_ns, end_ns)

    def stamps(self, camera_id: str, start_ns: int, end_ns: int) -> list[int]:
        """Stamps of the frames between two stamps, in order."""
        return self.archive.reader.stamps(camera_id, start_ns, end_ns)

    def tracks(self, camera_id: str, start_ns: int, end_ns: int) -> dict[int, tuple[Track, ...]]:
        """By stamp, who was followed."""
        return stored_tracks(self.archive, camera_id, start_ns, end_ns)

    def events(self, start_ns: int, end_ns: int) -> list[dict]:
        """Events of that time."""
        return _events(self._path, start_ns, end_ns)

    def sightings(self, camera_id: str, start_ns: int, end_ns: int) -> list[Sighting]:
        """Sightings of that time, by every model."""
        return list(
            heapq.merge(
                *(store.between(camera_id, start_ns, end_ns) for store in self._stores), key=lambda one: one.first_ns
            )
        )

    def of_track(self, track_id: str) -> list[Sighting]:
        """A track's sightings."""
        return [one for store in self._stores for one in store.of_track(track_id)]

    def best_of_person(self, person_id: str) -> Sighting | None:
        """A person's best sighting."""
        found = [store.best_of_person(person_id) for store in self._stores]
        return max((one for one in found if one is not None), default=None, key=lambda one: one.quality)


def _events(path: Path, start_ns: int, end_ns: int) -> list[dict]:
    return sorted(
        (event for event in read_events(path) if start_ns <= event_stamp_ns(event) <= end_ns), key=event_stamp_ns
    )
