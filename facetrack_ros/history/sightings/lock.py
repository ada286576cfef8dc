"""Whether a robot is running on a folder."""

import fcntl
import os
from pathlib import Path

from facetrack_ros.errors import StoreError, store_errors


def refuse_running(folder: Path) -> None:
    """
    :raises StoreError: a process has the sightings in a robot's folder open for writing.
    """
    for path in folder.glob("sightings-*.lock"):
        with store_errors(f"cannot read {path}"):
            file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise StoreError(f"{folder} is being written by another process; stop the robot first") from error
            finally:
                os.close(file)
