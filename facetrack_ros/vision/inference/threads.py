"""Thread counts: frames analysed in parallel, and threads inside each model call."""

import os
import sys
from dataclasses import dataclass

import cv2

from facetrack_ros.config import Config

#: Most workers chosen automatically, by hand: pipelines cost memory, and a robot's cameras seldom fill more.
MOST_WORKERS = 8


@dataclass(frozen=True)
class ThreadBudget:
    """One worker a core with one thread in each model call gives the highest throughput: with two threads in a call
    each layer waits for the slower one.

    :param workers: frames analysed in parallel, each with a pipeline of its own.
    :param threads: threads inside one model call.
    """

    workers: int
    threads: int

    @classmethod
    def of_config(cls, config: Config, cores: int | None = None) -> "ThreadBudget":
        """The budget that the settings name; with 0 workers one for each core, at most :data:`MOST_WORKERS`.

        :param cores: None: those of this process.
        """
        threads = config.models.threads
        cores = cores or (len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
        return cls(config.models.workers or min(MOST_WORKERS, max(1, cores // threads)), threads)


def limit_threads(threads: int) -> None:
    """Set the threads inside one call of the libraries that count them for the whole process: OpenCV and torch.

    onnxruntime counts them for each session, see :class:`~.onnx_session.OnnxSession`.
    """
    cv2.setNumThreads(threads)
    limit_torch_threads(threads)


def limit_torch_threads(threads: int) -> None:
    """Set torch's threads inside one call, if torch is imported."""
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(threads)
