"""Limit on the calls of a service that are under way at once; a further one is refused at once, not lost."""

from collections.abc import Iterator
from contextlib import contextmanager

from facetrack_ros.errors import BusyError


class OpenCalls:
    """Counts calls under way, and the bytes of what they carry. For callbacks of one thread.

    :param service: in words, such as ``the search of robot1``.
    :param most: calls at once.
    :param most_bytes: of all of them together.
    :ivar refused: calls refused so far.
    """

    def __init__(self, service: str, most: int, most_bytes: int = 200_000_000):
        self._service, self._most, self._most_bytes = service, most, most_bytes
        self._open = self._bytes = self.refused = 0

    @contextmanager
    def one(self, size: int = 0) -> Iterator[None]:
        """Count a call for the block.

        :param size: of what it carries, bytes; the first call may have any.
        :raises BusyError: too many are under way.
        """
        if self._open >= self._most or (self._open and self._bytes + size > self._most_bytes):
            self.refused += 1
            raise BusyError(f"{self._service} is busy with {self._open} requests: try again in a few seconds")
        self._open, self._bytes = self._open + 1, self._bytes + size
        try:
            yield
        finally:
            self._open, self._bytes = self._open - 1, self._bytes - size

    def __len__(self) -> int:
        return self._open
