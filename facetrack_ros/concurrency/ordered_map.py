"""Parallel processing of a sequence, results in the order of the items; for recordings, where nothing is dropped."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from facetrack_ros.concurrency.process_pool import Result, Task, WorkerPool

Item = TypeVar("Item")


def ordered_map(
    items: Iterable[Item], begin: Callable[[Item], Task], workers: WorkerPool[Task, Result]
) -> Iterator[tuple[Item, Result | Exception]]:
    """Yield each item with the result of its task, or with the exception that the task raised.

    ``begin`` is called in the order of the items, always ``max_in_flight`` items ahead of the results, so its decisions
    do not depend on timing.

    :param begin: makes an item's task.
    :param workers: run the tasks; the caller closes them.
    """
    in_flight: deque[tuple[Item, Callable[[], Result]]] = deque()
    for item in items:
        if len(in_flight) == workers.max_in_flight:
            yield _next(in_flight)
        in_flight.append((item, workers.start(begin(item))))
    while in_flight:
        yield _next(in_flight)


def _next(in_flight: deque[tuple[Item, Callable[[], Any]]]) -> tuple[Item, Any]:
    item, result = in_flight.popleft()
    try:
        return item, result()
    except Exception as error:  # passed to the caller in the item's turn
        return item, error
