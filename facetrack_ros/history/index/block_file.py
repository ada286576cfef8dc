"""One block of the index as a file: columns and codes are read at opening, vectors where needed.

All of it can be made again from the database; the header names the database and the range of sightings.
"""

import json
import struct
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from facetrack_ros.core.sealed_files.record_file import DamagedRecord, StoredFile, create_stored, open_stored
from facetrack_ros.errors import DamagedStoreError, StoreError, store_errors
from facetrack_ros.history.index.columns import COLUMNS, IndexColumns
from facetrack_ros.history.index.quantized_rows import QuantizedRows

#: Version 2 is that of a file in which rows were erased.
FORMAT_VERSION = 2
_WITHOUT_ERASED = 1
#: Id of a row that was erased.
ERASED = -1
_MAGIC = b"FTRINDEX"
_PREFIX = struct.Struct("<8sIII")  # magic, version, bytes of the header, its CRC-32
_MAX_HEADER_BYTES = 1 << 20
# Of an encrypted file, what is read and sealed at once, chosen by hand: of columns and codes, which are read whole, and
# of vectors, which are read one by one.
_PART_BYTES, _ROWS_OF_A_PART = 1 << 20, 2
_STORED_COLUMNS = ("ids", "first", "last", "track", "camera")


@dataclass(frozen=True)
class BlockHeader:
    """Header of a block file: it holds the ``rows`` sightings with ``after < id <= last``, those erased since too."""

    database: str  # id of the database
    after: int
    last: int
    rows: int
    dimension: int
    scale: float  # of the codes
    error: float  # largest distance between a vector and its code
    cameras: tuple[str, ...]  # in the order of their numbers
    checksum: int  # CRC-32 of columns and codes

    def overlaps(self, ids: np.ndarray) -> bool:
        """Whether any of these sighting ids is in its range."""
        return bool(((ids > self.after) & (ids <= self.last)).any())


