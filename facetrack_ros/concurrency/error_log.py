"""Errors of a thread that must not end: caught, logged, and the work continues."""

import logging
import threading
from types import TracebackType

from facetrack_ros.errors import FacetrackError

logger = logging.getLogger(__name__)


class ErrorLog:
    """Context manager that logs an error of its block and suppresses it. May be entered by several threads at once.

    Each message of a :class:`FacetrackError` is logged once; every other exception is logged with its traceback.
    """

    def __init__(self) -> None:
        self._logged: set[str] = set()
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        if isinstance(error, FacetrackError):
            with self._lock:
                known = str(error) in self._logged
                self._logged.add(str(error))
            if not known:
                logger.error("%s", error)
        elif isinstance(error, Exception):
            logger.error("unexpected %s: %s", type(error).__name__, error, exc_info=True)
        return isinstance(error, Exception)
