"""Output of the command without characters that control a terminal."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import Any, TextIO

from facetrack_ros.core.validation import escaped


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
    with redirect_stdout(PlainStream(sys.stdout)), redirect_stderr(PlainStream(sys.stderr)):  # type: ignore[type-var]
        yield


def write_raw(text: str) -> None:
    """Write to standard output as it is: for this program's own control sequences."""
    stream = sys.stdout.stream if isinstance(sys.stdout, PlainStream) else sys.stdout
    stream.write(text)
