"""Models that keep state between two steps of one call."""

import functools
from collections.abc import Callable


def synchronized(method: Callable) -> Callable:
    """A method whose calls from several threads wait for each other, by the object's ``_lock``.

    A robot's threads share their models: while the cameras' frames go through, somebody's reference picture does too.
    """

    @functools.wraps(method)
    def guarded(self, *arguments, **named):
        with self._lock:
            return method(self, *arguments, **named)

    return guarded
