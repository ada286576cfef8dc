"""Files that cannot be used: renamed to ``NAME.damaged-1`` beside their place, so that a robot starts without them."""

import logging
import os
from pathlib import Path

from facetrack_ros.core.validation import printable
from facetrack_ros.errors import store_errors

_MARK = ".damaged-"

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
        os.rename(path, aside)
    logger.warning("%s cannot be used and is now %s: %s", path, aside.name, printable(why, 300))
    return aside


def is_foreign(path: Path) -> bool:
    """Whether something other than a file has a file's name: a folder, device, pipe, or a link to nothing."""
    return os.path.lexists(path) and not path.is_file()


def files_set_aside(folder: Path) -> tuple[str, ...]:
    """The files set aside in a robot's folder and its gallery, as paths within it, sorted."""
    found = (path for pattern in (f"*{_MARK}*", f"gallery/*{_MARK}*") for path in folder.glob(pattern))
    return tuple(sorted(str(path.relative_to(folder)) for path in found if not path.name.endswith(("-wal", "-shm"))))


def aside_sentence(folder: Path) -> str:
    """What was set aside in a robot's folder, for answers that may lack it; empty: nothing."""
    names = files_set_aside(folder)
    if not names:
        return ""
    shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
    return f"{shown} in {folder} could not be used and {'was' if len(names) == 1 else 'were'} set aside"
