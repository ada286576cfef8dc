"""The folder of block files beside a database. All of them can be deleted at any time."""

import logging
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from facetrack_ros.core.disk.overwriting import shred
from facetrack_ros.errors import StoreError
from facetrack_ros.history.index.block_file import BlockFile

logger = logging.getLogger(__name__)

_NAME = "block-{:012d}"
_UNFINISHED = ".new"


class BlockFolder:
    """The block files of one database.

    :param path: the folder; created with the first block.
    :param database: the database's id; empty for a database too old to have one, to which no block belongs.
    :param dimension: of the model.
    """

    def __init__(self, path: Path, database: str, dimension: int) -> None:
        self.path = path
        self._database = database
        self._dimension = dimension

    def blocks(self, last: int) -> Iterator[BlockFile]:
        """Open the usable blocks, in order of their ids, none overlapping.

        :param last: the highest id in the database; blocks beyond it belong to another state of the database.
        """
        after = 0
        for file in self._files():
            try:
                block = BlockFile(file)
            except StoreError as error:
                self.report_damaged(str(error))
                continue
            header = block.header
            if (header.database, header.dimension) != (self._database, self._dimension) or header.last > last:
                self.report_damaged(f"{file} belongs to another database, or to an older copy of this one")
                block.close()
            elif header.after >= after:
                after = header.last
                yield block

    def report_damaged(self, reason: str) -> None:
        """Log that a block cannot be used."""
        outcome = "that part of the index is read from the sightings and written again, nothing is lost"
        logger.warning("%s; %s", reason, outcome)

    def unfinished_path(self, after: int) -> Path:
        """Where to write the block of the sightings above an id, until :meth:`publish` renames it.

        :raises OSError: the folder cannot be created.
        """
        self.path.mkdir(exist_ok=True)
        return self.path / (_NAME.format(after) + _UNFINISHED)

    def publish(self, unfinished: Path) -> BlockFile:
        """Rename a written block into place and open it.

        :raises OSError: it is gone.
        :raises StoreError: it cannot be read.
        """
        path = unfinished.with_suffix("")
        unfinished.replace(path)
        return BlockFile(path)

    def remove(self, ids: np.ndarray) -> None:
        """Delete the blocks that hold any of these sightings, and all unfinished ones.

        :raises OSError: a file cannot be deleted.
        """
        for file in self._files(_UNFINISHED):
            file.unlink(missing_ok=True)
        for file in self._files() if len(ids) else ():
            try:
                block = BlockFile(file)
            except StoreError:
                file.unlink(missing_ok=True)  # it may hold any of them
                continue
            if block.header.overlaps(ids):
                file.unlink(missing_ok=True)
            block.close()

    def erase(self, ids: np.ndarray) -> list[Path]:
        """Overwrite rows in every file that holds them; a file that is damaged, or of which no row is left, is
        overwritten and deleted, as are all unfinished ones.

        :param ids: ``(n,)`` int64, of sightings.
        :returns: the files that are left, to be synced.
        :raises OSError: the disk refuses.
        """
        for file in self._files(_UNFINISHED):
            shred(file)
        for file in self._files():
            try:
                block = BlockFile(file)
                left = block.erase(ids)
                block.close()
            except StoreError:
                left = 0
            if not left:
                shred(file)
        return self._files()

    def remove_others(self, used: list[Path]) -> None:
        """Delete all files but these.

        :raises OSError: a file cannot be deleted.
        """
        for file in {*self._files(), *self._files(_UNFINISHED)} - set(used):
            file.unlink(missing_ok=True)

    def _files(self, ending: str = "") -> list[Path]:
        return sorted(self.path.glob(f"block-{'[0-9]' * 12}{ending}"))
