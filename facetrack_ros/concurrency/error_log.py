"""Errors of a thread that must not end: caught, logged, and the work continues."""

import logging
import threading
from dataclasses import dataclass
from types import TracebackType

from facetrack_ros.errors import FacetrackError

logger = logging.getLogger(__name__)

#: How often an unexpected error of one place is logged, seconds.
REPEAT_S = 60.0
# Messages remembered as logged; chosen by hand, as messages may name what others sent.
_MOST_MESSAGES = 1000


class ErrorLog:
    """Context manager that logs an error of its block and suppresses it. May be entered by several threads at once.

    Each message of a :class:`FacetrackError` is logged once. Every other exception is logged with its traceback, at
    most once in :data:`REPEAT_S` for each line of code that raises it, with the number of those not logged.
    """

    def __init__(self) -> None:
        self._messages: set[str] = set()
        self._places: dict[tuple, _Place] = {}
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        if isinstance(error, FacetrackError):
            if self._is_new(str(error)):
                logger.error("%s", error)
        elif isinstance(error, Exception):
            self._log_unexpected(error, traceback)
        return isinstance(error, Exception)

    def _is_new(self, message: str) -> bool:
        with self._lock:
            if message in self._messages:
                return False
            if len(self._messages) >= _MOST_MESSAGES:
                self._messages.clear()
            self._messages.add(message)
            return True

    def _log_unexpected(self, error: Exception, traceback: TracebackType | None) -> None:
        name, origin = type(error).__name__, traceback
        while origin is not None and origin.tb_next is not None:
            origin = origin.tb_next
        place = (name, origin and origin.tb_frame.f_code.co_filename, origin and origin.tb_lineno)
        said = f"unexpected {name}: {error}"
        # The record has the time, which nothing here reads.
        record = logger.makeRecord(
            logger.name, logging.ERROR, __file__, 0, "%s", (said,), (type(error), error, traceback)
        )
        with self._lock:
            known = self._places.get(place)
            if known is not None and record.created - known.logged_s < REPEAT_S:
                known.suppressed += 1
                return
            self._places[place] = _Place(record.created)
        if known is not None and known.suppressed:
            record.args = (f"{said} ({known.suppressed} more of the kind since the last time)",)
        logger.handle(record)


@dataclass
class _Place:
    logged_s: float
    suppressed: int = 0
