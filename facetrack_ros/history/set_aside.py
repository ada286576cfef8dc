"""Files that cannot be used: renamed to ``NAME.damaged-1`` beside their place, so that a robot starts without them."""

import logging
import os
from pathlib import Path

from facetrack_ros.core.line_file import MAX_BYTES
from facetrack_ros.core.printable import printable
from facetrack_ros.errors import store_errors

_MARK = ".damaged-"
# What must be a file or a folder in a robot's folder, by its name; of other names nothing is known.
_FILES = (".json", ".jsonl", ".csv", ".sqlite", ".sqlite-wal", ".sqlite-shm", ".lock", ".part", ".new", ".mcap")
_READ_WHOLE = ("aliases.jsonl", "clocks.jsonl")
_FOLDERS = ("gallery", "frames")
_INDEX = ".index"

logger = logging.getLogger(__name__)


def aside_path(path: Path) -> Path:
    """The name under which a file is set aside: the first that is free."""
    number = 1
    while os.path.lexists(aside := path.with_name(f"{path.name}{_MARK}{number}")):
        number += 1
    return aside


def set_aside(path: Path, why: object) -> Path:
    """Rename a file, folder or link that cannot be used, and log it; its new path.

    :param why: it cannot be used, a sentence.
    :raises StoreError: the disk refuses.
    """
    aside = aside_path(path)
    with store_errors(f"{path} is damaged and cannot be moved away", "check the permissions"):
        try:
            os.rename(path, aside)
        except FileNotFoundError:
            return aside  # another process of the robot was faster
    logger.warning("%s cannot be used and is now %s: %s", path, aside.name, printable(why, 300))
    return aside


def set_foreign_aside(folder: Path) -> None:
    """Set aside what has the name of a file in a robot's folder and is none: a folder, device, pipe, or a link to
    nothing; what has the name of a folder and is none; and a log that is read whole and far too large for that.

    :raises StoreError: the folder cannot be read, or the disk refuses.
    """
    with store_errors(f"cannot read {folder}", "check its permissions"):
        entries = sorted(folder.iterdir()) if folder.is_dir() else []
    for path in entries:
        if _MARK in path.name:
            continue
        if path.name in _FOLDERS or path.name.endswith(_INDEX):
            if path.is_dir():
                set_foreign_aside(path)
            elif os.path.lexists(path):
                set_aside(path, "it is no folder")
        elif (path.name.endswith(_FILES) or folder.name.endswith(_INDEX)) and is_foreign(path):
            set_aside(path, "it is no file")
        elif path.name in _READ_WHOLE and path.stat().st_size > MAX_BYTES:
            set_aside(path, f"it is larger than {MAX_BYTES // 10**6} MB")


def is_foreign(path: Path) -> bool:
    """Whether something other than a file has a file's name: a folder, device, pipe, or a link to nothing."""
    return os.path.lexists(path) and not path.is_file()


def files_set_aside(folder: Path) -> tuple[str, ...]:
    """The files set aside in a robot's folder and the folders in it, as paths within it, sorted."""
    found = (path for pattern in (f"*{_MARK}*", f"*/*{_MARK}*") for path in folder.glob(pattern))
    return tuple(sorted(str(path.relative_to(folder)) for path in found if not path.name.endswith(("-wal", "-shm"))))


def aside_sentence(folder: Path) -> str:
    """What was set aside in a robot's folder, for answers that may lack it; empty: nothing."""
    names = files_set_aside(folder)
    if not names:
        return ""
    shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
    return f"{shown} in {folder} could not be used and {'was' if len(names) == 1 else 'were'} set aside"
