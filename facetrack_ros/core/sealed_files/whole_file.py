"""Small files that are read and written as a whole: plain, or encrypted if their folder is."""

import errno
import os
from pathlib import Path

from facetrack_ros.bounded_file import read_bounded
from facetrack_ros.core.disk.overwriting import PART, put_in_place, shred
from facetrack_ros.core.sealed_files.folder_keys import key_of
from facetrack_ros.core.sealed_files.record_file import DamagedRecord, create_stored, open_stored

#: Bytes of a record, chosen by hand.
_RECORD = 1 << 20


def read_stored(path: Path | str, max_bytes: int) -> bytes:
    """The content of a file, as :func:`.bounded_file.read_bounded` reads it.

    :raises OSError: it cannot be read, is no regular file, is larger, or is encrypted and was changed.
    :raises StoreError: its folder is encrypted, and the key is not at hand.
    """
    if key_of(path) is None:
        return read_bounded(path, max_bytes)
    if not os.path.isfile(path):
        read_bounded(path, 0)  # raises what it is
    try:
        with open_stored(path) as file:
            if not file.complete:
                raise DamagedRecord
            if file.size > max_bytes:
                raise OSError(errno.EFBIG, f"larger than {max_bytes} bytes", str(path))
            return file.pread(file.size, 0)
    except DamagedRecord as error:
        raise OSError(0, str(error), str(path)) from error


def write_stored(path: Path, content: bytes, sync: bool = False) -> None:
    """Write a file that is not there yet, or that nothing else reads meanwhile.

    :raises OSError: the disk refuses.
    """
    with create_stored(path) as file:
        for start in range(0, len(content), _RECORD):
            file.append([content[start : start + _RECORD]])
        file.finish()
        if sync:
            file.sync()


def replace_stored(path: Path, content: bytes) -> None:
    """Give a file another content, whole or not at all, and overwrite what it held before.

    :raises OSError: the disk refuses.
    """
    part = path.with_name(path.name + PART)
    try:
        write_stored(part, content)
        put_in_place(part, path)
    finally:
        shred(part)


def stored_size(path: Path | str) -> int:
    """Bytes of a file's content.

    :raises OSError: it cannot be read.
    """
    if key_of(path) is None:
        return os.stat(path).st_size
    with open_stored(path) as file:
        return file.size


def copy_out(path: Path, place: Path) -> None:
    """Copy a file's content into a new file, which is encrypted only if its own folder is.

    :raises OSError: the disk refuses, or the file was changed.
    """
    try:
        with open_stored(path) as file, create_stored(place, exclusive=True) as out:
            at = 0
            while part := file.pread(_RECORD, at):
                out.append([part])
                at += len(part)
            out.finish()
    except DamagedRecord as error:
        raise OSError(0, str(error), str(path)) from error


def is_sealed(path: Path | str) -> bool:
    """Whether what is written to a path is encrypted.

    :raises StoreError: its folder is encrypted, and the key is not at hand.
    """
    return key_of(path) is not None


class FileInMemory:
    """A file for programs that write files themselves: in memory, and encrypted into its place at the end.

    :ivar path: under which they write it.
    """

    def __init__(self, name: str) -> None:
        self._memory = os.memfd_create(name, os.MFD_CLOEXEC)
        self.path = Path(f"/proc/self/fd/{self._memory}")

    @property
    def size(self) -> int:
        """Its bytes so far."""
        return os.fstat(self._memory).st_size if self._memory >= 0 else 0

    def store(self, place: Path) -> None:
        """Write it to its place, and leave nothing in memory.

        :raises OSError: the disk refuses.
        """
        try:
            write_stored(place, os.pread(self._memory, self.size, 0))
        finally:
            self.close()

    def close(self) -> None:
        """Leave nothing in memory; once is enough."""
        memory, self._memory = self._memory, -1
        if memory >= 0:
            os.close(memory)
