"""Items worked at side by side, their results in the order of the items: offline, where nothing is dropped."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from facetrack_ros.concurrency.process_pool import Result, Task, WorkerPool

Item = TypeVar("Item")


def ordered_map(
    items: Iterable[Item], begin: Callable[[Item], Task], crew: WorkerPool[Task, Result]
) -> Iterator[tuple[Item, Result | Exception]]:
    """Each item with what its work gives, or with the error that the work ended in.

    ``begin`` is called in the order of the items, always just as far ahead of what was handed out: so what it decides is the
    same each time, however long the work takes.

    :param begin: an item's task.
    :param crew: does the tasks; it is the caller's to close.
    """
    under_way: deque[tuple[Item, Callable[[], Result]]] = deque()
    for item in items:
        if len(under_way) == crew.ahead:
            yield _next(under_way)
        under_way.append((item, crew.start(begin(item))))
    while under_way:
        yield _next(under_way)


def _next(under_way: deque[tuple[Item, Callable[[], Result]]]) -> tuple[Item, Result | Exception]:
    item, result = under_way.popleft()
    try:
        return item, result()
    except Exception as error:  # the caller is handed it in its turn
        return item, error
