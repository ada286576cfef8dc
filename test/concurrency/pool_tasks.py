"""Tasks of the worker pools in their tests, in a module that worker processes can import."""

import os
import signal
import time

from facetrack_ros.errors import FrameError, ModelError

DEADLINE_S = 30.0


def open_models(folder=None):
    """Stands for opening models: process id and folder."""
    return os.getpid(), folder


def fails_to_open():
    raise ModelError("no such model")


def tenfold(models, task):
    """Ten times the task, and the process id; 0 and "damaged" raise, "killed" kills the worker process."""
    if task == 0:
        raise FrameError("frame 0 is no picture")
    if task == "damaged":
        raise ZeroDivisionError(task)
    if task == "killed" and models[0] == os.getpid() != models[1]:
        os.kill(os.getpid(), signal.SIGKILL)
    return task * 10, models[0]


def meets_the_others(models, task):
    """Return once ``wanted`` processes run a task at the same time."""
    _, (folder, wanted) = models
    (folder / str(os.getpid())).touch()
    deadline = time.monotonic() + DEADLINE_S
    while len(list(folder.iterdir())) < wanted:
        assert time.monotonic() < deadline, f"only {len(list(folder.iterdir()))} processes run a task"
        time.sleep(0.002)
    return os.getpid()


def passed_on(_models, task):
    """The task itself."""
    return task
