"""Errors and free space of the disk that frames are stored on."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from facetrack_ros.errors import StoreError


@contextmanager
def storing(path: Path) -> Iterator[None]:
    """Turn an ``OSError`` of the block into a StoreError that names the folder.

    :raises StoreError: the disk refused something.
    """
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"cannot store frames in {path}: {error.strerror}; make room or check the permissions, "
            "frames are not kept on disk until then"
        ) from error


def free_bytes(path: Path) -> int:
    """Free space on the disk of a folder, for users that are not root."""
    stats = os.statvfs(path)
    return stats.f_bavail * stats.f_frsize
