"""Output of the command without characters that control a terminal."""

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from typing import Any, TextIO

from facetrack_ros.core.printable import escaped


def plain(text: str) -> str:
    """The text with control characters and terminal escapes written as ``\\x1b`` and the like."""
    return "\r".join(map(escaped, text.split("\r")))  # progress begins its line again


class PlainStream:
    """Text stream that writes :func:`plain` text to another one; everything else is the other one's."""

    def __init__(self, stream: TextIO):
        self.stream = stream

    def write(self, text: str) -> int:
        """Write a text; its length."""
        self.stream.write(plain(text))
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


@contextmanager
def plain_output() -> Iterator[None]:
    """Standard output and standard error of the block are plain, whatever names and messages of others they show."""
    with ExitStack() as stack:
        output, errors = (PlainStream(stream or _nowhere(stack)) for stream in (sys.stdout, sys.stderr))
        stack.enter_context(redirect_stdout(output))  # type: ignore[type-var]
        stack.enter_context(redirect_stderr(errors))  # type: ignore[type-var]
        yield


def _nowhere(stack: ExitStack) -> TextIO:
    """Where output goes that was closed before the program started."""
    return stack.enter_context(open(os.devnull, "w", encoding="utf-8"))


def write_raw(text: str) -> None:
    """Write to standard output as it is: for this program's own control sequences."""
    stream = sys.stdout.stream if isinstance(sys.stdout, PlainStream) else sys.stdout
    stream.write(text)
