"""Errors of a thread that must not end: caught, logged, and the work continues."""

import logging
import threading
import traceback
from types import TracebackType

from facetrack_ros.errors import FacetrackError


class ErrorLog:
    """Context manager that logs an error of its block and suppresses it. May be entered by several threads at once.

    Each message of a :class:`FacetrackError` is logged once; every other exception is logged with its traceback.

    :param logger: a Python or ROS logger.
    """

    def __init__(self, logger: logging.Logger):
        self._logger = logger
        self._logged: set[str] = set()
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> bool:
        if isinstance(error, FacetrackError):
            with self._lock:
                known = str(error) in self._logged
                self._logged.add(str(error))
            if not known:
                self._logger.error(str(error))
        elif isinstance(error, Exception):
            self._logger.error(f"unexpected {type(error).__name__}: {error}\n{traceback.format_exc()}")
        return isinstance(error, Exception)
