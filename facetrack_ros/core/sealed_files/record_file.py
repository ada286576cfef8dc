"""Files with random access: plain, or encrypted in records of which each is sealed by itself.

An encrypted file is ``FTSEAL1\\n``, the file's id (16 bytes), then records::

    length and kind (4 bytes, little-endian; the highest bit: the table) | nonce (12) | content | tag (16)

The number of a record and its length and kind are authenticated with it. A finished file ends with a record that lists
the lengths of all others, and where that record is (8 bytes). What is written by one call of ``append`` is one record,
so that a killed process leaves whole records, and at most one that is torn, at the end.
"""

import errno
import hashlib
import os
import struct
from array import array
from bisect import bisect_right
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
from cryptography.exceptions import InvalidTag

from facetrack_ros.core.sealed_files.data_key import ID_BYTES, NONCE_BYTES, TAG_BYTES, DataKey
from facetrack_ros.core.sealed_files.folder_keys import key_of

MAGIC = b"FTSEAL1\n"
_HEAD_BYTES = len(MAGIC) + ID_BYTES
_LENGTH, _PLACE, _NUMBERED = struct.Struct("<I"), struct.Struct("<Q"), struct.Struct("<QI")
#: Bytes of a record beside its content.
OVERHEAD = _LENGTH.size + NONCE_BYTES + TAG_BYTES
_TABLE = 1 << 31
_NUMBER_OF_TABLE = 2**64 - 1
_MOST_CONTENT = _TABLE - 1
# Bytes that are encrypted before they are written, chosen by hand.
_BATCH = 4 << 20


class DamagedRecord(ValueError):
    """A part of an encrypted file was changed, or is not of this file.

    :ivar end: where it ends in the content.
    """

    def __init__(self, end: int = 0) -> None:
        super().__init__("an encrypted part was changed, or is of another file or key")
        self.end = end


class StoredFile:
    """A plain file; offsets and sizes are of the content. Not thread-safe for writing.

    :param descriptor: of the file, closed by :meth:`close`.
    :ivar complete: whether :meth:`finish` was called when it was written; always true of a plain file.
    """

    complete = True

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    @property
    def size(self) -> int:
        """Bytes of the content."""
        return os.fstat(self.descriptor).st_size

    def pread(self, size: int, offset: int) -> bytes:
        """The content from an offset on; less at the end of the file.

        :raises DamagedRecord: it was changed.
        :raises OSError: the disk refuses.
        """
        return os.pread(self.descriptor, size, offset)

    def read_into(self, arrays: Sequence[np.ndarray], offset: int) -> int:
        """Fill ``uint8`` arrays with the content from an offset on; the number of bytes read."""
        return os.preadv(self.descriptor, [each.data for each in arrays], offset)

    def pwrite(self, data: bytes | memoryview, offset: int) -> None:
        """Replace content in its place, which must be there already."""
        os.pwrite(self.descriptor, data, offset)

    def append(self, pieces: Sequence[bytes]) -> None:
        """Write pieces at the end, all or none.

        :raises OSError: the disk refuses; the file is as before then.
        """
        _write_all_or_none(self.descriptor, pieces)

    def append_parts(self, data: memoryview, size: int) -> None:
        """Write data at the end; what is read at once of an encrypted file is a part.

        :param data: of bytes.
        :param size: of a part, bytes.
        :raises OSError: the disk refuses; a part of it may be written.
        """
        _write_all_or_none(self.descriptor, [data])

    def finish(self, pieces: Sequence[bytes] = ()) -> None:
        """Write the last pieces: nothing comes after them."""
        if pieces:
            self.append(pieces)

    def unused_after(self, size: int) -> int:
        """Bytes of the file that :meth:`truncate` would cut off."""
        return os.fstat(self.descriptor).st_size - size

    def truncate(self, size: int) -> None:
        """Cut the content; an encrypted file only between two records.

        :raises ValueError: it is not.
        """
        os.ftruncate(self.descriptor, size)

    def duplicate(self) -> int:
        """A second descriptor, closed by the caller."""
        return os.dup(self.descriptor)

    def sha256(self) -> str:
        """The SHA-256 of the content, hexadecimal."""
        digest, at = hashlib.sha256(), 0
        while part := self.pread(1 << 20, at):
            digest.update(part)
            at += len(part)
        return digest.hexdigest()

    def sync(self) -> None:
        """Hand it to the disk."""
        os.fsync(self.descriptor)

    def close(self) -> None:
        """Close it; once is enough."""
        descriptor, self.descriptor = self.descriptor, -1
        if descriptor >= 0:
            with suppress(OSError):  # of a disk that is gone
                os.close(descriptor)

    def __enter__(self) -> "StoredFile":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


