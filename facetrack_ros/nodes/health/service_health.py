"""Health of a service: counts of its requests, the last refusal and the last error."""

import time

from facetrack_ros.errors import FacetrackError
from facetrack_ros.nodes.health.status import ERROR, ERROR_SHOWN_S, OK, STALE, WARN, Diagnosis


class ServiceHealth:
    """Counters of a service. Each method is called by one thread at a time.

    :param thing: the service, such as ``search``.
    :param count_name: name of the number of requests done, such as ``searches answered``.
    """

    def __init__(self, thing: str, count_name: str):
        self._thing, self._count_name = thing, count_name
        self._done = self._refused = 0
        self._took_s: float | None = None
        self._refusal, self._error, self._error_s = "", "", float("-inf")

    def done(self, took_s: float) -> None:
        """Count a request that was done, and keep how long it took."""
        self._done += 1
        self._took_s = took_s

    def refused(self, sentence: str) -> None:
        """Count a request that is not valid, which is no fault of the service."""
        self._refused += 1
        self._refusal = sentence

    def failed(self, sentence: str) -> None:
        """Keep an error, or why a request was done only in part."""
        self._error, self._error_s = sentence, time.monotonic()

    def raised(self, error: Exception) -> str:
        """Count a request that raised: a :class:`FacetrackError` as refused, any other as failed; its message."""
        if isinstance(error, FacetrackError):
            self.refused(str(error))
            return str(error)
        self.failed(f"unexpected {type(error).__name__}: {error}")
        return self._error

    def report(self, values: dict[str, str], inactive: str = "", problem: str = "") -> Diagnosis:
        """The service's diagnosis.

        :param values: more figures.
        :param inactive: why it does nothing now, a sentence; empty: it works.
        :param problem: an error that lasts, such as a conflict of names; empty: none.
        """
        ago_s = time.monotonic() - self._error_s
        shown = {
            self._count_name: str(self._done),
            "refused": str(self._refused),
            "last took (ms)": "unknown" if self._took_s is None else f"{1e3 * self._took_s:.0f}",
            **values,
            "last refusal": self._refusal or "none",
            "last error": self._error or "none",
        }
        if self._error:
            shown["last error (s ago)"] = f"{ago_s:.0f}"
        if problem:
            return Diagnosis(self._thing, ERROR, problem, shown)
        if inactive:
            return Diagnosis(self._thing, STALE, inactive, shown)
        if ago_s < ERROR_SHOWN_S:
            return Diagnosis(self._thing, WARN, self._error, shown)
        return Diagnosis(self._thing, OK, f"{self._done} {self._count_name}", shown)