class BlockFile:
    """A block file open for reading.

    :raises DamagedStoreError: it is not a complete block file.
    :raises StoreError: it is of a newer format, or cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = StoredFile(-1)
        self._places: np.ndarray | None = None  # in the file, of the rows that are not erased; None: of all
        try:
            with store_errors(f"cannot read {path}"):
                self._file = open_stored(path)
                self.header, self._start = self._read_header()
                size = self._file.size
            rows, dimension = self.header.rows, self.header.dimension
            self._sizes = [np.dtype(COLUMNS[name]).itemsize * rows for name in _STORED_COLUMNS] + [rows * dimension]
            self._vectors = self._start + sum(self._sizes)
            if size != self._vectors + 4 * rows * dimension:
                raise DamagedStoreError(f"{path} is incomplete")
        except DamagedRecord as error:
            self.close()
            raise DamagedStoreError(f"{path} is damaged: {error}") from error
        except StoreError:
            self.close()
            raise

    def _read_header(self) -> tuple[BlockHeader, int]:
        prefix = self._file.pread(_PREFIX.size, 0)
        if len(prefix) < _PREFIX.size or prefix[:8] != _MAGIC:
            raise DamagedStoreError(f"{self.path} is not an index block")
        _, version, length, checksum = _PREFIX.unpack(prefix)
        if version > FORMAT_VERSION:
            raise StoreError(f"{self.path} was written by a newer version")
        text = self._file.pread(min(length, _MAX_HEADER_BYTES), _PREFIX.size)
        if len(text) != length or zlib.crc32(text) != checksum:
            raise DamagedStoreError(f"{self.path} is damaged")
        try:
            values = json.loads(text)
            header = BlockHeader(**{**values, "cameras": tuple(values["cameras"])})
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise DamagedStoreError(f"{self.path} is damaged") from error
        return header, _PREFIX.size + length

    def read(self) -> tuple[IndexColumns, QuantizedRows]:
        """Columns and codes of the rows that are not erased.

        :raises DamagedStoreError: their checksum is wrong, or all are erased.
        """
        header, columns = self.header, IndexColumns()
        arrays = self._read_arrays()
        for name, array in zip(_STORED_COLUMNS, arrays):
            setattr(columns, name, array.view(COLUMNS[name]))
        columns.count = header.rows
        columns.cameras = {camera: number for number, camera in enumerate(header.cameras)}
        codes = arrays[-1].reshape(header.rows, header.dimension)
        erased = np.flatnonzero(columns.ids == ERASED)
        if erased.size:
            if erased.size == header.rows:
                raise DamagedStoreError(f"all rows of {self.path} are erased")
            self._places = np.flatnonzero(columns.ids != ERASED)
            columns.remove(erased)
            codes = codes[self._places]
        return columns, QuantizedRows(codes, header.scale, header.error, len(codes))

    def keep(self, places: np.ndarray) -> None:
        """Count rows as :meth:`read` would, without reading.

        :param places: ``(n,)`` of the rows in the file that are not erased.
        """
        self._places = places

    @property
    def places(self) -> np.ndarray:
        """``(n,)`` where in the file the rows are that are not erased, as the last :meth:`read` found them."""
        return np.arange(self.header.rows) if self._places is None else self._places

    def _read_arrays(self) -> list[np.ndarray]:
        arrays = [np.empty(size, np.uint8) for size in self._sizes]
        self._read_into(arrays, self._start)
        if _checksum(arrays) != self.header.checksum:
            raise DamagedStoreError(f"{self.path} is damaged")
        return arrays

    def erase(self, ids: np.ndarray) -> int:
        """Overwrite rows with zeros in the file, which stays usable and is not synced; the number of rows left.

        A process killed meanwhile leaves a file that :meth:`read` refuses, or one that still names the rows.

        :param ids: ``(n,)`` int64, of sightings.
        :raises DamagedStoreError: the file is damaged.
        :raises OSError: the disk refuses.
        """
        header, arrays = self.header, self._read_arrays()
        own = arrays[0].view(np.int64)
        rows = np.flatnonzero(np.isin(own, ids) | (own == ERASED))  # those of a process killed meanwhile once more
        if not rows.size:
            return header.rows
        for name, array in zip(_STORED_COLUMNS, arrays):
            array.view(COLUMNS[name])[rows] = ERASED if name == "ids" else 0
        arrays[-1].reshape(header.rows, header.dimension)[rows] = 0
        changed = _header_text(replace(header, checksum=_checksum(arrays)), self._start - _PREFIX.size)
        prefix = _PREFIX.pack(_MAGIC, FORMAT_VERSION, len(changed), zlib.crc32(changed))
        with open_stored(self.path, write=True) as file:
            width = 4 * header.dimension
            for row in rows.tolist():
                file.pwrite(bytes(width), self._vectors + row * width)
            place = self._start
            for array, width in zip(arrays, (*(np.dtype(COLUMNS[name]).itemsize for name in _STORED_COLUMNS), 0)):
                width = width or header.dimension
                for row in rows.tolist():
                    file.pwrite(array[row * width : (row + 1) * width].data, place + row * width)
                place += array.nbytes
            file.pwrite(prefix + changed, 0)
        return header.rows - rows.size

    def vectors(self, rows: np.ndarray) -> np.ndarray:
        """Read ``(n, dimension)`` float32 vectors of some rows.

        :raises DamagedStoreError: the disk does not return them.
        """
        width = 4 * self.header.dimension
        rows = rows if self._places is None else self._places[rows]
        found = np.empty((len(rows), self.header.dimension), np.float32)
        if len(rows) and int(rows[-1]) - int(rows[0]) + 1 == len(rows) and (np.diff(rows) == 1).all():
            self._read_into([found.reshape(-1).view(np.uint8)], self._vectors + int(rows[0]) * width)
            return found
        for place, row in zip(found.view(np.uint8), rows.tolist()):
            self._read_into([place], self._vectors + row * width)
        return found

    def close(self) -> None:
        """Close it."""
        self._file.close()

    def __del__(self) -> None:
        self.close()

    def _read_into(self, arrays: Sequence[np.ndarray], offset: int) -> None:
        try:
            read = self._file.read_into(arrays, offset)
        except OSError as error:
            raise DamagedStoreError(f"cannot read {self.path}: {error.strerror}") from error
        except DamagedRecord as error:
            raise DamagedStoreError(f"{self.path} is damaged: {error}") from error
        if read != sum(array.nbytes for array in arrays):
            raise DamagedStoreError(f"{self.path} is incomplete")


def write_block(path: Path, database: str, after: int, columns: IndexColumns, vectors: np.ndarray) -> None:
    """Write and sync a block file. The caller renames it into place.

    :param after: the id below the first one of the range.
    :param columns: of the rows, in order of their ids.
    :param vectors: ``(n, dimension)`` float32, one row at least.
    :raises OSError: the disk does not take it.
    """
    quantized = QuantizedRows.complete(vectors)
    parts = [np.ascontiguousarray(getattr(columns, name)[: columns.count]) for name in _STORED_COLUMNS]
    parts.append(quantized.codes)
    header = BlockHeader(
        database,
        after,
        last=int(columns.ids[columns.count - 1]),
        rows=columns.count,
        dimension=vectors.shape[1],
        scale=float(quantized.scale),
        error=quantized.error,
        cameras=tuple(columns.cameras),
        checksum=_checksum(parts),
    )
    text = json.dumps(asdict(header)).encode()
    with create_stored(path) as file:
        file.append([_PREFIX.pack(_MAGIC, _WITHOUT_ERASED, len(text), zlib.crc32(text)) + text])
        for part in parts:
            file.append_parts(part.data.cast("B"), _PART_BYTES)
        file.append_parts(np.ascontiguousarray(vectors).data.cast("B"), 4 * _ROWS_OF_A_PART * vectors.shape[1])
        file.finish()
        file.sync()


def _header_text(header: BlockHeader, length: int) -> bytes:
    """The header as JSON of a length: without the spaces that it was written with, and padded."""
    return json.dumps(asdict(header), separators=(",", ":")).encode().ljust(length)


def _checksum(arrays: Iterable[np.ndarray]) -> int:
    checksum = 0
    for array in arrays:
        checksum = zlib.crc32(array.data, checksum)
    return checksum
