"""Deleting files so that their bytes are not left in the blocks that held them, as far as the file system allows.

A file is overwritten with zeros in its place before its name goes. Where the file system copies on write (btrfs, ZFS),
or the medium remaps its blocks (most flash), old blocks may stay; only encryption at rest helps there.
"""

import os
import shutil
import stat
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

_CHUNK = 1 << 20
#: Ending of a file that is to be renamed into place.
PART = ".part"


def overwrite(file: int) -> None:
    """Fill an open file with zeros and hand them to the disk.

    A file with a second name is left as it is: that name is another program's copy.

    :raises OSError: the disk refuses.
    """
    state = os.fstat(file)
    if not stat.S_ISREG(state.st_mode) or state.st_nlink > 1:
        return
    for start in range(0, state.st_size, _CHUNK):
        os.pwrite(file, bytes(min(_CHUNK, state.st_size - start)), start)
    os.fdatasync(file)


def shred(path: Path) -> None:
    """Overwrite a file and delete it; a link is only deleted. No effect where there is none.

    :raises OSError: the disk refuses.
    """
    try:
        file = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    except OSError:  # a link, a pipe, a folder in a file's place
        if path.is_dir() and not path.is_symlink():
            shred_folder(path)
        else:
            path.unlink(missing_ok=True)
        return
    try:
        overwrite(file)
    finally:
        os.close(file)
    path.unlink(missing_ok=True)


def shred_folder(folder: Path) -> None:
    """Overwrite and delete every file of a folder, then the folder.

    :raises OSError: the disk refuses.
    """
    for parent, _, names in os.walk(folder, topdown=False):
        for name in names:
            shred(Path(parent, name))
    shutil.rmtree(folder, ignore_errors=True)
    if folder.exists():
        raise OSError(0, "not every file in it can be deleted", str(folder))


def replace_file(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Give a file another content, whole or not at all, and overwrite what it held before.

    :param write: receives the new file, open for writing.
    :raises OSError: the disk refuses.
    """
    part = path.with_name(path.name + PART)
    try:
        with open(os.open(part, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "w+b") as file:
            write(file)
        put_in_place(part, path)
    finally:
        shred(part)


def put_in_place(part: Path, path: Path) -> None:
    """Rename a written file over another one, and overwrite what that one held.

    :raises OSError: the disk refuses; the other file is unchanged then.
    """
    old = -1
    try:
        with suppress(FileNotFoundError):
            old = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
        file = os.open(part, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fdatasync(file)
        finally:
            os.close(file)
        linked = old >= 0 and os.fstat(old).st_nlink > 1
        os.replace(part, path)
        sync_folder(path.parent)
        if old >= 0 and not linked:
            overwrite(old)
    finally:
        if old >= 0:
            os.close(old)


def sync_files(paths: Iterable[Path]) -> None:
    """Hand what was written to files to the disk; those that are gone are left out.

    :raises OSError: the disk refuses.
    """
    for path in paths:
        with suppress(FileNotFoundError):
            file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            try:
                os.fdatasync(file)
            finally:
                os.close(file)


def sync_folder(folder: Path) -> None:
    """Hand the names in a folder to the disk.

    :raises OSError: the disk refuses.
    """
    file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(file)
    finally:
        os.close(file)
