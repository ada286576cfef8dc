"""Errors of the disk that frames are stored on."""

from contextlib import AbstractContextManager
from pathlib import Path

from facetrack_ros.errors import store_errors


def storing(path: Path) -> AbstractContextManager[None]:
    """Raise an ``OSError`` of the block as StoreError that names the folder.

    :raises StoreError: the disk refuses something.
    """
    advice = "make room or check the permissions, frames are not kept on disk until then"
    return store_errors(f"cannot store frames in {path}", advice)
