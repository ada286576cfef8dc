"""Vectors of a frozen block: read from its file, or from the database when the file fails."""

import numpy as np

from facetrack_ros.errors import StoreError
from facetrack_ros.history.index.block_file import BlockFile
from facetrack_ros.history.index.block_folder import BlockFolder
from facetrack_ros.history.sightings.table import SightingTable


class BlockVectors:
    """The :class:`VectorSource` of a block.

    The file is read, not mapped into memory: a disk error or a truncated file would end a process that touches a
    mapping. Reading takes no longer for the few rows of a search.

    :param ids: of the block's rows.
    """

    def __init__(self, file: BlockFile, table: SightingTable, ids: np.ndarray, folder: BlockFolder) -> None:
        self._file: BlockFile | None = file
        self._table = table
        self._ids = ids
        self._folder = folder

    def read(self, rows: np.ndarray) -> np.ndarray:
        """``(n, dimension)`` float32.

        :param rows: ``(n,)`` of the block.
        :raises StoreError: the database does not return them either.
        """
        if self._file is not None:
            try:
                return self._file.vectors(rows)
            except StoreError as error:
                self._stop_using_file(str(error))
        return self._table.embeddings(self._ids[rows].tolist())

    def report_damaged(self) -> None:
        """The file contains wrong vectors: read from the database from now on."""
        if self._file is not None:
            self._stop_using_file(f"{self._file.path} is damaged")

    def _stop_using_file(self, reason: str) -> None:
        self._folder.report_damaged(reason)
        self._file = None
