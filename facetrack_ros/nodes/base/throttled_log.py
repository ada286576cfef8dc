"""Log of recurring problems, at most one line a minute each."""

import time
from dataclasses import dataclass

from rclpy.impl.rcutils_logger import RcutilsLogger

REPEAT_S = 60.0


@dataclass
class _Problem:
    logged_s: float
    suppressed: int = 0


class ThrottledLog:
    """Logs warnings by key: the first at once, then at most one a minute with the number of suppressed ones.

    :param logger: of the node.
    """

    def __init__(self, logger: RcutilsLogger):
        self._logger = logger
        self._problems: dict[object, _Problem] = {}

    def warn(self, key: object, sentence: str) -> None:
        """Log a warning, or count it if one of the same key was logged within a minute."""
        now = time.monotonic()
        known = self._problems.get(key)
        if known is not None and now - known.logged_s < REPEAT_S:
            known.suppressed += 1
            return
        more = f" ({known.suppressed} more of the kind since the last warning)" if known and known.suppressed else ""
        self._problems[key] = _Problem(now)
        self._logger.warning(sentence + more)

    def warn_once(self, key: object, sentence: str) -> None:
        """Log a warning unless one of the same key was logged before."""
        if key not in self._problems:
            self._problems[key] = _Problem(float("inf"))
            self._logger.warning(sentence)

    def clear(self, key: object) -> bool:
        """Forget a problem that is over, so that the next warning is logged at once; whether any was logged."""
        return self._problems.pop(key, None) is not None
