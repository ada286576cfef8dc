"""What the processes of a crew do in its tests: in a module that they can import by name."""

import os
import signal
import time

from facetrack_ros.errors import FrameError, ModelError

DEADLINE_S = 30.0


def open_models(folder=None):
    """What a process opens: who it is, and where it leaves what it did."""
    return os.getpid(), folder


def fails_to_open():
    raise ModelError("no such model")


def tenfold(models, task):
    """The task tenfold and whose models it was; a task of 0 fails, one that is a word ends the process."""
    if task == 0:
        raise FrameError("frame 0 is no picture")
    if task == "damaged":
        raise ZeroDivisionError(task)
    if task == "killed" and models[0] == os.getpid() != models[1]:
        os.kill(os.getpid(), signal.SIGKILL)
    return task * 10, models[0]


def meets_the_others(models, task):
    """Done only when ``wanted`` processes are at a task at the same time."""
    _, (folder, wanted) = models
    (folder / str(os.getpid())).touch()
    deadline = time.monotonic() + DEADLINE_S
    while len(list(folder.iterdir())) < wanted:
        assert time.monotonic() < deadline, f"only {len(list(folder.iterdir()))} processes at work"
        time.sleep(0.002)
    return os.getpid()


def passed_on(_models, task):
    """The task itself."""
    return task
