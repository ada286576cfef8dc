"""What goes wrong again and again, told once a minute."""

import time
from dataclasses import dataclass

TELL_AGAIN_S = 60.0


@dataclass
class _Complaint:
    told_s: float
    since: int = 0


class ThrottledLog:
    """Logs a sentence the first time and then at most once a minute a subject, with how many there were since.

    :param logger: of the node.
    """

    def __init__(self, logger):
        self._logger = logger
        self._subjects: dict[object, _Complaint] = {}

    def tell(self, subject: object, sentence: str) -> None:
        """Something went wrong with ``subject``."""
        now = time.monotonic()
        known = self._subjects.get(subject)
        if known is not None and now - known.told_s < TELL_AGAIN_S:
            known.since += 1
            return
        more = (
            f" ({known.since} more of the kind since this was last told)" if known is not None and known.since else ""
        )
        self._subjects[subject] = _Complaint(now)
        self._logger.warning(sentence + more)

    def tell_once(self, subject: object, sentence: str) -> None:
        """Something about ``subject`` that is told a single time."""
        if self._subjects.setdefault(subject, _Complaint(float("inf"))).since == 0:
            self._subjects[subject].since = 1
            self._logger.warning(sentence)

    def forget(self, subject: object) -> bool:
        """It goes well again, so that the next time is told at once; whether anything was told."""
        return self._subjects.pop(subject, None) is not None
