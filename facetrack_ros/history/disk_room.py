"""The space that stays free on a disk, whatever a robot writes."""

import errno
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from facetrack_ros.errors import DiskError

# Chosen by hand: of 500 MB that frames and clips leave free, the small files of a day take the most part at worst.
_SMALL_SHARE = 10


@dataclass(frozen=True)
class DiskRoom:
    """The one rule of free space for all that a robot writes.

    Frames and clips leave ``free_bytes`` free. Events, sightings and the log of searches are small and
    worth more: they may use nine tenths of that.

    :param free_bytes: 0: no rule.
    """

    free_bytes: int = 0

    def check(self, folder: Path, small: bool = False) -> None:
        """Check that something may be written.

        :param folder: on the disk in question; one that is absent is checked by what is written there next.
        :param small: whether it is one of the small files.
        :raises OSError: there is not enough room.
        """
        kept = self.free_bytes // _SMALL_SHARE if small else self.free_bytes
        if kept and free_bytes(folder) < kept:
            raise OSError(errno.ENOSPC, f"less than {kept / 1e6:g} MB are free")

    def require(self, folder: Path, what: str) -> None:
        """:meth:`check` of a small file.

        :param what: completes "cannot store ".
        :raises DiskError: there is not enough room.
        """
        try:
            self.check(folder, small=True)
        except OSError as error:
            raise DiskError(f"cannot store {what} in {folder}: {error.strerror}; make room on that disk") from error


def free_bytes(path: Path) -> int:
    """Free space on the disk of a folder, for users that are not root; much where the folder is absent."""
    try:
        stats = os.statvfs(path)
    except FileNotFoundError:
        return 1 << 62
    return stats.f_bavail * stats.f_frsize


def was_deleted(path: Path) -> bool:
    """Whether a file is not there; False where its disk does not say, as one that is gone or fails."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False


def folder_bytes(path: Path) -> int:
    """Bytes of the files of a folder, not of the folders in it; 0 where it cannot be read."""
    size = 0
    with suppress(OSError):
        for file in path.iterdir():
            with suppress(OSError):  # SQLite removes its side files at any time
                size += file.stat().st_size
    return size