class SealedFile(StoredFile):
    """An encrypted file.

    :param name: of the file in its folder.
    :param fresh: whether it is empty and gets its id now; else its records are looked for.
    :raises DamagedRecord: it is no encrypted file.
    :raises OSError: the disk refuses.
    """

    def __init__(self, descriptor: int, key: DataKey, name: str, fresh: bool) -> None:
        super().__init__(descriptor)
        self.complete = False
        # Where the content of each record begins, and the record in the file; last: behind them.
        self._starts, self._places = array("Q", [0]), array("Q", [_HEAD_BYTES])
        self._last: tuple[int, bytes] = -1, b""
        if fresh:
            file_id = os.urandom(ID_BYTES)
            _write_all_or_none(descriptor, [MAGIC + file_id])
        else:
            head = os.pread(descriptor, _HEAD_BYTES, 0)
            if len(head) < _HEAD_BYTES or not head.startswith(MAGIC):
                raise DamagedRecord
            file_id = head[len(MAGIC) :]
        self._cipher = key.cipher("records", name, file_id)
        if not fresh and not self._read_table():
            self._look_for_records()

    @property
    def size(self) -> int:
        return self._starts[-1]

    def pread(self, size: int, offset: int) -> bytes:
        end = min(offset + size, self.size)
        if offset >= end:
            return b""
        first = bisect_right(self._starts, offset) - 1
        if end <= self._starts[first + 1]:
            start = self._starts[first]
            return self._record(first)[offset - start : end - start]
        parts = []
        while offset < end:
            start, stop = self._starts[first], min(self._starts[first + 1], end)
            parts.append(self._record(first)[offset - start : stop - start])
            offset, first = stop, first + 1
        return b"".join(parts)

    def read_into(self, arrays: Sequence[np.ndarray], offset: int) -> int:
        done = 0
        for each in arrays:
            place, size = each.data.cast("B"), each.nbytes
            at = 0
            while at < size and offset < self.size:
                record = bisect_right(self._starts, offset) - 1
                start = self._starts[record]
                part = self._record(record)[offset - start : offset - start + size - at]
                place[at : at + len(part)] = part
                at, offset = at + len(part), offset + len(part)
            done += at
        return done

    def pwrite(self, data: bytes | memoryview, offset: int) -> None:
        data = memoryview(data).cast("B")
        if offset + len(data) > self.size:
            raise ValueError("content is replaced in its place only")
        at = 0
        while at < len(data):
            number = bisect_right(self._starts, offset + at) - 1
            content = bytearray(self._record(number))
            start = offset + at - self._starts[number]
            part = data[at : at + len(content) - start]
            content[start : start + len(part)] = part
            self._last = -1, b""
            os.pwrite(
                self.descriptor, b"".join(self._sealed(number, len(content), bytes(content))), self._places[number]
            )
            at += len(part)

    def append(self, pieces: Sequence[bytes]) -> None:
        self._append(pieces, finish=False)

    def append_parts(self, data: memoryview, size: int) -> None:
        at = 0
        while at < len(data):  # some parts at a time: one write each would take longer than encrypting them
            written: list[bytes] = []
            lengths: list[int] = []
            while at < len(data) and len(lengths) * size < _BATCH:
                part = data[at : at + size]
                written += self._sealed(len(self._starts) - 1 + len(lengths), len(part), part)
                lengths.append(len(part))
                at += len(part)
            _write_all_or_none(self.descriptor, [b"".join(written)], self._places[-1])
            for length in lengths:
                self._starts.append(self._starts[-1] + length)
                self._places.append(self._places[-1] + length + OVERHEAD)

    def finish(self, pieces: Sequence[bytes] = ()) -> None:
        self._append(pieces, finish=True)

    def unused_after(self, size: int) -> int:
        return os.fstat(self.descriptor).st_size - self._places[bisect_right(self._starts, size) - 1]

    def truncate(self, size: int) -> None:
        number = bisect_right(self._starts, size) - 1
        if self._starts[number] != size:
            raise ValueError("an encrypted file ends with a whole record")
        os.ftruncate(self.descriptor, self._places[number])
        del self._starts[number + 1 :], self._places[number + 1 :]
        self.complete, self._last = False, (-1, b"")

    def _append(self, pieces: Sequence[bytes], finish: bool) -> None:
        number = len(self._starts) - 1
        written: list[bytes] = []
        content = b"".join(pieces)
        if content:
            if len(content) > _MOST_CONTENT:
                raise OSError(errno.EFBIG, "too large for one record")
            written += self._sealed(number, len(content), content)
        starts, places = [self._starts[-1] + len(content)], [self._places[-1] + sum(map(len, written))]
        if finish:
            lengths = (
                np.diff(np.array([*self._starts, *(starts if content else ())], np.uint64)).astype("<u4").tobytes()
            )
            written += self._sealed(_NUMBER_OF_TABLE, len(lengths) | _TABLE, lengths)
            written.append(_PLACE.pack(places[0]))
        _write_all_or_none(self.descriptor, written, self._places[-1])
        if content:
            self._starts.extend(starts)
            self._places.extend(places)
        self.complete = finish

    def _sealed(self, number: int, length: int, content: bytes | memoryview) -> list[bytes]:
        nonce = os.urandom(NONCE_BYTES)
        return [_LENGTH.pack(length) + nonce, self._cipher.encrypt(nonce, content, _NUMBERED.pack(number, length))]

    def _record(self, number: int) -> bytes:
        last, content = self._last
        if last == number:
            return content
        place, length = self._places[number], self._starts[number + 1] - self._starts[number]
        content = self._opened(number, length, place)
        self._last = number, content
        return content

    def _opened(self, number: int, length: int, place: int) -> bytes:
        stored = os.pread(self.descriptor, (length & ~_TABLE) + OVERHEAD, place)
        end = self._starts[number + 1] if number != _NUMBER_OF_TABLE else 0
        if len(stored) != (length & ~_TABLE) + OVERHEAD or _LENGTH.unpack_from(stored) != (length,):
            raise DamagedRecord(end)
        nonce, sealed = stored[4 : 4 + NONCE_BYTES], memoryview(stored)[4 + NONCE_BYTES :]
        try:
            return self._cipher.decrypt(nonce, sealed, _NUMBERED.pack(number, length))
        except InvalidTag as error:
            raise DamagedRecord(end) from error

    def _read_table(self) -> bool:
        """Take the lengths of the records from the end of a finished file; whether it is one."""
        size = os.fstat(self.descriptor).st_size
        if size < _HEAD_BYTES + OVERHEAD + _PLACE.size:
            return False
        (place,) = _PLACE.unpack(os.pread(self.descriptor, _PLACE.size, size - _PLACE.size))
        length = size - _PLACE.size - place - OVERHEAD
        if not _HEAD_BYTES <= place <= size or length < 0 or length % 4 or length > _MOST_CONTENT:
            return False
        try:
            lengths = np.frombuffer(self._opened(_NUMBER_OF_TABLE, length | _TABLE, place), "<u4").astype(np.uint64)
        except DamagedRecord:
            return False
        ends = np.cumsum(lengths)
        self._starts.frombytes(ends.tobytes())
        self._places.frombytes((ends + _HEAD_BYTES + np.arange(1, len(ends) + 1, dtype=np.uint64) * OVERHEAD).tobytes())
        self.complete = True
        return True

    def _look_for_records(self) -> None:
        """Find the records of a file that is not finished, from its beginning."""
        size, place, start = os.fstat(self.descriptor).st_size, _HEAD_BYTES, 0
        while place + OVERHEAD <= size:
            (length,) = _LENGTH.unpack(os.pread(self.descriptor, _LENGTH.size, place))
            if length & _TABLE or not length or place + length + OVERHEAD > size:
                break  # the end, or torn
            place, start = place + length + OVERHEAD, start + length
            self._starts.append(start)
            self._places.append(place)


