"""A progress line on the terminal."""

import sys
import time

_WIDTH = 30


class ProgressLine:
    """One line on standard error that is overwritten; prints nothing unless standard error is a terminal.

    :param interval_s: shortest time between two updates.
    """

    def __init__(self, interval_s: float = 0.5) -> None:
        self._interval_s = interval_s
        self._shown_s = 0.0

    def show(self, text: str, last: bool = False) -> None:
        """Replace the line, unless it was replaced just before.

        :param last: replace it in any case.
        """
        now = time.monotonic()
        if sys.stderr.isatty() and (last or now - self._shown_s >= self._interval_s):
            self._shown_s = now
            print(f"\r{text}\x1b[K", end="", file=sys.stderr, flush=True)

    def end(self) -> None:
        """Keep the line, and go to the next one."""
        if self._shown_s:
            print(file=sys.stderr)


def bar(share: float) -> str:
    """A bar, filled from 0 to 1."""
    return f"[{'#' * round(_WIDTH * min(share, 1.0)):{_WIDTH}}]"
