"""Gallery on disk: one file an entry, and an empty file for each deleted one."""

import json
import logging
import os
from dataclasses import asdict
from pathlib import Path

import numpy as np

from facetrack_ros.bounded_file import read_bounded
from facetrack_ros.errors import store_errors
from facetrack_ros.tracking.identity.gallery import EntryRefused, GalleryEntry

FOLDER = "gallery"
#: Largest file of an entry. One with 65,536 numbers has 1.4 MB.
MAX_ENTRY_BYTES = 4_000_000
_DELETED = ".deleted"

logger = logging.getLogger(__name__)


class GalleryStore:
    """``gallery/<entry id>.json`` in a robot's folder, of all models.

    A deleted entry leaves an empty ``<entry id>.deleted``, so that a robot that was off the mesh does not bring it
    back.

    :param directory: the robot's folder.
    """

    def __init__(self, directory: Path | str):
        self.path = Path(directory) / FOLDER

    def read(self) -> list[GalleryEntry]:
        """All entries in order of their ids; unusable files are logged and left out.

        :raises StoreError: the folder cannot be read.
        """
        with store_errors(f"cannot read the gallery in {self.path}", "check its permissions"):
            texts = [(file, read_bounded(file, MAX_ENTRY_BYTES)) for file in sorted(self.path.glob("*.json"))]
        entries = []
        for file, text in texts:
            try:
                values = json.loads(text)
                values["embedding"] = np.array(values["embedding"], np.float32)
                entry = GalleryEntry(**values)
                entry.check()
                if entry.entry_id != file.stem:
                    raise EntryRefused("its name is not that of the entry in it")
                entries.append(entry)
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                logger.warning("%s is no gallery entry: %s", file, error)
        return entries

    def count(self) -> int:
        """The number of entries."""
        return sum(1 for _ in self.path.glob("*.json"))

    def add(self, entry: GalleryEntry) -> bool:
        """Store an entry; return False where it is stored already or was deleted.

        :raises EntryRefused: it is unusable.
        :raises StoreError: it cannot be written.
        """
        entry.check()
        file = self.path / f"{entry.entry_id}.json"
        if file.exists() or self.was_deleted(entry.entry_id):
            return False
        values = asdict(entry) | {"embedding": [float(number) for number in entry.embedding]}
        draft = file.with_suffix(".part")
        with store_errors(f"cannot write the gallery in {self.path}", "make room or check the permissions"):
            self.path.mkdir(parents=True, exist_ok=True)
            with draft.open("w", encoding="utf-8") as stream:
                json.dump(values, stream, ensure_ascii=False)
                stream.flush()
                os.fsync(stream.fileno())
            os.replace(draft, file)
        return True

    def delete(self, entry_id: str) -> bool:
        """Delete an entry permanently; return whether it was stored.

        :raises EntryRefused: the id is invalid.
        :raises StoreError: it cannot be deleted.
        """
        if not entry_id.isidentifier() or not entry_id.isascii():
            raise EntryRefused(f"{entry_id!r} is no id of a gallery entry")
        file = self.path / f"{entry_id}.json"
        stored = file.exists()
        with store_errors(f"cannot delete {entry_id} from the gallery in {self.path}"):
            self.path.mkdir(parents=True, exist_ok=True)
            # First the mark: a process killed in between leaves a deleted entry to delete, not one that comes back.
            file.with_suffix(_DELETED).touch()
            file.unlink(missing_ok=True)
        return stored

    def was_deleted(self, entry_id: str) -> bool:
        """Whether :meth:`delete` was called for an id."""
        return (self.path / f"{entry_id}{_DELETED}").exists()

    def deleted(self) -> list[str]:
        """Ids of all deleted entries."""
        return sorted(file.stem for file in self.path.glob(f"*{_DELETED}"))
