"""Gallery on disk: one file an entry, and an empty file for each deleted one."""

import json
import logging
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from facetrack_ros.core.disk.overwriting import shred
from facetrack_ros.core.printable import printable
from facetrack_ros.core.sealed_files.whole_file import read_stored, write_stored
from facetrack_ros.errors import store_errors
from facetrack_ros.history.set_aside import set_aside
from facetrack_ros.models.contract import ModelContract
from facetrack_ros.models.known_dimensions import KnownDimensions
from facetrack_ros.tracking.identity.gallery import EntryRefused, GalleryEntry
from facetrack_ros.tracking.identity.gallery import entry_id as checked_id

FOLDER = "gallery"
#: Largest file of an entry. One with 65,536 numbers has 1.4 MB.
MAX_ENTRY_BYTES = 4_000_000
#: Most entries in all, and of other robots of one name; chosen by hand for 10,000 people with some pictures each, of
#: whom one robot enrolled most.
MOST_ENTRIES, MOST_OF_ONE = 50_000, 30_000
#: Most deletions remembered; the oldest are forgotten.
MOST_DELETED = 50_000
_DELETED = ".deleted"

logger = logging.getLogger(__name__)


class GalleryStore:
    """``gallery/<entry id>.json`` in a robot's folder, of all models.

    A deleted entry leaves an empty ``<entry id>.deleted``, so that a robot that was off the mesh does not bring it
    back. An entry of a model known here must have that model's dimension; one of another model is kept as it is.

    :param directory: the robot's folder.
    :param contract: of the robot's embedder, which the catalog may lack.
    """

    def __init__(self, directory: Path | str, contract: ModelContract | None = None):
        self.path = Path(directory) / FOLDER
        self._dimensions = KnownDimensions(contract)
        # Of each entry the robot that enrolled it, and the number of deletions; None: not counted yet.
        self._by: dict[str, str] | None = None
        self._deleted_count: int | None = None

    def read(self) -> list[GalleryEntry]:
        """All entries in order of their ids; unusable files are logged and left out.

        :raises StoreError: the folder cannot be read.
        """
        entries, bad = self._read()
        for file, why in bad:
            logger.warning("%s is no gallery entry: %s", file, why)
        return entries

    def repair(self) -> list[GalleryEntry]:
        """All entries in order of their ids, for the robot that owns the folder: unusable files are set aside.

        :raises StoreError: the folder cannot be read, or a file cannot be moved.
        """
        if os.path.lexists(self.path) and not self.path.is_dir():
            set_aside(self.path, "it is no folder")
        entries, bad = self._read()
        for file, why in bad:
            if os.path.lexists(file):  # another process of the robot may have been faster
                set_aside(file, f"it is no gallery entry: {why}")
        return entries

    def _read(self) -> tuple[list[GalleryEntry], list[tuple[Path, str]]]:
        """The entries, and the unusable files with the reason."""
        entries, bad = [], []
        with store_errors(f"cannot read the gallery in {self.path}", "check its permissions"):
            files = sorted(self.path.glob("*.json"))
        for file in files:
            try:
                entries.append(self._read_entry(file))
            except FileNotFoundError as error:
                if file.is_symlink():  # else it was just deleted
                    bad.append((file, str(error)))
            except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
                bad.append((file, printable(error, 200)))
        return entries, bad

    def _read_entry(self, file: Path) -> GalleryEntry:
        values = json.loads(read_stored(file, MAX_ENTRY_BYTES))
        values["embedding"] = np.array(values["embedding"], np.float32)
        entry = GalleryEntry(**values)
        self._check(entry, stored=True)
        if entry.entry_id != file.stem:
            raise EntryRefused("its name is not that of the entry in it")
        return entry

    def _check(self, entry: GalleryEntry, stored: bool = False) -> None:
        if not all(isinstance(text, str) for text in (entry.model_id, entry.source, entry.by)):
            raise EntryRefused("its model, source and robot are no texts", "text")
        entry.check(self._dimensions.of(entry.model_id), stored)

    def count(self) -> int:
        """The number of entries."""
        return sum(1 for _ in self.path.glob("*.json"))

    def check_all(self, entries: Sequence[GalleryEntry]) -> None:
        """Check that entries of others can be stored, all of them.

        :raises EntryRefused: one is unusable, or there would be too many.
        """
        for entry in entries:
            self._check(entry)
        if self.count() + len(entries) > MOST_OF_ONE:
            for by in {entry.by for entry in entries}:
                self._check_room(by, len(entries))

    def add(self, entry: GalleryEntry, foreign: bool = False) -> bool:
        """Store an entry; return False where it is stored already or was deleted.

        :param foreign: whether it comes from another robot, so that the limits apply.
        :raises EntryRefused: it is unusable, or there are too many.
        :raises StoreError: it cannot be written.
        """
        self._check(entry)
        file = self.path / f"{entry.entry_id}.json"
        if os.path.lexists(file) or self.was_deleted(entry.entry_id):
            return False
        if foreign:
            self._check_room(entry.by)
        values = asdict(entry) | {"embedding": [float(number) for number in entry.embedding]}
        draft = file.with_name(f"{file.name}.part")
        with store_errors(f"cannot write the gallery in {self.path}", "make room or check the permissions"):
            self.path.mkdir(parents=True, exist_ok=True)
            write_stored(draft, json.dumps(values, ensure_ascii=False).encode(), sync=True)
            os.replace(draft, file)
        if self._by is not None:
            self._by[entry.entry_id] = entry.by
        return True

    def _check_room(self, by: str, count: int = 1) -> None:
        """
        :param count: of entries that are to be added.
        :raises EntryRefused: there are too many entries, in all or of one robot.
        """
        if self._by is None:
            self._by = {entry.entry_id: entry.by for entry in self._read()[0]}
        of_one = sum(each == by for each in self._by.values()) if len(self._by) + count > MOST_OF_ONE else 0
        if len(self._by) + count > MOST_ENTRIES or of_one + count > MOST_OF_ONE:
            raise EntryRefused(
                f"the gallery holds {len(self._by)} entries; at most {MOST_ENTRIES} are taken from other robots, "
                f"{MOST_OF_ONE} of one: delete some",
                "limit",
            )

    def delete(self, entry_id: str) -> bool:
        """Delete an entry permanently; return whether it was stored.

        :raises EntryRefused: the id is invalid.
        :raises StoreError: it cannot be deleted.
        """
        file = self.path / f"{checked_id(entry_id)}.json"
        stored = os.path.lexists(file)
        with store_errors(f"cannot delete {entry_id} from the gallery in {self.path}"):
            self.path.mkdir(parents=True, exist_ok=True)
            # First the mark: a process killed in between leaves a deleted entry to delete, not one that comes back.
            file.with_suffix(_DELETED).touch()
            shred(file)
            if self._by is not None:
                self._by.pop(entry_id, None)
            self._forget_oldest_deletions()
        return stored

    def _forget_oldest_deletions(self) -> None:
        """Forget a tenth of the deletions where there are more than :data:`MOST_DELETED`."""
        if self._deleted_count is not None and self._deleted_count < MOST_DELETED:
            self._deleted_count += 1
            return
        marks = list(self.path.glob(f"*{_DELETED}"))
        self._deleted_count = len(marks)
        if len(marks) > MOST_DELETED:
            for mark in sorted(marks, key=lambda mark: mark.lstat().st_mtime_ns)[: len(marks) - MOST_DELETED * 9 // 10]:
                mark.unlink(missing_ok=True)
            self._deleted_count = MOST_DELETED * 9 // 10

    def was_deleted(self, entry_id: str) -> bool:
        """Whether :meth:`delete` was called for an id."""
        return os.path.lexists(self.path / f"{entry_id}{_DELETED}")

    def deleted(self) -> list[str]:
        """Ids of all deleted entries."""
        return sorted(file.stem for file in self.path.glob(f"*{_DELETED}"))
