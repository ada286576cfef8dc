"""Permissions of files that may hold faces: their owner only."""

import os
import stat
from contextlib import suppress
from pathlib import Path

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def create_private_files() -> None:
    """Give files and folders that this process creates from now on to their owner only: 0600 and 0700.

    Every program of the package calls it first; it also covers what SQLite, OpenCV and PyAV write.
    """
    os.umask(_OTHERS)


def make_private(path: Path) -> bool:
    """Take the permissions of an existing file or folder from everyone but its owner; a link stays as it is.

    :returns: whether others had any; False also where another user owns it.
    """
    with suppress(OSError):
        mode = path.lstat().st_mode
        if mode & _OTHERS and not stat.S_ISLNK(mode):
            path.chmod(stat.S_IMODE(mode) & ~_OTHERS)
            return True
    return False


def make_tree_private(folder: Path) -> int:
    """:func:`make_private` of a folder and all that is in it; the number of files and folders that were open to others.

    Links are not followed.
    """
    found = int(make_private(folder))
    for parent, folders, files in os.walk(folder):
        found += sum(make_private(Path(parent, name)) for name in (*folders, *files))
    return found
