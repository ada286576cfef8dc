"""Frames looked at side by side, their results in the order of the frames: offline, where nothing is dropped."""

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import Callable, Iterable, Iterator, Sequence, TypeVar

from facetrack_ros.vision.pipeline import VisionPipeline

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_order(items: Iterable[Item], pipelines: Sequence[VisionPipeline],
             begin: "Callable[[Item], Callable[[VisionPipeline], Result]]") -> "Iterator[tuple[Item, Result | Exception]]":
    """Each item with what its work gives, or with the error that the work ended in.

    ``begin`` is called in the order of the items, on the caller's thread, always just as far ahead of what was handed out:
    so what it decides is the same each time, however long the work takes.

    :param pipelines: one set of models for each thread.
    :param begin: prepares an item's work, which a thread then does with its models.
    """
    free = deque(pipelines)

    def work(task: "Callable[[VisionPipeline], Result]") -> Result:
        pipeline = free.popleft()  # as many threads as pipelines: there always is one
        try:
            return task(pipeline)
        finally:
            free.append(pipeline)

    under_way: "deque[tuple[Item, object]]" = deque()
    with ThreadPoolExecutor(len(pipelines), "vision") as threads:
        for item in items:
            # One more than there are threads: whoever is done has something to go on with while the caller works.
            if len(under_way) > len(pipelines):
                yield _outcome(under_way)
            under_way.append((item, threads.submit(work, begin(item))))
        while under_way:
            yield _outcome(under_way)


def _outcome(under_way: "deque") -> tuple:
    item, future = under_way.popleft()
    return item, future.exception() or future.result()
