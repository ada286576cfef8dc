"""How many frames are looked at at once, and how many threads each model call may use: said once, for everybody."""

import os
import sys
from dataclasses import dataclass

import cv2

from facetrack_ros.config import Config

#: More model sets than this cost memory and gain little: a robot's cameras seldom fill them.
MOST_WORKERS = 8


@dataclass(frozen=True)
class ThreadBudget:
    """One worker a core with one thread in each model call is what a robot gains most by: a model call on two threads
    waits for the slower one at every layer, two calls side by side wait for nobody.

    :param workers: frames looked at side by side, each on models of its own.
    :param threads: inside one model call.
    """

    workers: int
    threads: int

    @classmethod
    def of_config(cls, config: Config, cores: int | None = None) -> "ThreadBudget":
        """What the settings ask for; of 0 workers as many as this process may use cores.

        :param cores: None: those of this process.
        """
        threads = config.models.threads
        cores = cores or (len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
        return cls(config.models.workers or min(MOST_WORKERS, max(1, cores // threads)), threads)


def limit_threads(threads: int) -> None:
    """Hold the libraries that count threads for the whole process to as many in one call: OpenCV, and torch where it runs.

    onnxruntime counts them for each model, see :class:`~.onnx_session.OnnxSession`.
    """
    cv2.setNumThreads(threads)
    limit_torch_threads(threads)


def limit_torch_threads(threads: int) -> None:
    """Hold torch to so many threads in one call, where it runs."""
    torch = sys.modules.get("torch")  # it is not imported for this
    if torch is not None:
        torch.set_num_threads(threads)
