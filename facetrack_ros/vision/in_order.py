"""Frames looked at side by side, their results in the order of the frames: offline, where nothing is dropped."""

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Callable, Iterable, Iterator, Sequence, TypeVar

from facetrack_ros.vision.pipeline import VisionPipeline

Item = TypeVar("Item")
Result = TypeVar("Result")
#: Items on their way for each set of models: enough that a thread has something to go on with while the caller is at work itself.
AHEAD = 2


def in_order(items: Iterable[Item], pipelines: Sequence[VisionPipeline],
             begin: "Callable[[Item], Callable[[VisionPipeline], Result]]") -> "Iterator[tuple[Item, Result | Exception]]":
    """Each item with what its work gives, or with the error that the work ended in.

    Where there are several sets of models the caller's thread works too, in between, so there are no more threads at work than
    sets. A single one may be on a graphics card: the caller then goes on beside it.

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

    helps = len(pipelines) > 1
    under_way: "deque[_UnderWay]" = deque()
    with ThreadPoolExecutor(len(pipelines) - helps, "vision") as threads:
        for item in items:
            if len(under_way) == AHEAD * len(pipelines):
                yield _next(under_way, helps)
            task = partial(work, begin(item))
            under_way.append(_UnderWay(item, task, threads.submit(task)))
        while under_way:
            yield _next(under_way, helps)


class _UnderWay:
    """An item whose work waits, is being done or is done."""

    def __init__(self, item: Item, task: "Callable[[], Result]", future: Future):
        self.item, self.future = item, future
        self._task = task

    def do_here(self) -> bool:
        """Do the work on this thread, unless it is done or another has begun it; whether it was."""
        if not self.future.cancel():
            return False
        self.future = Future()
        try:
            self.future.set_result(self._task())
        except Exception as error:  # the caller is handed it in its turn
            self.future.set_exception(error)
        return True


def _next(under_way: "deque[_UnderWay]", helps: bool) -> tuple:
    first = under_way[0]
    while helps and not first.future.done() and any(each.do_here() for each in under_way):
        pass
    under_way.popleft()
    return first.item, first.future.exception() or first.future.result()
