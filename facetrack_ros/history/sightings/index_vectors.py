"""The vectors of a frozen block: read from its file, and from the database when that fails."""

import numpy as np

from facetrack_ros.errors import StoreError
from facetrack_ros.history.index.block_file import BlockFile
from facetrack_ros.history.index.block_folder import BlockFolder
from facetrack_ros.history.sightings.table import SightingTable


class BlockVectors:
    """Reads vectors of some rows of a block.

    They are read, not mapped into memory: a disk that fails or a file cut short by somebody ends a process that touches a
    mapping, and takes as long for the few rows a search looks at.

    :param ids: of the block's rows.
    """

    def __init__(self, file: BlockFile, rows: SightingTable, ids: np.ndarray, stored: BlockFolder) -> None:
        self._file: BlockFile | None = file
        self._rows = rows
        self._ids = ids
        self._stored = stored

    def read(self, rows: np.ndarray) -> np.ndarray:
        """``(n, dimension)`` float32.

        :param rows: ``(n,)`` of the block.
        :raises StoreError: the database does not give them either.
        """
        if self._file is not None:
            try:
                return self._file.vectors(rows)
            except StoreError as error:
                self._leave(str(error))
        return self._rows.embeddings(self._ids[rows].tolist())

    def doubt(self) -> None:
        """The file gave what cannot be: read from the database from now on."""
        if self._file is not None:
            self._leave(f"{self._file.path} is damaged")

    def _leave(self, why: str) -> None:
        self._stored.doubt(why)
        self._file = None
