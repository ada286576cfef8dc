"""The health of a service: what was asked of it, what became of that, and what went wrong last."""

import time

from facetrack_ros.nodes.health.status import ERROR_SHOWN_S, OK, STALE, WARN, Diagnosis


class ServiceHealth:
    """Counts what a service does. Each count is changed by one thread at a time.

    :param thing: the service, such as ``search``.
    :param did: what it has done when it has done its work, such as ``searches answered``.
    """

    def __init__(self, thing: str, did: str):
        self._thing, self._did = thing, did
        self._done = self._refused = 0
        self._took_s: float | None = None
        self._refusal, self._error, self._error_s = "", "", float("-inf")

    def done(self, took_s: float) -> None:
        """It did what it was asked, within so many seconds."""
        self._done += 1
        self._took_s = took_s

    def refused(self, sentence: str) -> None:
        """It was asked what cannot be; that is the asker's to mend, and no ill health."""
        self._refused += 1
        self._refusal = sentence

    def failed(self, sentence: str) -> None:
        """Something went wrong, or only a part could be done."""
        self._error, self._error_s = sentence, time.monotonic()

    def look(self, values: dict[str, str], asleep: str = "") -> Diagnosis:
        """How it goes.

        :param values: more figures.
        :param asleep: why it does nothing now, a sentence; empty: it works.
        """
        ago_s = time.monotonic() - self._error_s
        shown = {
            self._did: str(self._done),
            "refused": str(self._refused),
            "last took (ms)": "unknown" if self._took_s is None else f"{1e3 * self._took_s:.0f}",
            **values,
            "last refusal": self._refusal or "none",
            "last error": self._error or "none",
        }
        if self._error:
            shown["last error (s ago)"] = f"{ago_s:.0f}"
        if asleep:
            return Diagnosis(self._thing, STALE, asleep, shown)
        if ago_s < ERROR_SHOWN_S:
            return Diagnosis(self._thing, WARN, self._error, shown)
        return Diagnosis(self._thing, OK, f"{self._done} {self._did}", shown)
