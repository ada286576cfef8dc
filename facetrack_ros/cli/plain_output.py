"""Output of the command without characters that control a terminal."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from itertools import chain
from typing import Any, TextIO

# Control characters, but for tab, line feed and carriage return; text direction; halves of surrogate pairs, which stand
# for bytes of a file name that is not UTF-8.
_UNPRINTABLE = chain(
    set(range(0x20)) - set(map(ord, "\t\n\r")),
    range(0x7F, 0xA0),
    range(0x202A, 0x202F),
    range(0x2066, 0x206A),
    range(0xD800, 0xE000),
)
_ESCAPES = {code: f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" for code in _UNPRINTABLE}


def plain(text: str) -> str:
    """The text with control characters and terminal escapes written as ``\\x1b`` and the like."""
    return text.translate(_ESCAPES)


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
