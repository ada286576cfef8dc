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


def make_private(folder: Path) -> None:
    """Take an existing folder's permissions from everyone but its owner; a folder of another owner stays as it is."""
    with suppress(OSError):
        mode = stat.S_IMODE(folder.stat().st_mode)
        if mode & _OTHERS:
            folder.chmod(mode & ~_OTHERS)
