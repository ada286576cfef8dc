"""Which data key is of which folder, in this process. A folder with the file ``robot.json`` may have one, and all
below it then has the same."""

import os
import re
from collections.abc import Callable
from pathlib import Path
from threading import RLock

from facetrack_ros.bounded_file import read_bounded
from facetrack_ros.core.sealed_files.data_key import DataKey
from facetrack_ros.errors import StoreError, store_errors

#: The file that names a robot in its folder.
NOTE = "robot.json"
_LEVELS = 5
_MOST_BYTES = 4096
_BESIDE = re.compile(r"forgotten-(.+)\.jsonl(\.part)?")


def _without_keys(folder: Path) -> None:
    """What is asked before :func:`use_unlock`.

    :raises StoreError: a folder may be encrypted.
    """
    with store_errors(f"cannot read {folder / NOTE}", "check its permissions"):
        if b"encryption" in read_bounded(folder / NOTE, _MOST_BYTES):
            raise StoreError(f"{folder} is encrypted, and this program knows no storage keys")


_lock = RLock()
_keys: dict[str, DataKey | None] = {}
_unlock: Callable[[Path], DataKey | None] = _without_keys


def use_unlock(unlock: Callable[[Path], DataKey | None]) -> None:
    """Set what is asked for the key of a folder that holds :data:`NOTE`; None: the folder is not encrypted."""
    global _unlock
    with _lock:
        _unlock = unlock
        _keys.clear()


def set_key(folder: Path | str, key: DataKey | None) -> None:
    """Set the key of a folder and of all below it."""
    root = os.path.abspath(folder)
    with _lock:
        for known in [each for each in _keys if each == root or each.startswith(f"{root}/")]:
            del _keys[known]
        _keys[root] = key


def known_key(folder: Path | str) -> DataKey | None:
    """The key of a folder that was set or used before; None also where it was not."""
    return _keys.get(os.path.abspath(folder))


def key_of(path: Path | str) -> DataKey | None:
    """The data key of a file's folder; None: it is not encrypted.

    :raises StoreError: the folder is encrypted, and its key is not at hand.
    """
    folder, name = os.path.split(path)
    if name.startswith("forgotten-") and (beside := _BESIDE.fullmatch(name)):
        folder = os.path.join(folder, beside[1])  # a copy beside the robot's folder
    if not folder.startswith("/"):
        folder = os.path.abspath(folder)
    try:
        return _keys[folder]
    except KeyError:
        return _found(folder)


def _found(folder: str) -> DataKey | None:
    with _lock:
        key, place = None, folder
        for _ in range(_LEVELS):
            if place in _keys:
                key = _keys[place]
                break
            if os.path.exists(os.path.join(place, NOTE)):
                key = _keys[place] = _unlock(Path(place))
                break
            place = os.path.dirname(place)
        if key is not None:  # a folder without one may become encrypted
            _keys[folder] = key
        return key
