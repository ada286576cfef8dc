"""The disk below the stored frames."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from facetrack_ros.errors import StoreError


@contextmanager
def storing(path: Path) -> Iterator[None]:
    """Whatever the disk refuses in here becomes a sentence.

    :raises StoreError: the disk did not take it.
    """
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"cannot store frames in {path}: {error.strerror}; make room or check the permissions, "
            "frames are not kept on disk until then"
        ) from error


def free_bytes(path: Path) -> int:
    """Room that is left for us on the disk of a folder."""
    room = os.statvfs(path)
    return room.f_bavail * room.f_frsize
