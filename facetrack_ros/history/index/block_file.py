"""One block of the index as a file: columns and codes to be read when a history is opened, vectors to be read where needed.

Everything in it can be made anew from the database; it names the database and the range of sightings it stands for.
"""

import json
import os
import struct
import zlib
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from facetrack_ros.errors import DamagedStoreError, StoreError
from facetrack_ros.history.index.columns import COLUMNS, IndexColumns
from facetrack_ros.history.index.quantized_rows import QuantizedRows

FORMAT_VERSION = 1
_MAGIC = b"FTRINDEX"
_START = struct.Struct("<8sIII")  # magic, version, bytes of the header, its CRC-32
_LONGEST_HEADER = 1 << 20
_KEPT = ("ids", "first", "last", "track", "camera")


@dataclass(frozen=True)
class BlockHeader:
    """What a block file says of itself.

    :param database: id of the database its rows are of.
    :param after: all sightings with ids above this …
    :param last: … and up to this are in it.
    :param rows: how many they are.
    :param scale: of the codes.
    :param error: longest difference between a vector and its code.
    :param cameras: camera ids, in the order of their numbers.
    :param checksum: CRC-32 of columns and codes.
    """

    database: str
    after: int
    last: int
    rows: int
    dimension: int
    scale: float
    error: float
    cameras: tuple[str, ...]
    checksum: int


class BlockFile:
    """A block file open for reading. Its columns and codes are read once, by :meth:`read`, and not kept.

    :raises DamagedStoreError: it is no whole block file.
    :raises StoreError: it is of a newer format, or cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = -1
        try:
            self._file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            self.header, start = self._read_header()
            header = self.header
            self._sizes = [8 * header.rows] * 4 + [2 * header.rows, header.rows * header.dimension]
            self._start, self._vectors = start, start + sum(self._sizes)
            if os.fstat(self._file).st_size != self._vectors + 4 * header.rows * header.dimension:
                raise DamagedStoreError(f"{path} is not whole")
        except OSError as error:
            self.close()
            raise StoreError(f"cannot read {path}: {error.strerror}") from error
        except StoreError:
            self.close()
            raise

    def _read_header(self) -> tuple[BlockHeader, int]:
        start = os.pread(self._file, _START.size, 0)
        if len(start) < _START.size or start[:8] != _MAGIC:
            raise DamagedStoreError(f"{self.path} is no part of an index")
        _, version, length, checksum = _START.unpack(start)
        if version > FORMAT_VERSION:
            raise StoreError(f"{self.path} was written by a newer version")
        text = os.pread(self._file, min(length, _LONGEST_HEADER), _START.size)
        if len(text) != length or zlib.crc32(text) != checksum:
            raise DamagedStoreError(f"{self.path} is damaged")
        values = json.loads(text)
        return BlockHeader(**{**values, "cameras": tuple(values["cameras"])}), _START.size + length

    def read(self) -> tuple[IndexColumns, QuantizedRows]:
        """Columns and codes.

        :raises DamagedStoreError: they are not what was written.
        """
        header, columns = self.header, IndexColumns()
        arrays = [np.empty(size, np.uint8) for size in self._sizes]
        self._into(arrays, self._start)
        checksum = 0
        for array in arrays:
            checksum = zlib.crc32(array, checksum)
        if checksum != header.checksum:
            raise DamagedStoreError(f"{self.path} is damaged")
        for name, array in zip(_KEPT, arrays):
            setattr(columns, name, array.view(COLUMNS[name]))
        columns.count = header.rows
        columns.cameras = {camera: number for number, camera in enumerate(header.cameras)}
        return columns, QuantizedRows(
            arrays[-1].reshape(header.rows, header.dimension), header.scale, header.error, header.rows
        )

    def vectors(self, rows: np.ndarray) -> np.ndarray:
        """``(n, dimension)`` float32 of some rows, read now.

        :raises DamagedStoreError: the disk does not give them.
        """
        width = 4 * self.header.dimension
        found = np.empty((len(rows), self.header.dimension), np.float32)
        if len(rows) and int(rows[-1]) - int(rows[0]) + 1 == len(rows) and (np.diff(rows) == 1).all():
            self._into([found.reshape(-1).view(np.uint8)], self._vectors + int(rows[0]) * width)
            return found
        for place, row in zip(found.view(np.uint8), rows.tolist()):
            self._into([place], self._vectors + row * width)
        return found

    def close(self) -> None:
        """Close it."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def __del__(self) -> None:
        self.close()

    def _into(self, arrays: list[np.ndarray], offset: int) -> None:
        try:
            read = os.preadv(self._file, arrays, offset)
        except OSError as error:
            raise DamagedStoreError(f"cannot read {self.path}: {error.strerror}") from error
        if read != sum(array.nbytes for array in arrays):
            raise DamagedStoreError(f"{self.path} is not whole")


def write_block(path: Path, database: str, after: int, columns: IndexColumns, vectors: np.ndarray) -> None:
    """Write a block file; brought to the disk, but not to be relied on before it is renamed into place.

    :param after: the id below the first one's of the range.
    :param columns: of the rows, in order of their ids.
    :param vectors: ``(n, dimension)`` float32, one row at least.
    :raises OSError: the disk does not take it.
    """
    coded = QuantizedRows.of_all(vectors)
    parts = [np.ascontiguousarray(getattr(columns, name)[: columns.count]) for name in _KEPT] + [coded.codes]
    checksum = 0
    for part in parts:
        checksum = zlib.crc32(part, checksum)
    header = BlockHeader(
        database,
        after,
        int(columns.ids[columns.count - 1]),
        columns.count,
        vectors.shape[1],
        float(coded.scale),
        coded.error,
        tuple(columns.cameras),
        checksum,
    )
    text = json.dumps(asdict(header)).encode()
    with path.open("wb") as file:
        file.write(_START.pack(_MAGIC, FORMAT_VERSION, len(text), zlib.crc32(text)) + text)
        for part in (*parts, vectors):
            file.write(memoryview(part).cast("B"))
        file.flush()
        os.fsync(file.fileno())
