"""Permissions of files that may hold faces: their owner only."""

import grp
import os
import pwd
import stat
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def create_private_files() -> None:
    """Give files and folders that this process creates from now on to their owner only: 0600 and 0700.

    Every program of the package calls it first; it also covers what SQLite, OpenCV and PyAV write.
    """
    os.umask(_OTHERS)


def others_may_write(folder: Path) -> bool:
    """Whether users other than a folder's owner may create and replace files in it.

    A group that no one but the owner is in, as most distributions make for each user, is no other user. False where
    there is no such folder.
    """
    try:
        status = folder.stat()
    except OSError:
        return False
    if status.st_mode & stat.S_IWOTH:
        return True
    return bool(status.st_mode & stat.S_IWGRP) and not _is_of_one_user(status.st_gid, status.st_uid)


@lru_cache
def _is_of_one_user(group: int, owner: int) -> bool:
    """Whether a group has no member but one user."""
    try:
        members = {pwd.getpwnam(name).pw_uid for name in grp.getgrgid(group).gr_mem}
        members |= {user.pw_uid for user in pwd.getpwall() if user.pw_gid == group}
    except KeyError:
        return False
    return members <= {owner}


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