def open_stored(path: Path | str, write: bool = False) -> StoredFile:
    """Open a file, encrypted if its folder is. A pipe in its place is not waited for.

    :raises DamagedRecord: it is no encrypted file, and its folder is encrypted.
    :raises OSError: it cannot be opened.
    :raises StoreError: the key is not at hand.
    """
    key = key_of(path)
    flags = (os.O_RDWR if write else os.O_RDONLY) | os.O_CLOEXEC | os.O_NONBLOCK
    descriptor = os.open(path, flags)
    try:
        return StoredFile(descriptor) if key is None else SealedFile(descriptor, key, os.path.basename(path), False)
    except BaseException:
        os.close(descriptor)
        raise


def create_stored(path: Path | str, exclusive: bool = False) -> StoredFile:
    """Create a file, or begin it anew; encrypted if its folder is.

    :param exclusive: it must not be there yet.
    :raises OSError: the disk refuses.
    :raises StoreError: the key is not at hand.
    """
    key = key_of(path)
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | (os.O_EXCL if exclusive else os.O_TRUNC)
    descriptor = os.open(path, flags, 0o600)
    try:
        return StoredFile(descriptor) if key is None else SealedFile(descriptor, key, os.path.basename(path), True)
    except BaseException:
        os.close(descriptor)
        raise


def _write_all_or_none(file: int, pieces: Sequence[bytes | memoryview], end: int | None = None) -> None:
    """Write at the end of a file, all or nothing.

    :param end: where its valid part ends; None: at its end.
    """
    size = sum(map(len, pieces))
    before = os.fstat(file).st_size
    if end is None:
        end = before
    elif before > end:
        os.ftruncate(file, end)  # torn, or of an earlier end
    try:
        done = os.pwritev(file, pieces, end) if size else 0
        if done < size:
            rest = b"".join(pieces)[done:]
            if os.pwrite(file, rest, end + done) < len(rest):  # raises the disk's own error where it is full
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    except OSError:
        os.ftruncate(file, end)
        raise
