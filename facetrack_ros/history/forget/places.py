"""Where a robot's folder holds people: its open stores, its frames, its logs."""

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from facetrack_ros.history.events.format import event_logs
from facetrack_ros.history.frames.archive import FrameArchive
from facetrack_ros.history.frames.retention import Limits
from facetrack_ros.history.people.gallery_store import FOLDER
from facetrack_ros.history.requests.request_log import NAME as REQUESTS
from facetrack_ros.history.set_aside import files_set_aside
from facetrack_ros.history.sightings.database import stored_models
from facetrack_ros.history.sightings.model_contract import load_contract
from facetrack_ros.history.sightings.recovery import open_or_recover
from facetrack_ros.history.sightings.store import SightingStore

#: No limit: what is opened to forget deletes nothing for want of room.
_NO_LIMITS = Limits(frames=0, bytes=0, age_ns=0, free_bytes=0)


@dataclass(frozen=True, eq=False)
class ForgetPlaces:
    """A robot's folder opened to forget in it.

    :param path: the robot's folder.
    :param stores: its sightings, one store a model, open for writing.
    :param archive: its frames, open for writing; None: there are none.
    :param events: folder of its event log.
    """

    path: Path
    robot_id: str
    stores: tuple[SightingStore, ...]
    archive: FrameArchive | None
    events: Path

    def event_logs(self) -> list[Path]:
        """The event logs."""
        return event_logs(self.events)

    def search_logs(self) -> list[Path]:
        """The logs of who searched."""
        return sorted(self.path.glob("searches-*.jsonl"))

    @property
    def requests(self) -> Path:
        """The log of requests that changed something; it may be absent."""
        return self.path / REQUESTS

    def clips(self) -> list[Path]:
        """The folders of saved clips, whole ones only."""
        return sorted(manifest.parent for manifest in self.path.glob("clips/*/manifest.json"))

    def leftovers(self) -> list[Path]:
        """Files set aside as damaged, with their side files, and drafts of killed processes: any may hold people."""
        folders = {self.path, self.events} | ({self.archive.path} if self.archive is not None else set())
        found = {folder / name for folder in folders for name in files_set_aside(folder)}
        found |= {side for path in found for side in (path.with_name(path.name + "-wal"),) if side.exists()}
        for folder in (*folders, self.path / FOLDER):
            found |= set(folder.glob("*.part"))
        return sorted(path for path in found if path.name != "forgetting.json.part")


@contextmanager
def stored_places(path: Path, robot_id: str, events: Path, frames: Path) -> Iterator[ForgetPlaces]:
    """Open the folder of a robot that is not running.

    :param events: folder of its event log.
    :param frames: folder of its frames.
    :raises StoreError: the robot is running, or part of its folder cannot be used.
    """
    with ExitStack() as stack:
        stores = tuple(
            stack.enter_context(closing(open_or_recover(path, load_contract(path, model), robot_id)))
            for model in stored_models(path)
        )
        archive = None
        if frames.is_dir():
            archive = stack.enter_context(closing(FrameArchive(frames, robot_id, _NO_LIMITS)))
        yield ForgetPlaces(path, robot_id, stores, archive, events)
