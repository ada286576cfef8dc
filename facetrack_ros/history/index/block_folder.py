"""The index's blocks on disk: a folder beside the database, whose files can all be deleted at any time."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from facetrack_ros.errors import StoreError
from facetrack_ros.history.index.block_file import BlockFile

_NAME = "block-{:012d}"
_FRESH = ".new"


class BlockFolder:
    """The block files of one database.

    :param path: the folder; made when the first block is written.
    :param database: the database's id; empty: it is too old to have one, and no block can be its.
    :param dimension: of the model.
    """

    def __init__(self, path: Path, database: str, dimension: int) -> None:
        self.path = path
        self._database = database
        self._dimension = dimension
        self._told: list[str] = []

    def blocks(self, last: int) -> Iterator[BlockFile]:
        """Those that can be used, in order of their ids and none overlapping.

        :param last: the highest id in the database; blocks beyond are of another time.
        """
        after = 0
        for file in self._files():
            try:
                block = BlockFile(file)
            except StoreError as error:
                self._told.append(str(error))
                continue
            header = block.header
            if (header.database, header.dimension) != (self._database, self._dimension) or header.last > last:
                self._told.append(f"{file} is of another database, or another time of this one")
                block.close()
            elif header.after >= after:
                after = header.last
                yield block

    def doubt(self, sentence: str) -> None:
        """A block turned out not to be usable."""
        self._told.append(sentence)

    def take_told(self) -> str:
        """What could not be used since this was asked last, a sentence; empty: nothing."""
        told, self._told = self._told, []
        if not told:
            return ""
        return (
            f"{told[0]}{f' ({len(told)} files)' if len(told) > 1 else ''}; that part of the index is read from the "
            "sightings and written anew, nothing is lost"
        )

    def fresh_path(self, after: int) -> Path:
        """Where the block of the sightings above an id is written, before :meth:`keep` puts it in its place.

        :raises OSError: the folder cannot be made.
        """
        self.path.mkdir(exist_ok=True)
        return self.path / (_NAME.format(after) + _FRESH)

    def keep(self, fresh: Path) -> BlockFile:
        """Put a written block in its place.

        :raises OSError: it is gone.
        :raises StoreError: it cannot be read.
        """
        kept = fresh.with_suffix("")
        fresh.replace(kept)
        return BlockFile(kept)

    def remove(self, ids: np.ndarray) -> None:
        """Delete the blocks that stand for any of these sightings, and all that is half written.

        :raises OSError: the disk does not let go of one.
        """
        for file in self._files(_FRESH):
            file.unlink(missing_ok=True)
        for file in self._files() if len(ids) else ():
            try:
                block = BlockFile(file)
            except StoreError:
                file.unlink(missing_ok=True)  # nobody can tell what is in it
                continue
            if ((ids > block.header.after) & (ids <= block.header.last)).any():
                file.unlink(missing_ok=True)
            block.close()

    def keep_only(self, used: list[Path]) -> None:
        """Delete all files but these.

        :raises OSError: the disk does not let go of one.
        """
        for file in {*self._files(), *self._files(_FRESH)} - set(used):
            file.unlink(missing_ok=True)

    def bytes(self) -> int:
        """What the files take."""
        return sum(file.stat().st_size for file in self._files() if file.exists())

    def _files(self, ending: str = "") -> list[Path]:
        return sorted(self.path.glob(f"block-{'[0-9]' * 12}{ending}"))
