"""Events of the logs below a data folder, and those that are added to them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from facetrack_ros.cli.event_stream.people import EventPeople
from facetrack_ros.core.event import FACE_MATCHED, PERSON_IN, PERSON_OUT
from facetrack_ros.errors import StoreError
from facetrack_ros.history.events.format import event_logs, read_log
from facetrack_ros.history.layout import RobotFolder, history_folders
from facetrack_ros.history.people.gallery_store import FOLDER, GalleryStore
from facetrack_ros.history.people.merge_log import NAME, MergeLog

_TEXTS = ("person_id", "robot_id", "camera_id")


class EventLogs:
    """The event logs of the robots below a data folder.

    :ivar problems: what could not be read, a sentence each.
    """

    def __init__(self, data_dir: Path | str):
        self._data_dir = Path(data_dir)
        self._positions: dict[Path, int] = {}
        self._people_files: dict[Path, tuple[int, int]] = {}
        self.problems: list[str] = []

    def folders(self) -> list[RobotFolder]:
        """The robots' folders.

        :raises StoreError: there is no such data folder.
        """
        return history_folders(self._data_dir)

    def read(self) -> list[dict]:
        """The events logged since the last call, by time.

        :raises StoreError: there is no such data folder.
        """
        events: list[dict] = []
        for folder in self.folders():
            if folder.error:
                self._problem(f"{folder.robot_id}: {folder.error}")
            for path in event_logs(folder.path):
                events += self._read_log(folder, path)
        return sorted(events, key=lambda event: event["timestamp"])

    def read_people(self, people: EventPeople) -> None:
        """Take over merge decisions and names where their files have changed since the last call.

        :raises StoreError: there is no such data folder.
        """
        for folder in self.folders():
            if folder.error:
                continue
            with self._reading(folder):
                if self._has_changed(folder.path / NAME):
                    people.add_merges(MergeLog(folder.path).read().decisions)
                if self._has_changed(folder.path / FOLDER):
                    people.add_names({entry.entry_id: entry.name for entry in GalleryStore(folder.path).read()})

    def _read_log(self, folder: RobotFolder, path: Path) -> list[dict]:
        start, events = self._positions.get(path, 0), list[dict]()
        if start and _size(path) == start:
            return events
        with self._reading(folder):
            found, self._positions[path], damaged = read_log(path, start)
            events = [event for event in found if _is_event(event)]
            damaged += len(found) - len(events)
            if damaged:
                self._problem(f"{folder.robot_id}: {damaged} damaged lines of {path}")
        return events

    @contextmanager
    def _reading(self, folder: RobotFolder) -> Iterator[None]:
        try:
            yield
        except StoreError as error:
            self._problem(f"{folder.robot_id}: {error}")

    def _problem(self, sentence: str) -> None:
        if sentence not in self.problems:
            self.problems.append(sentence)

    def _has_changed(self, path: Path) -> bool:
        try:
            status = path.stat()
        except OSError:
            return False
        before, now = self._people_files.get(path), (status.st_mtime_ns, status.st_size)
        self._people_files[path] = now
        return before != now


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return -1


def _is_event(event: object) -> bool:
    """Whether a line of a log is an event: it may be any JSON."""
    if not isinstance(event, dict) or event.get("event") not in (PERSON_IN, PERSON_OUT, FACE_MATCHED):
        return False
    texts = (*_TEXTS, *(("reference_face_id",) if event["event"] == FACE_MATCHED else ()))
    time = event.get("timestamp")
    return isinstance(time, (int, float)) and abs(time) < 1e11 and all(isinstance(event.get(key), str) for key in texts)
