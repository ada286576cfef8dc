"""The gallery on a robot's disk: a file an entry, so that what is deleted is gone, and what was deleted stays so."""

import json
import os
from dataclasses import asdict
from pathlib import Path

import numpy as np

from facetrack_ros.errors import StoreError
from facetrack_ros.tracking.gallery import EntryRefused, GalleryEntry

FOLDER = "gallery"
_DELETED = ".deleted"


class GalleryStore:
    """``gallery/<entry id>.json`` in a robot's folder, of all models.

    A deleted entry leaves an empty ``<entry id>.deleted``: another robot that was off the mesh must not bring it back.

    :param directory: the robot's folder.
    """

    def __init__(self, directory: Path | str):
        self.path = Path(directory) / FOLDER

    def read(self) -> tuple[list[GalleryEntry], list[str]]:
        """All entries in order of their ids, and a sentence for each file that is none.

        :raises StoreError: the folder cannot be read.
        """
        entries, refused = [], []
        try:
            files = sorted(self.path.glob("*.json")) if self.path.is_dir() else []
            texts = [(file, file.read_bytes()) for file in files]
        except OSError as error:
            raise StoreError(
                f"cannot read the gallery in {self.path}: {error.strerror}; check its permissions"
            ) from error
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
                refused.append(f"{file.name} is no gallery entry: {error}")
        return entries, refused

    def count(self) -> int:
        """How many entries there are."""
        return sum(1 for _ in self.path.glob("*.json"))

    def add(self, entry: GalleryEntry) -> bool:
        """Keep an entry; False where it is there already, or was deleted.

        :raises EntryRefused: it cannot be used, and why.
        :raises StoreError: the disk does not take it.
        """
        entry.check()
        file = self.path / f"{entry.entry_id}.json"
        if file.exists() or self.was_deleted(entry.entry_id):
            return False
        values = asdict(entry) | {"embedding": [float(number) for number in entry.embedding]}
        draft = file.with_suffix(".part")
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            with draft.open("w", encoding="utf-8") as stream:
                json.dump(values, stream, ensure_ascii=False)
                stream.flush()
                os.fsync(stream.fileno())
            os.replace(draft, file)
        except OSError as error:
            raise StoreError(
                f"cannot write the gallery in {self.path}: {error.strerror}; make room or check the permissions"
            ) from error
        return True

    def delete(self, entry_id: str) -> bool:
        """Delete an entry for good; whether it was there.

        :raises EntryRefused: no such id can be.
        :raises StoreError: the disk does not let it go.
        """
        if not entry_id.isidentifier() or not entry_id.isascii():
            raise EntryRefused(f"{entry_id!r} is no id of a gallery entry")
        file = self.path / f"{entry_id}.json"
        there = file.exists()
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            # First the mark: a process killed here leaves a deleted entry to delete, not one that comes back.
            file.with_suffix(_DELETED).touch()
            file.unlink(missing_ok=True)
        except OSError as error:
            raise StoreError(f"cannot delete {entry_id} from the gallery in {self.path}: {error.strerror}") from error
        return there

    def was_deleted(self, entry_id: str) -> bool:
        """Whether :meth:`delete` was called for it."""
        return (self.path / f"{entry_id}{_DELETED}").exists()

    def deleted(self) -> list[str]:
        """Ids of all that was deleted."""
        return sorted(file.stem for file in self.path.glob(f"*{_DELETED}"))
